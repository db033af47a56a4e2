// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "archive/source.h"
#include "base/clock.h"
#include "container/spec.h"

// What Engine's verbs on the files of a container take and give.
namespace hull::container {

// What is at a path, with symbolic links in the directories followed, but not a last one.
struct PathStat {
  std::string name;  // last component of the path as it was asked for; "." and "/" are possible
  std::int64_t size = 0;
  std::uint32_t mode = 0;  // Go's os.FileMode: permissions, and type and set-id bits in places of their own
  Timestamp modified;
  std::string link_target;  // of a symbolic link: the path inside the container that it leads to in the end
};
// st_mode(2) to os.FileMode.
std::uint32_t go_file_mode(mode_t mode);

struct ExtractOptions {
  bool as_container_user = false;  // everything belongs to the container's user, instead of the archive's owners
  bool keep_kinds = false;         // a directory is not replaced by something else, and the reverse
};

struct CommitRequest {
  std::string reference;  // "" : none
  std::string comment, author;
  bool pause = true;
  Strings changes;  // Dockerfile instructions
  // What it says goes before what the container's says; the changes are made on it. Empty: on the container's.
  std::optional<oci::ExecutionConfig> config = {};
};

}  // namespace hull::container
