// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/text.h"

// The log of a process. One line per event on standard error, by default as dockerd, containerd and runc write it,
// `time="2026-01-02T03:04:05.123456Z" level=warning msg="words"`; a process may put another sink in its place.
// Log an error or pass it on, never both.
namespace hull::log {

enum class Level : unsigned char { kDebug, kInfo, kWarn, kError };

std::string_view name(Level level);                            // "debug", "info", "warning", "error"
std::string text_line(Level level, std::string_view message);  // the form above, with its end of line

using Sink = void (*)(Level level, std::string_view message);

void set_level(Level level);
bool enabled(Level level);
void set_sink(Sink sink);  // nullptr: standard error again
void write(Level level, std::string_view message);

// "debug", "info", "warn"/"warning", "error"/"fatal". Throws Error{kInvalidArgument} for anything else.
Level parse_level(std::string_view name);

template <class... Parts>
void debug(const Parts&... parts) {
  if (enabled(Level::kDebug)) write(Level::kDebug, cat(parts...));
}
template <class... Parts>
void info(const Parts&... parts) {
  if (enabled(Level::kInfo)) write(Level::kInfo, cat(parts...));
}
template <class... Parts>
void warn(const Parts&... parts) {
  if (enabled(Level::kWarn)) write(Level::kWarn, cat(parts...));
}
template <class... Parts>
void error(const Parts&... parts) {
  if (enabled(Level::kError)) write(Level::kError, cat(parts...));
}

}  // namespace hull::log
