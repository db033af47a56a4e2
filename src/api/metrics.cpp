// SPDX-License-Identifier: Apache-2.0
#include "api/metrics.h"

#include <algorithm>
#include <cstdio>

#include "api/json_reply.h"
#include "api/listen.h"
#include "api/machine.h"
#include "base/error.h"

namespace hull::api {

namespace {

constexpr std::string_view kPrefix = "engine_daemon_";

std::string number(double value) {
  char text[32];
  return {text, static_cast<std::size_t>(std::snprintf(text, sizeof text, "%.9g", value))};
}

std::string heading(std::string_view name, std::string_view type, std::string_view help) {
  return cat("# HELP ", kPrefix, name, " ", help, "\n# TYPE ", kPrefix, name, " ", type, "\n");
}

// A line for one name without labels.
std::string gauge(std::string_view name, std::string_view help, std::size_t value) {
  return cat(heading(name, "gauge", help), kPrefix, name, " ", value, "\n");
}

std::string states_of_containers(container::Engine& engine) {
  using container::Status;
  std::size_t running = 0, paused = 0, stopped = 0;
  for (const auto& state : engine.list())
    ++(state->status == Status::kPaused                                            ? paused
       : state->status == Status::kRunning || state->status == Status::kRestarting ? running
                                                                                   : stopped);
  std::string text = heading("container_states_containers", "gauge", "The count of containers in various states");
  for (auto [state, count] : {std::pair{"paused", paused}, {"running", running}, {"stopped", stopped}})
    text += cat(kPrefix, "container_states_containers{state=\"", std::string_view(state), "\"} ", count, "\n");
  return text;
}

std::string about_the_engine(const About& about) {
  return cat(heading("engine_info", "gauge", "The information related to the engine and the OS it is running on"),
             kPrefix, "engine_info{architecture=\"", machine_architecture(), "\",daemon_id=\"", about.id,
             "\",graphdriver=\"overlay2\",kernel=\"", kernel_version(), "\",os=\"linux\",version=\"", about.version,
             "\"} 1\n");
}

}  // namespace

void Metrics::count(std::string_view action, std::int64_t nanoseconds) {
  double seconds = static_cast<double>(nanoseconds) / 1e9;
  std::scoped_lock lock(mutex_);
  auto found = actions_.find(action);
  if (found == actions_.end()) found = actions_.emplace(action, Histogram{}).first;
  Histogram& histogram = found->second;
  ++histogram.count;
  histogram.seconds += seconds;
  for (std::size_t i = 0; i < kBounds.size(); ++i)
    if (seconds <= kBounds[i]) ++histogram.at_most[i];
}

std::string Metrics::text(container::Engine& engine, const About& about) const {
  std::string text = heading("container_actions_seconds", "histogram",
                             "The number of seconds it takes to process each container action");
  {
    std::scoped_lock lock(mutex_);
    for (const auto& [action, histogram] : actions_) {
      std::string labels = cat("{action=\"", action, "\"");
      std::string name = cat(kPrefix, "container_actions_seconds");
      for (std::size_t i = 0; i < kBounds.size(); ++i)
        text += cat(name, "_bucket", labels, ",le=\"", number(kBounds[i]), "\"} ", histogram.at_most[i], "\n");
      text += cat(name, "_bucket", labels, ",le=\"+Inf\"} ", histogram.count, "\n");
      text += cat(name, "_sum", labels, "} ", number(histogram.seconds), "\n");
      text += cat(name, "_count", labels, "} ", histogram.count, "\n");
    }
  }
  text += states_of_containers(engine);
  text += gauge("engine_cpus_cpus", "The number of cpus that the host system of the engine has",
                std::thread::hardware_concurrency());
  text += about_the_engine(about);
  text += gauge("engine_memory_bytes", "The number of bytes of memory that the host system of the engine has",
                static_cast<std::size_t>(total_memory()));
  text += gauge("events_subscribers_total", "The number of current subscribers to events",
                static_cast<std::size_t>(engine.services().events.listeners()));
  return text;
}

MetricsServer::MetricsServer(const std::string& address, const Metrics& metrics, container::Engine& engine,
                             const About& about, linux::Reactor& reactor) {
  if (address.empty()) return;
  if (address.find(':') == std::string::npos || address.find("//") != std::string::npos)
    fail_invalid("metrics-addr: ", hull::quoted(address), " is not of the form host:port");
  ListenOptions options;
  options.warn_plain_tcp = false;
  listeners_ = listen_at("tcp://" + address, options);
  auto handler = [&metrics, &engine, &about](Request& request, Response& response) {
    if (request.path != "/metrics" || (request.method != "GET" && request.method != "HEAD"))
      return response.send(404, kJson, error_body("page not found"));
    response.send(200, "text/plain; version=0.0.4; charset=utf-8", metrics.text(engine, about));
  };
  server_ = std::make_unique<http::Server>(handler, reactor);
  acceptor_ = std::thread([this] { server_->serve(listeners_); });
}

MetricsServer::~MetricsServer() {
  if (!server_) return;
  server_->stop();
  acceptor_.join();
}

}  // namespace hull::api
