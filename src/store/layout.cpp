// SPDX-License-Identifier: Apache-2.0
#include "store/layout.h"

#include <cstdio>

#include "base/file.h"
#include "base/id.h"

namespace hull::store {

bool move_to_trash(const std::string& data_root, const std::string& path) {
  std::string trash = data_root + "/incoming/trash";
  std::string target = cat(trash, "/", random_hex(12));
  if (::rename(path.c_str(), target.c_str()) == 0) return true;
  if (errno == ENOENT && exists(path)) {
    make_directories(trash, 0700);
    if (::rename(path.c_str(), target.c_str()) == 0) return true;
  }
  if (errno == ENOENT) return false;
  throw_errno("rename", path);
}

std::string incoming_path(const std::string& data_root, std::string_view what) {
  return cat(data_root, "/incoming/", what, "-", random_hex(12));
}

}  // namespace hull::store
