// SPDX-License-Identifier: Apache-2.0
#include "network/host_ports.h"

#include "base/log.h"
#include "base/rollback.h"
#include "linux/port_reservation.h"
#include "network/subnet.h"

namespace hull::network {

namespace {

std::vector<IpAddress> host_addresses(const PortBinding& binding, bool has_v4, bool has_v6) {
  std::vector<IpAddress> hosts;
  if (binding.host_ip.empty()) {
    if (has_v4) hosts.push_back(IpAddress::any(false));
    if (has_v6) hosts.push_back(IpAddress::any(true));
    return hosts;
  }
  auto host = IpAddress::parse(binding.host_ip);
  if (!host) fail_invalid("invalid host address ", quoted(binding.host_ip));
  if (!(host->is_v6() ? has_v6 : has_v4))
    fail(Kind::kInternal, "cannot publish port ", binding.container_port, "/", binding.protocol, " on ",
         binding.host_ip, ": the container has no ", host->is_v6() ? "IPv6" : "IPv4", " address");
  return {*host};
}

std::string with_port(const IpAddress& host, std::uint32_t port) {
  return host.is_v6() ? cat("[", host.text(), "]:", port) : cat(host.text(), ":", port);
}

}  // namespace

bool HostPorts::conflicts(const Key& key) const {
  const auto& [protocol, port, address] = key;
  for (auto it = held_.lower_bound({protocol, port, IpAddress{}}); it != held_.end(); ++it) {
    const auto& [other_protocol, other_port, other_address] = it->first;
    if (other_protocol != protocol || other_port != port) return false;
    if (other_address.is_v6() != address.is_v6()) continue;
    if (address.is_any() || other_address.is_any() || address == other_address) return true;
  }
  return false;
}

HostPorts::Result HostPorts::try_one(const Key& key, int& code) {
  if (conflicts(key)) return Result::kOurs;
  const auto& [protocol, port, address] = key;
  try {
    held_.emplace(key, linux::reserve_port(protocol, address, port));
    return Result::kDone;
  } catch (const Error& e) {
    code = e.code();
    return Result::kForeign;
  }
}

HostPorts::Result HostPorts::try_all(const std::string& protocol, std::uint16_t port,
                                     const std::vector<IpAddress>& hosts, int& code, IpAddress& failed) {
  for (const IpAddress& host : hosts) {
    auto result = try_one({protocol, port, host}, code);
    if (result == Result::kDone) continue;
    failed = host;
    for (const IpAddress& done : hosts) {
      if (done == host) break;
      held_.erase({protocol, port, done});
    }
    return result;
  }
  return Result::kDone;
}

std::uint16_t HostPorts::choose_ephemeral(const std::string& protocol, const std::vector<IpAddress>& hosts) {
  auto [low, high] = linux::ephemeral_ports();
  // Round and round, not lowest first: a client that still knows the last owner of a port must not find another one.
  for (std::uint32_t tried = 0; tried <= std::uint32_t{high} - low; ++tried) {
    if (next_ephemeral_ < low || next_ephemeral_ > high) next_ephemeral_ = low;
    auto port = static_cast<std::uint16_t>(next_ephemeral_++);
    int code = 0;
    IpAddress failed;
    if (try_all(protocol, port, hosts, code, failed) == Result::kDone) return port;
    if (code && code != EADDRINUSE) throw_errno("bind host port", failed.text(), code);
  }
  fail(Kind::kInternal, "all ephemeral ports of the host, ", low, " to ", high, ", are in use");
}

std::uint16_t HostPorts::choose(const PortBinding& wanted, const std::vector<IpAddress>& hosts,
                                const std::string& address) {
  if (wanted.host_port == 0) return choose_ephemeral(wanted.protocol, hosts);
  std::uint32_t last = std::max(wanted.host_port, wanted.host_port_end);
  int code = 0;
  auto result = Result::kDone;
  IpAddress failed;
  for (std::uint32_t port = wanted.host_port; port <= last; ++port) {
    result = try_all(wanted.protocol, static_cast<std::uint16_t>(port), hosts, code, failed);
    if (result == Result::kDone) return static_cast<std::uint16_t>(port);
  }
  if (result == Result::kOurs)
    fail(Kind::kInternal, "Bind for ", with_port(failed, last), " failed: port is already allocated");
  throw Error(Kind::kInternal,
              cat("failed to bind host port for ", with_port(failed, last), ":", address, ":", wanted.container_port,
                  "/", wanted.protocol, ": ", lower(errno_text(code))),
              code, "bind");
}

std::vector<PortBinding> HostPorts::reserve(const std::vector<PortBinding>& wanted, const std::string& address,
                                            const std::string& address6) {
  std::lock_guard lock(mutex_);
  Rollback rollback;
  std::vector<PortBinding> bound;
  for (PortBinding binding : wanted) {
    auto hosts = host_addresses(binding, !address.empty(), !address6.empty());
    if (hosts.empty()) continue;
    binding.host_port = choose(binding, hosts, hosts.front().is_v6() ? address6 : address);
    binding.host_port_end = 0;
    for (const IpAddress& host : hosts) {
      rollback.add("port", [this, key = Key{binding.protocol, binding.host_port, host}] { held_.erase(key); });
      binding.host_ip = host.text();
      bound.push_back(binding);
    }
  }
  rollback.commit();
  return bound;
}

void HostPorts::restore(const std::vector<PortBinding>& bound) {
  std::lock_guard lock(mutex_);
  for (const auto& binding : bound) {
    Key key{binding.protocol, binding.host_port, IpAddress::parse(binding.host_ip).value_or(IpAddress{})};
    int code = 0;
    if (try_one(key, code) != Result::kForeign) continue;
    log::warn("port ", binding.host_port, "/", binding.protocol,
              " of a running container cannot be held: ", errno_text(code));
    held_.emplace(key, UniqueFd());
  }
}

void HostPorts::release(const std::vector<PortBinding>& bound) {
  std::lock_guard lock(mutex_);
  for (const auto& binding : bound)
    held_.erase({binding.protocol, binding.host_port, IpAddress::parse(binding.host_ip).value_or(IpAddress{})});
}

}  // namespace hull::network
