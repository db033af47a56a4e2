// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "container/engine.h"
#include "container/log_drivers.h"

namespace hull::container {

// What a reader that follows has to know about the container.
struct LogFollowing {
  // Remembers this moment for wait(). True when nothing more will come.
  std::function<bool()> mark;
  // Returns when something has changed since mark(), when it is later than `until`, or when `stop` is requested.
  std::function<void(std::optional<Timestamp> until, std::stop_token stop)> wait;
};

// Reads a log (with its rotated predecessors) as LogQuery asks; tail is found from the end, without reading the whole.
// With `follow` it goes on until nothing more will come (and everything is read) or `stop` is requested, over
// rotations. Blocks. Records that are torn by a crash are skipped.
void read_log(const LogSource& source, const LogQuery& query, const LogReceiver& receiver,
              const LogFollowing& following, std::stop_token stop);

}  // namespace hull::container
