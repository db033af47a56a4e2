// SPDX-License-Identifier: Apache-2.0
#include "api/container_filters.h"

#include <algorithm>
#include <span>

#include "api/container_shapes.h"
#include "api/filters.h"
#include "base/error.h"

namespace hull::api {

namespace {

using container::State;
using container::Status;

constexpr std::string_view kStatuses[] = {"created", "running", "paused", "restarting", "removing", "exited", "dead"};
constexpr std::string_view kHealths[] = {"starting", "healthy", "unhealthy", "none"};

// "80", "80/tcp", "8000-8080/udp" against a port.
bool port_fits(std::string_view wanted, std::uint16_t port, std::string_view protocol) {
  auto [numbers, wanted_protocol] = split_once(wanted, '/');
  auto [first_text, last_text] = split_once(numbers, '-');
  auto first = parse_number<std::uint16_t>(first_text);
  auto last = parse_number<std::uint16_t>(last_text.value_or(first_text));
  if (!first || !last || *last < *first) fail_invalid("invalid port in filter: ", hull::quoted(wanted));
  return port >= *first && port <= *last && protocol == wanted_protocol.value_or("tcp");
}

bool any_port_fits(const std::vector<std::string>& wanted, std::uint16_t port, std::string_view protocol) {
  return std::ranges::any_of(wanted, [&](const auto& w) { return port_fits(w, port, protocol); });
}

bool publishes(const State& state, const std::vector<std::string>& wanted) {
  if (wanted.empty()) return true;
  for (const auto& [name, endpoint] : state.endpoints)
    for (const auto& binding : endpoint.ports)
      if (any_port_fits(wanted, binding.host_port, binding.protocol)) return true;
  return false;
}

bool exposes(const State& state, const std::vector<std::string>& wanted) {
  if (wanted.empty()) return true;
  for (const auto& [port, empty] : state.spec->config.exposed_ports) {
    auto [number, protocol] = split_once(port, '/');
    if (any_port_fits(wanted, parse_number<std::uint16_t>(number).value_or(0), protocol.value_or("tcp"))) return true;
  }
  return false;
}

bool uses_volume(const State& state, const std::vector<std::string>& wanted) {
  if (wanted.empty()) return true;
  return std::ranges::any_of(state.mounts, [&](const auto& mount) {
    return std::ranges::any_of(wanted, [&](const auto& w) {
      return w == (mount.type == "volume" ? mount.name : mount.source) || w == mount.destination;
    });
  });
}

bool in_network(const State& state, const std::vector<std::string>& wanted, network::Networks& networks) {
  if (wanted.empty()) return true;
  for (const auto& name : wanted) {
    auto network = networks.find(name);
    const std::string& plain = network ? network->name : name;
    const std::string& mode = state.spec->host.network_mode;
    if (state.endpoints.contains(plain) || state.spec->endpoints.contains(plain)) return true;
    if (mode == plain || (plain == "bridge" && (mode.empty() || mode == "default"))) return true;
  }
  return false;
}

// The ids of the images that were asked for, and of those that are built on them.
std::vector<std::string> descendants(const std::vector<std::string>& names, image::Images& images) {
  std::vector<std::string> ids;
  for (const auto& name : names) {
    auto ancestor = images.find(name);
    if (!ancestor) continue;
    for (const auto& image : images.list()) {
      const auto& layers = image->layer_chain_ids;
      bool on_top = !ancestor->layer_chain_ids.empty() &&
                    std::ranges::find(layers, ancestor->layer_chain_ids.back()) != layers.end();
      if (image->id == ancestor->id || on_top) ids.push_back(image->id);
    }
  }
  return ids;
}

void check_words(const Filters& filters, std::string_view key, std::span<const std::string_view> words) {
  for (const auto& value : filters.values(key))
    if (std::ranges::find(words, value) == words.end()) fail_invalid("invalid filter '", key, "=", value, "'");
}

bool exit_code_fits(const State& state, const std::vector<std::string>& wanted) {
  if (wanted.empty()) return true;
  bool has_ended = !counts_as_running(state) && !state.finished.never();
  return has_ended && std::ranges::any_of(wanted, [&](const auto& code) { return code == cat(state.exit_code); });
}

std::optional<std::int64_t> creation_of(const Call& call, const Filters& filters, std::string_view key) {
  if (!filters.has(key)) return std::nullopt;
  return call.engine.get(filters.values(key).back())->spec->created;
}

}  // namespace

std::function<bool(const State&)> container_filter(const Call& call) {
  Filters filters(call.query, {"id", "name", "label", "status", "exited", "before", "since", "ancestor", "volume",
                               "network", "publish", "expose", "health", "is-task", "isolation"});
  check_words(filters, "status", kStatuses);
  check_words(filters, "health", kHealths);
  for (const auto& code : filters.values("exited"))
    if (!parse_number<int>(code)) fail_invalid("invalid filter 'exited=", code, "'");
  auto is_task = filters.flag("is-task");
  auto before = creation_of(call, filters, "before"), since = creation_of(call, filters, "since");
  auto ancestors = descendants(filters.values("ancestor"), call.services().images);
  // Who asks for a state wants to see containers that do not run. Nothing else but `all` and `limit` means that.
  bool all = call.query.flag("all") || filters.has("status") || call.query.integer("limit").value_or(0) > 0;
  network::Networks& networks = call.services().networks;
  return [=, &networks](const State& state) {
    return (all || counts_as_running(state)) && !is_task.value_or(false) && filters.prefix("id", state.id) &&
           (filters.pattern("name", state.name) || filters.pattern("name", "/" + state.name)) &&
           filters.exact("status", container::to_string(state.status)) && filters.labels(state.spec->config.labels) &&
           filters.exact("health", state.health ? state.health->status : "none") &&
           exit_code_fits(state, filters.values("exited")) && (!before || state.spec->created < *before) &&
           (!since || state.spec->created > *since) &&
           (!filters.has("ancestor") || std::ranges::find(ancestors, state.spec->image_id) != ancestors.end()) &&
           uses_volume(state, filters.values("volume")) && in_network(state, filters.values("network"), networks) &&
           publishes(state, filters.values("publish")) && exposes(state, filters.values("expose"));
  };
}

std::function<bool(const State&)> container_prune_filter(const Call& call) {
  Filters filters(call.query, {"label", "label!", "until"});
  auto until = filters.until();
  return [=](const State& state) {
    return filters.labels(state.spec->config.labels) && (!until || state.spec->created < until->nanoseconds);
  };
}

}  // namespace hull::api
