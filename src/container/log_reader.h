// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "container/engine.h"

namespace hull::container {

// Reads a json-file log (with its rotated predecessors) as LogQuery asks; tail is found from the end, without
// reading the whole. With `follow` it goes on until `ended()` says that nothing more will come (and everything
// is read) or `stop` is requested, over rotations. Blocks. Lines that are torn by a crash are skipped.
void read_log(const std::string& path, const LogQuery& query, const std::function<void(const LogLine&)>& line,
              const std::function<bool()>& ended, std::stop_token stop);

}  // namespace hull::container
