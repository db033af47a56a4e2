// SPDX-License-Identifier: Apache-2.0
#include "container/volume_intent.h"

#include <unistd.h>

#include "base/file.h"

namespace hull::container::volume_intent {

namespace {
std::string path_in(const std::string& directory) { return directory + "/anonymous-volumes"; }
}  // namespace

void record(const std::string& container_directory, const std::vector<std::string>& volumes) {
  if (volumes.empty()) return;
  write_file_atomically(path_in(container_directory), join(volumes, "\n"), 0600, Durability::kProcessCrash);
}

std::vector<std::string> read(const std::string& container_directory) {
  auto text = read_if_exists(path_in(container_directory));
  std::vector<std::string> names;
  if (!text) return names;
  for (std::string_view name : split(*text, '\n'))
    if (!name.empty()) names.emplace_back(name);
  return names;
}

void clear(const std::string& container_directory) { ::unlink(path_in(container_directory).c_str()); }

}  // namespace hull::container::volume_intent
