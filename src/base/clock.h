// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hull {

// Wall-clock time in nanoseconds since the Unix epoch. Zero (the default) means "never".
struct Timestamp {
  std::int64_t nanoseconds = 0;
  bool never() const { return nanoseconds == 0; }
  auto operator<=>(const Timestamp&) const = default;
};

Timestamp now();
std::int64_t monotonic_nanoseconds();  // CLOCK_MONOTONIC

// "2026-01-02T03:04:05.123456789Z": UTC, up to nine fraction digits without trailing zeros, as Go's
// RFC3339Nano. Never is "0001-01-01T00:00:00Z", Go's zero time, which Docker's clients test for.
std::string format_rfc3339(Timestamp time);
// The same with exactly nine fraction digits, as `docker logs -t` prints.
std::string format_rfc3339_fixed(Timestamp time);
// Accepts any fraction and "Z" or "+hh:mm". Empty optional when the text is not such a time.
std::optional<Timestamp> parse_rfc3339(std::string_view text);

// Go's duration syntax: "1h15m30.5s", "300ms", "1us". Empty optional when it is not one.
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

}  // namespace hull
