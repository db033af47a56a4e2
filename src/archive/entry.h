// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

namespace hull::archive {

// What a tar says about one name.
struct Entry {
  std::string name;         // as written: may be absolute, dirty, hostile; any bytes but NUL
  std::string link_target;  // of symbolic links, as written
  std::string hard_link;    // not empty: another name of this one
  mode_t mode = 0;          // with the S_IF* bits
  uid_t uid = 0;
  gid_t gid = 0;
  std::int64_t size = 0;
  dev_t device = 0;  // of character and block devices
  timespec modified{};
  std::vector<std::pair<std::string, std::string>> attributes;  // extended attributes

  bool is(mode_t type) const { return (mode & S_IFMT) == type; }
};

}  // namespace hull::archive
