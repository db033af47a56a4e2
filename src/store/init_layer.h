// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

// What every container finds in its root beside its image: places to mount on ("/proc", "/etc/hosts", …), and
// "/.dockerenv", which programs look for. It is a directory over the layers of the image and under the container's own,
// made once per image: a start writes nothing, and neither diff nor commit sees any of it.
namespace hull::store {

// The init layer of the image whose layers these are (directories with what they change, topmost first; not empty).
// Made by the first who asks, as <layer>/init beside the <layer>/diff of the topmost one that has something in one of
// these places, and removed with that layer: the steps of a build share it, as long as they leave /etc alone.
std::string ensure_init_layer(const std::string& data_root, const std::vector<std::string>& layers);
// The same in an empty directory, for a container without layers.
void fill_init_layer(const std::string& directory, const std::vector<std::string>& layers);

}  // namespace hull::store
