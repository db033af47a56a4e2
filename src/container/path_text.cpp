// SPDX-License-Identifier: Apache-2.0
#include "container/path_text.h"

#include <vector>

#include "base/text.h"

namespace hull::container {

std::string clean_path(std::string_view path) {
  bool absolute = path.starts_with('/');
  std::vector<std::string_view> kept;
  for (std::string_view part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..")
      kept.push_back(part);
    else if (!kept.empty() && kept.back() != "..")
      kept.pop_back();
    else if (!absolute)
      kept.push_back(part);
  }
  std::string clean;
  for (std::string_view part : kept) {
    if (absolute || !clean.empty()) clean += '/';
    clean += part;
  }
  if (clean.empty()) return absolute ? "/" : ".";
  return clean;
}

bool is_within(std::string_view path, std::string_view directory) {
  if (directory == "/") return path.starts_with('/');
  return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

bool overlap(std::string_view a, std::string_view b) { return is_within(a, b) || is_within(b, a); }

}  // namespace hull::container
