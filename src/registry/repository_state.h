// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "registry/connection.h"
#include "registry/repository.h"

namespace hull::registry {

// What the files of a repository share.
struct Repository::State {
  std::vector<std::unique_ptr<Connection>> connections;
  std::atomic<std::size_t> working = 0;  // the first one that answered
  std::string scope;
  std::string base;  // "/v2/library/debian"
  int attempts = 5;

  // One exchange, with retries, at the first address where somebody answers; a mirror that does not have it is passed
  // over. `served_by` (optional): who answered.
  Response ask(const Request& request, const std::stop_token& stop, Connection** served_by = nullptr);
  Response ask_at(Connection& connection, const Request& request, const std::stop_token& stop) const;
  Connection& present() { return *connections[working]; }
};

}  // namespace hull::registry
