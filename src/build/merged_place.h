// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace hull::build {

// The directories of a chain that show through at `path`, topmost first, as overlayfs merges them; or the one file that
// is there. Layers are looked at one by one: a directory that is opaque, or was replaced, hides those below.
struct MergedPlace {
  std::vector<std::string> directories;
  std::string file;
};
// `path`: real, no link in it.
MergedPlace merged_place(const std::string& data_root, const std::vector<std::string>& chain, const std::string& path);

}  // namespace hull::build
