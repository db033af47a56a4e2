// SPDX-License-Identifier: Apache-2.0
#include "network/host_ports.h"

#include "base/log.h"
#include "base/rollback.h"
#include "linux/port_owner.h"
#include "linux/port_reservation.h"
#include "linux/server_socket.h"
#include "network/subnet.h"

namespace hull::network {

namespace {

bool leads_in(const WayIn& way, const PortBinding& binding) {
  return !way.address.empty() || (way.relayed && binding.protocol == "tcp");
}

std::vector<IpAddress> host_addresses(const PortBinding& binding, const WayIn& v4, const WayIn& v6) {
  std::vector<IpAddress> hosts;
  if (binding.host_ip.empty()) {
    if (leads_in(v4, binding)) hosts.push_back(IpAddress::any(false));
    if (leads_in(v6, binding)) hosts.push_back(IpAddress::any(true));
    return hosts;
  }
  auto host = IpAddress::parse(binding.host_ip);
  if (!host) fail_invalid("invalid host address ", quoted(binding.host_ip));
  if (!leads_in(host->is_v6() ? v6 : v4, binding))
    fail(Kind::kInternal, "cannot publish port ", binding.container_port, "/", binding.protocol, " on ",
         binding.host_ip, ": the container has no ", host->is_v6() ? "IPv6" : "IPv4", " address");
  return {*host};
}

std::string with_port(const IpAddress& host, std::uint32_t port) {
  return host.is_v6() ? cat("[", host.text(), "]:", port) : cat(host.text(), ":", port);
}

}  // namespace

HostPorts::Key HostPorts::key_of(const PortBinding& bound) {
  return {bound.protocol, bound.host_port, IpAddress::parse(bound.host_ip).value_or(IpAddress{})};
}

std::optional<std::string> HostPorts::holder(const Key& key) const {
  const auto& [protocol, port, address] = key;
  for (auto it = held_.lower_bound({protocol, port, IpAddress{}}); it != held_.end(); ++it) {
    const auto& [other_protocol, other_port, other_address] = it->first;
    if (other_protocol != protocol || other_port != port) break;
    if (other_address.is_v6() != address.is_v6()) continue;
    if (address.is_any() || other_address.is_any() || address == other_address) return it->second.container_id;
  }
  return std::nullopt;
}

std::optional<HostPorts::Failure> HostPorts::try_one(const std::string& container_id, const Key& key) {
  const auto& [protocol, port, address] = key;
  if (auto other = holder(key)) return Failure{address, 0, *other};
  try {
    held_.emplace(key, Holding{linux::reserve_port(protocol, address, port), container_id});
    return std::nullopt;
  } catch (const Error& e) {
    return Failure{address, e.code(), {}};
  }
}

std::optional<HostPorts::Failure> HostPorts::try_all(const std::string& container_id, const std::string& protocol,
                                                     std::uint16_t port, const std::vector<IpAddress>& hosts) {
  for (const IpAddress& host : hosts) {
    auto failure = try_one(container_id, {protocol, port, host});
    if (!failure) continue;
    for (const IpAddress& done : hosts) {
      if (done == host) break;
      held_.erase({protocol, port, done});
    }
    return failure;
  }
  return std::nullopt;
}

std::uint16_t HostPorts::choose_ephemeral(const std::string& container_id, const std::string& protocol,
                                          const std::vector<IpAddress>& hosts) {
  auto [low, high] = linux::ephemeral_ports();
  auto reserved = linux::reserved_ports();
  // Round and round, not lowest first: a client that still knows the last owner of a port must not find another one.
  for (std::uint32_t tried = 0; tried <= std::uint32_t{high} - low; ++tried) {
    if (next_ephemeral_ < low || next_ephemeral_ > high) next_ephemeral_ = low;
    auto port = static_cast<std::uint16_t>(next_ephemeral_++);
    if (reserved.contains(port)) continue;
    auto failure = try_all(container_id, protocol, port, hosts);
    if (!failure) return port;
    if (failure->code && failure->code != EADDRINUSE)
      throw_errno("bind host port", failure->address.text(), failure->code);
  }
  fail(Kind::kInternal, "all ephemeral ports of the host, ", low, " to ", high, ", are in use");
}

void HostPorts::refuse(const Failure& failure, const PortBinding& wanted, std::uint16_t port,
                       const std::string& address) const {
  std::string place = with_port(failure.address, port);
  if (failure.code == 0)
    fail(Kind::kInternal, "Bind for ", place, " failed: port is already allocated (by the container ",
         name_of_(failure.container), ")");
  std::string owner =
      failure.code == EADDRINUSE ? linux::port_owner(wanted.protocol, failure.address, port) : std::string();
  std::string_view unknown = failure.code == EADDRNOTAVAIL ? " (no interface of this host has it)" : "";
  throw Error(
      Kind::kInternal,
      cat("failed to bind host port for ", place, ":", address, ":", wanted.container_port, "/", wanted.protocol, ": ",
          lower(errno_text(failure.code)), owner.empty() ? "" : cat(" (by ", owner, ")"), unknown),
      failure.code, "bind");
}

std::uint16_t HostPorts::choose(const std::string& container_id, const PortBinding& wanted,
                                const std::vector<IpAddress>& hosts, const std::string& address) {
  if (wanted.host_port == 0) return choose_ephemeral(container_id, wanted.protocol, hosts);
  std::uint32_t last = std::max(wanted.host_port, wanted.host_port_end);
  for (std::uint32_t port = wanted.host_port;; ++port) {
    auto failure = try_all(container_id, wanted.protocol, static_cast<std::uint16_t>(port), hosts);
    if (!failure) return static_cast<std::uint16_t>(port);
    if (port == last) refuse(*failure, wanted, static_cast<std::uint16_t>(port), address);
  }
}

std::vector<PortBinding> HostPorts::reserve(const std::string& container_id, const std::vector<PortBinding>& wanted,
                                            const WayIn& v4, const WayIn& v6) {
  std::lock_guard lock(mutex_);
  std::vector<PortBinding> bound;
  std::vector<Key> taken;
  Rollback rollback;
  rollback.add("ports", [&] {
    for (const Key& key : taken) held_.erase(key);
  });
  for (PortBinding binding : wanted) {
    auto hosts = host_addresses(binding, v4, v6);
    auto is_routed = [&](const IpAddress& host) { return (host.is_v6() ? v6 : v4).routed; };
    for (const IpAddress& host : hosts) {
      if (!is_routed(host)) continue;
      bound.push_back({binding.protocol, binding.container_port, IpAddress::any(host.is_v6()).text(), 0, 0});
    }
    std::erase_if(hosts, is_routed);
    if (hosts.empty()) continue;
    bool to_v6 = v4.address.empty() || (hosts.front().is_v6() && !v6.relayed);
    binding.host_port = choose(container_id, binding, hosts, (to_v6 ? v6 : v4).address);
    binding.host_port_end = 0;
    for (const IpAddress& host : hosts) {
      taken.emplace_back(binding.protocol, binding.host_port, host);
      binding.host_ip = host.text();
      binding.relayed = (host.is_v6() ? v6 : v4).relayed;
      bound.push_back(binding);
    }
  }
  rollback.commit();
  return bound;
}

void HostPorts::restore(const std::string& container_id, const std::vector<PortBinding>& bound) {
  std::lock_guard lock(mutex_);
  for (const auto& binding : bound) {
    if (binding.host_port == 0) continue;
    Key key = key_of(binding);
    auto failure = try_one(container_id, key);
    if (!failure || failure->code == 0) continue;
    // A relay's is held by who relays.
    if (!binding.relayed)
      log::warn("port ", binding.host_port, "/", binding.protocol,
                " of a running container cannot be held: ", errno_text(failure->code));
    held_.emplace(key, Holding{UniqueFd(), container_id});
  }
}

void HostPorts::release(const std::vector<PortBinding>& bound) {
  std::lock_guard lock(mutex_);
  for (const auto& binding : bound) held_.erase(key_of(binding));
}

UniqueFd HostPorts::listener(const PortBinding& bound) const {
  std::lock_guard lock(mutex_);
  auto found = held_.find(key_of(bound));
  if (found == held_.end() || !found->second.socket) return {};
  return linux::duplicate_of(found->second.socket.get());
}

}  // namespace hull::network
