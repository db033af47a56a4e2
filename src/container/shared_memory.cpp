// SPDX-License-Identifier: Apache-2.0
#include "container/shared_memory.h"

#include <algorithm>

#include "base/file.h"
#include "linux/mount_table.h"

namespace hull::container {

namespace {

std::string parent_directory(const Configuration& configuration) { return configuration.exec_root + "/shm"; }

}  // namespace

std::string shared_memory_directory(const Configuration& configuration, const std::string& id) {
  return cat(parent_directory(configuration), "/", id);
}

void prepare_shared_memory(const Configuration& configuration, const std::string& id, std::int64_t size) {
  std::string directory = shared_memory_directory(configuration, id);
  make_directories(directory, 0700);
  linux::mount_shared_tmpfs(directory, size);
}

void release_shared_memory(const Configuration& configuration, const std::string& id) {
  std::string directory = shared_memory_directory(configuration, id);
  if (!exists(directory)) return;
  linux::unmount_lazily(directory);
  remove_tree(directory);
}

void release_stale_shared_memory(const Configuration& configuration, const std::vector<std::string>& live) {
  for (const std::string& id : list_directory(parent_directory(configuration)))
    if (std::ranges::find(live, id) == live.end()) release_shared_memory(configuration, id);
}

}  // namespace hull::container
