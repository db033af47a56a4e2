// SPDX-License-Identifier: Apache-2.0
#include "container/link_use.h"

#include <algorithm>

#include "base/file.h"
#include "base/log.h"
#include "container/persistent.h"

namespace hull::container {

namespace {

constexpr const char* kBridge = "bridge";

const network::Endpoint* on_bridge(const State& state) {
  auto found = state.endpoints.find(kBridge);
  return found == state.endpoints.end() ? nullptr : &found->second;
}

// Those who run, at the default bridge.
struct Linked {
  Link link;
  StatePtr target;
  network::Endpoint endpoint;
};
std::vector<Linked> running_targets(Engine::Impl& engine, const State& state) {
  std::vector<Linked> all;
  for (Link& link : links_of(*state.spec)) {
    auto live = engine.registry.find(link.target);
    if (!live) continue;  // removed since
    auto target = live->state();
    const auto* endpoint = on_bridge(*target);
    if (is_up(*target) && endpoint) all.push_back({std::move(link), target, *endpoint});
  }
  return all;
}

// "172.17.0.2\tdb 5f6e…": what stands first after the address.
std::string_view first_name(std::string_view line) {
  auto [address, names] = split_once(line, '\t');
  return names ? split_once(*names, ' ').first : std::string_view();
}

// The file over /etc/hosts of a container that runs, with its links as they are now. `gone`: of a link that is not.
// What the container has changed itself is kept. In place: the file is mounted.
void write_hosts(Engine::Impl& engine, const State& state, const std::string& gone = {}) {
  Strings aliases;
  if (!gone.empty()) aliases.push_back(gone);
  for (const Link& link : links_of(*state.spec)) aliases.push_back(link.alias);
  const std::string before = read_if_exists(state.hosts_path).value_or("");
  std::string text;
  for (std::string_view line : split(before, '\n'))
    if (!line.empty() && std::ranges::find(aliases, first_name(line)) == aliases.end()) text += cat(line, "\n");
  text += link_hosts(engine, state);
  if (text == before) return;
  UniqueFd file = open_file(state.hosts_path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  write_all(file.get(), text);
}

}  // namespace

void require_linked(Engine::Impl& engine, const State& state) {
  if (!state.spec->endpoints.contains(kBridge)) return;
  for (const Link& link : links_of(*state.spec)) {
    auto live = engine.registry.find(link.target);
    if (!live) continue;
    auto target = live->state();
    if (!is_up(*target))
      fail(Kind::kInternal, "Cannot link to a non running container: /", target->name, " AS /", state.name, "/",
           link.alias);
    if (!on_bridge(*target)) fail(Kind::kInternal, "container ", target->id, " not attached to default bridge network");
  }
}

Strings link_variables(Engine::Impl& engine, const State& state) {
  Strings variables;
  if (!on_bridge(state)) return variables;
  for (const Linked& linked : running_targets(engine, state)) {
    auto more = link_variables(state.name, linked.link.alias, linked.target->spec->config, linked.endpoint.address);
    std::ranges::move(more, std::back_inserter(variables));
  }
  return variables;
}

std::string link_hosts(Engine::Impl& engine, const State& state) {
  std::string lines;
  if (!on_bridge(state)) return lines;
  for (const Linked& linked : running_targets(engine, state)) {
    std::string names = cat(linked.link.alias, " ", linked.target->spec->config.hostname);
    if (linked.link.alias != linked.target->name) names += cat(" ", linked.target->name);
    for (const auto& address : {linked.endpoint.address, linked.endpoint.address6})
      if (!address.empty()) lines += cat(address, "\t", names, "\n");
  }
  return lines;
}

void open_links(Engine::Impl& engine, const State& state) {
  std::map<std::string, Strings> ports;
  for (const Linked& linked : running_targets(engine, state)) {
    Strings& open = ports[linked.target->id];
    for (const auto& [port, nothing] : linked.target->spec->config.exposed_ports)
      if (std::ranges::find(open, port) == open.end()) open.push_back(port);
  }
  engine.services.networks.open_links(state.id, ports);
}

void follow_links(Engine::Impl& engine, const State& target) {
  for (const auto& container : engine.registry.list()) {
    auto state = container->state();
    auto links = links_of(*state->spec);
    if (!is_up(*state) || !on_bridge(*state) || std::ranges::find(links, target.id, &Link::target) == links.end())
      continue;
    try {
      write_hosts(engine, *state);
      open_links(engine, *state);
    } catch (const Error& e) {
      log::warn("container ", state->name, " does not see where ", target.name, " is now: ", e.message());
    }
  }
}

void remove_link(Engine::Impl& engine, std::string_view name) {
  if (name.starts_with('/')) name.remove_prefix(1);
  auto slash = name.rfind('/');
  if (slash == name.npos) fail(Kind::kConflict, "Conflict, cannot remove the default link name of the container");
  auto owner = engine.registry.get(name.substr(0, slash));
  const std::string alias(name.substr(slash + 1));
  std::scoped_lock operation(owner->operation);
  auto spec = std::make_shared<Spec>(*owner->state()->spec);
  auto removed = std::erase_if(*spec->host.links, [&](const auto& text) { return parse_link(text).alias == alias; });
  if (removed == 0) return;  // somebody else was quicker
  if (spec->host.links->empty()) spec->host.links.reset();
  engine.services.database.set_container_spec(owner->id, encode_spec(*spec));
  auto state = owner->change([&](State& s) { s.spec = spec; });
  if (!is_up(*state) || !on_bridge(*state)) return;
  write_hosts(engine, *state, alias);
  open_links(engine, *state);
}

}  // namespace hull::container
