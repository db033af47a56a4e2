// SPDX-License-Identifier: Apache-2.0
#include "cli/time_point.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"

namespace hull::cli {

std::string point_in_time(const std::string& text) {
  auto seconds = [](std::int64_t ns) {
    return cat(ns / 1'000'000'000, ".", cat(1'000'000'000 + ns % 1'000'000'000).substr(1));
  };
  if (auto duration = parse_duration(text); duration && text != "0")
    return seconds(now().nanoseconds - duration->count());
  for (const char* rest : {"", "Z", ":00Z", ":00:00Z", "T00:00:00Z"})
    if (auto time = parse_rfc3339(cat(text, std::string_view(rest)))) return seconds(time->nanoseconds);
  bool number = !text.empty() && text.find_first_not_of("0123456789.") == text.npos;
  if (!number) fail_invalid("failed to parse value as time or duration: ", quoted(text));
  return text;
}

}  // namespace hull::cli
