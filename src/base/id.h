// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace hull {

// 64 random lower-case hex digits, the form of Docker's container, network and exec ids. Never twelve
// decimal digits at the front: a short id must not be taken for a number. Throws errno of getrandom(2).
std::string random_id();
// The first twelve characters, as people see ids.
std::string short_id(std::string_view id);
// True for 1 to 64 lower-case hex digits: what may be the beginning of an id.
bool looks_like_id_prefix(std::string_view text);
// `count` random bytes as hex digits (twice as many characters).
std::string random_hex(std::size_t count);

}  // namespace hull
