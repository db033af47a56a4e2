// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/value.h"

// The grammars of -v and --mount.
namespace hull::cli {

struct Volumes {
  std::vector<std::string> binds;      // "source:target[:options]" for HostConfig.Binds
  std::vector<std::string> anonymous;  // targets, for Config.Volumes
};

// Adds what one -v says; a source that starts with "." becomes absolute. Throws Error{kInvalidArgument}.
void add_volume(Volumes& volumes, std::string_view specification);

// The API's Mount of "type=bind,source=…,target=…". Throws Error{kInvalidArgument}.
Value parse_mount(std::string_view specification);

// The fields of one line of comma-separated values: a field in double quotes may hold commas, and "" for a quote.
std::vector<std::string> parse_csv(std::string_view line);

// `path` as seen from the root: relative ones start at the working directory; "." and ".." are taken out.
std::string absolute_path(std::string_view path);

}  // namespace hull::cli
