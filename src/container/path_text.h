// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace hull::container {

// The shortest text for the same path, without looking at any file: "//a/./b/../c/" is "/a/c". ".." above the
// root is the root; a relative path stays relative; "" is ".".
std::string clean_path(std::string_view path);

// True when `path` is `directory` or below it; both clean and absolute.
bool is_within(std::string_view path, std::string_view directory);
// True when one of the two is_within() the other.
bool overlap(std::string_view a, std::string_view b);

}  // namespace hull::container
