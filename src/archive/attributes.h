// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hull::archive {

using Attributes = std::vector<std::pair<std::string, std::string>>;

inline constexpr const char* kOpaqueAttribute = "trusted.overlay.opaque";

// The extended attributes of an open file. Empty where the file system has none. Throws errno.
Attributes read_attributes(int fd);
// Of `name` in `parent`, which may be anything, also a symbolic link (which is not followed).
Attributes read_attributes_at(int parent, const std::string& name);

// Sets them. What the file system does not support is left out, as tar(1) does; overlayfs' own, which would let an
// archive redirect or hide other files, always. Throws errno.
void write_attributes(int fd, const Attributes& attributes, std::string_view shown);
void write_attributes_at(int parent, const std::string& name, const Attributes& attributes);

}  // namespace hull::archive
