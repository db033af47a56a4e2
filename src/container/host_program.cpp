// SPDX-License-Identifier: Apache-2.0
#include "container/host_program.h"

#include "base/file.h"

namespace hull::container {

std::optional<std::string> find_host_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  for (std::string_view directory : {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"})
    if (std::string path = cat(directory, "/", name); exists(path)) return path;
  return std::nullopt;
}

std::string find_criu() {
  auto program = find_host_program("criu");
  if (!program)
    fail(Kind::kInternal, "the program criu is not installed (a package of this name, or https://criu.org)");
  return *program;
}

}  // namespace hull::container
