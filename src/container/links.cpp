// SPDX-License-Identifier: Apache-2.0
#include "container/links.h"

#include <algorithm>
#include <tuple>

#include "base/error.h"
#include "container/network_plan.h"

namespace hull::container {

namespace {

constexpr std::string_view kContainerMode = "container:";

struct Port {
  std::uint16_t number = 0;
  std::string protocol;
};

// TCP first, so that it is the default port of whoever has one.
std::vector<Port> sorted_ports(const oci::Set& exposed) {
  std::vector<Port> ports;
  for (const auto& [key, nothing] : exposed) {
    auto [number, protocol] = split_once(key, '/');
    if (auto value = parse_number<std::uint16_t>(number))
      ports.push_back({*value, std::string(protocol.value_or("tcp"))});
  }
  std::ranges::sort(ports, {},
                    [](const Port& port) { return std::tuple(port.protocol != "tcp", port.protocol, port.number); });
  return ports;
}

bool follows(const Port& last, const Port& next) {
  return next.protocol == last.protocol && next.number == last.number + 1;
}

// Of the image's own set-up, which says nothing to others.
bool is_own_business(std::string_view name) { return name == "HOME" || name == "PATH"; }

// The container whose network `state` uses.
StatePtr owner_of_network(StatePtr state, const std::function<StatePtr(std::string_view name)>& container) {
  while (state->spec->host.network_mode.starts_with(kContainerMode))
    state = container(std::string_view(state->spec->host.network_mode).substr(kContainerMode.size()));
  return state;
}

}  // namespace

Link parse_link(std::string_view text) {
  if (text.empty()) fail_invalid("empty string specified for links");
  auto parts = split(text, ':');
  if (parts.size() > 2 || parts[0].empty() || parts.back().empty()) fail_invalid("bad format for links: ", text);
  if (parts.size() == 1) return {std::string(text), std::string(text)};
  // Both may have slashes in front, of which the alias keeps what is behind the last one.
  std::string_view target = parts[0], alias = parts[1];
  if (target.starts_with('/')) target.remove_prefix(1);
  return {std::string(target), std::string(alias.substr(alias.rfind('/') + 1))};
}

void resolve_links(HostConfig& host, const std::function<StatePtr(std::string_view name)>& container) {
  if (!host.links || is_user_defined(host.network_mode)) return;
  Strings resolved, aliases;
  for (const std::string& text : *host.links) {
    Link link = parse_link(text);
    StatePtr target;
    try {
      target = owner_of_network(container(link.target), container);
    } catch (const Error& e) {
      // A 404 would make clients look for the image.
      throw Error(Kind::kInvalidArgument, cat("could not get container for ", link.target, ": ", e.message()));
    }
    if (target->spec->host.network_mode == "host")
      fail_invalid(
          "conflicting options: host type networking can't be used with links. This would result in undefined "
          "behavior: ",
          link.target, " has the network of the host");
    if (std::ranges::find(aliases, link.alias) != aliases.end()) continue;
    aliases.push_back(link.alias);
    resolved.push_back(cat(target->id, ":", link.alias));
  }
  host.links = std::move(resolved);
}

std::vector<Link> links_of(const Spec& spec) {
  std::vector<Link> links;
  if (!spec.host.links || is_user_defined(spec.host.network_mode)) return links;
  for (const std::string& text : *spec.host.links) links.push_back(parse_link(text));
  return links;
}

Strings link_variables(const std::string& owner, const std::string& alias, const Config& target,
                       const std::string& address) {
  std::string prefix = upper(alias);
  std::ranges::replace(prefix, '-', '_');
  Strings variables;
  auto url = [&](const Port& port) { return cat(port.protocol, "://", address, ":", port.number); };
  auto name = [&](const Port& port) { return cat(prefix, "_PORT_", port.number, "_", upper(port.protocol)); };

  std::vector<Port> ports = sorted_ports(target.exposed_ports);
  if (!ports.empty()) variables.push_back(cat(prefix, "_PORT=", url(ports.front())));
  for (std::size_t begin = 0, end = 0; begin < ports.size(); begin = end) {
    for (end = begin + 1; end < ports.size() && follows(ports[end - 1], ports[end]);) ++end;
    for (std::size_t i = begin; i < end; ++i) {
      const Port& port = ports[i];
      for (const auto& [suffix, value] :
           {std::pair{"", url(port)}, {"_ADDR", address}, {"_PORT", cat(port.number)}, {"_PROTO", port.protocol}})
        variables.push_back(cat(name(port), suffix, "=", value));
    }
    if (end - begin == 1) continue;
    const Port &first = ports[begin], &last = ports[end - 1];
    for (const auto& [suffix, value] : {std::pair{"_START", url(first)},
                                        {"_PORT_START", cat(first.number)},
                                        {"_END", url(last)},
                                        {"_PORT_END", cat(last.number)}})
      variables.push_back(cat(name(first), suffix, "=", value));
  }

  variables.push_back(cat(prefix, "_NAME=/", owner, "/", alias));
  for (const std::string& variable : target.env.value_or(Strings{})) {
    auto [key, value] = split_once(variable, '=');
    if (value && !is_own_business(key)) variables.push_back(cat(prefix, "_ENV_", variable));
  }
  return variables;
}

std::map<std::string, Strings> link_names(const std::vector<StatePtr>& containers) {
  std::map<std::string, Strings> names;
  for (const StatePtr& state : containers)
    for (const Link& link : links_of(*state->spec)) names[link.target].push_back(cat(state->name, "/", link.alias));
  return names;
}

}  // namespace hull::container
