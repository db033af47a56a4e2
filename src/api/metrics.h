// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "api/call.h"
#include "http/server.h"

namespace hull::api {

// What the engine has done since it was started, by the names of dockerd's metrics.
class Metrics {
 public:
  // One answered request of an action ("start", "create", …). Any thread.
  void count(std::string_view action, std::int64_t nanoseconds);
  // The text format of Prometheus.
  std::string text(container::Engine& engine, const About& about) const;

 private:
  static constexpr std::array<double, 11> kBounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};  // s
  struct Histogram {
    std::array<std::uint64_t, kBounds.size()> at_most{};
    std::uint64_t count = 0;
    double seconds = 0;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Histogram, std::less<>> actions_;
};

// `GET /metrics` at an address of its own ("host:port"; "": nothing is served). Ends with the object.
class MetricsServer {
 public:
  // Throws Error{kInvalidArgument} for an address that is none, errno when it cannot be listened at.
  MetricsServer(const std::string& address, const Metrics& metrics, container::Engine& engine, const About& about,
                linux::Reactor& reactor);
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;

 private:
  std::vector<http::Listener> listeners_;
  std::unique_ptr<http::Server> server_;
  std::thread acceptor_;
};

}  // namespace hull::api
