// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

// When a file was last claimed by somebody who pushes: its modification time, which the content does not need.
namespace hull::registry_server {

inline constexpr std::int64_t kSecond = 1'000'000'000;  // nanoseconds
// Times younger than this are not renewed, so that many requests for one blob do not write each time.
inline constexpr std::int64_t kFreshness = kSecond;

// Claimed within kFreshness. False when there is no such file.
bool is_fresh(const std::string& path);
// Sets the time to now. False when there is no such file. Throws errno.
bool freshen(const std::string& path);
// Nanoseconds since the epoch; 0 when there is no such file.
std::int64_t claimed_at(const std::string& path);

}  // namespace hull::registry_server
