// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "linux/mounts.h"

namespace hull::linux {

// The options of a mount in the OCI configuration, taken apart (runtime-spec, config.md#linux-mount-options).
struct MountOptions {
  bool bind = false, recursive = false;      // "bind", "rbind"
  MountAttributes attributes;                // of the mount itself
  MountAttributes tree;                      // of it and everything below ("rro", …)
  bool propagate_tree = false;               // "rprivate" and the like
  bool id_map = false, id_map_tree = false;  // "idmap", "ridmap"
  bool copy_up = false;                      // "tmpcopyup": the tmpfs starts with what was there
  FilesystemParameters parameters;           // what is left is for the file system

  bool read_only() const;
};
MountOptions parse_mount_options(const std::vector<std::string>& options);

// "shared", "rslave", … to MS_SHARED, MS_SLAVE, …; empty for anything else.
std::optional<unsigned long> propagation_flag(std::string_view name);

// The names that `hull-runtime features` lists.
std::vector<std::string> known_mount_options();

}  // namespace hull::linux
