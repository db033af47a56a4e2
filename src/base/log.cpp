// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <unistd.h>

#include <atomic>

#include "base/clock.h"
#include "base/error.h"

namespace hull::log {

namespace {

std::atomic<Level> g_level{Level::kInfo};
std::atomic<Sink> g_sink{nullptr};

void write_to_stderr(Level level, std::string_view message) {
  // One write per line, so that lines of several processes on one terminal do not mix.
  std::string line = text_line(level, message);
  if (::write(STDERR_FILENO, line.data(), line.size()) < 0) return;  // nowhere left to complain
}

}  // namespace

std::string_view name(Level level) {
  switch (level) {
    case Level::kDebug: return "debug";
    case Level::kInfo: return "info";
    case Level::kWarn: return "warning";
    case Level::kError: return "error";
  }
  return "error";
}

std::string text_line(Level level, std::string_view message) {
  return cat("time=", quoted(format_rfc3339(now())), " level=", name(level), " msg=", quoted(message), "\n");
}

void set_level(Level level) { g_level = level; }
bool enabled(Level level) { return level >= g_level.load(std::memory_order_relaxed); }
void set_sink(Sink sink) { g_sink = sink; }

void write(Level level, std::string_view message) {
  Sink sink = g_sink.load(std::memory_order_relaxed);
  (sink ? sink : write_to_stderr)(level, message);
}

Level parse_level(std::string_view name) {
  if (name == "debug" || name == "trace") return Level::kDebug;
  if (name == "info") return Level::kInfo;
  if (name == "warn" || name == "warning") return Level::kWarn;
  if (name == "error" || name == "fatal" || name == "panic") return Level::kError;
  fail_invalid("invalid log level ", quoted(name), ": use debug, info, warn or error");
}

}  // namespace hull::log
