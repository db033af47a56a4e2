// SPDX-License-Identifier: Apache-2.0
#include "network/host_ports.h"

#include "base/log.h"
#include "base/rollback.h"
#include "linux/port_reservation.h"
#include "network/subnet.h"

namespace hull::network {

namespace {

std::uint32_t host_address(const PortBinding& binding) {
  if (binding.host_ip.empty()) return 0;
  if (auto address = parse_address(binding.host_ip)) return *address;
  fail(Kind::kInternal, "cannot publish port ", binding.container_port, "/", binding.protocol, " on ", binding.host_ip,
       ": the container has no IPv6 address");
}

}  // namespace

bool HostPorts::conflicts(const Key& key) const {
  const auto& [protocol, port, address] = key;
  for (auto it = held_.lower_bound({protocol, port, 0}); it != held_.end(); ++it) {
    const auto& [other_protocol, other_port, other_address] = it->first;
    if (other_protocol != protocol || other_port != port) return false;
    if (address == 0 || other_address == 0 || address == other_address) return true;
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

std::uint16_t HostPorts::choose_ephemeral(const std::string& protocol, std::uint32_t host) {
  auto [low, high] = linux::ephemeral_ports();
  // Round and round, not lowest first: a client that still knows the last owner of a port must not find another one.
  for (std::uint32_t tried = 0; tried <= std::uint32_t{high} - low; ++tried) {
    if (next_ephemeral_ < low || next_ephemeral_ > high) next_ephemeral_ = low;
    auto port = static_cast<std::uint16_t>(next_ephemeral_++);
    int code = 0;
    if (try_one({protocol, port, host}, code) == Result::kDone) return port;
    if (code && code != EADDRINUSE) throw_errno("bind host port", format_address(host), code);
  }
  fail(Kind::kInternal, "all ephemeral ports of the host, ", low, " to ", high, ", are in use");
}

std::uint16_t HostPorts::choose(const PortBinding& wanted, std::uint32_t host, const std::string& address) {
  if (wanted.host_port == 0) return choose_ephemeral(wanted.protocol, host);
  std::uint32_t last = std::max(wanted.host_port, wanted.host_port_end);
  int code = 0;
  auto result = Result::kDone;
  for (std::uint32_t port = wanted.host_port; port <= last; ++port) {
    result = try_one({wanted.protocol, static_cast<std::uint16_t>(port), host}, code);
    if (result == Result::kDone) return static_cast<std::uint16_t>(port);
  }
  if (result == Result::kOurs)
    fail(Kind::kInternal, "Bind for ", format_address(host), ":", last, " failed: port is already allocated");
  throw Error(Kind::kInternal,
              cat("failed to bind host port for ", format_address(host), ":", last, ":", address, ":",
                  wanted.container_port, "/", wanted.protocol, ": ", lower(errno_text(code))),
              code, "bind");
}

std::vector<PortBinding> HostPorts::reserve(const std::vector<PortBinding>& wanted, const std::string& address) {
  std::lock_guard lock(mutex_);
  Rollback rollback;
  std::vector<PortBinding> bound;
  for (PortBinding binding : wanted) {
    std::uint32_t host = host_address(binding);
    binding.host_port = choose(binding, host, address);
    binding.host_port_end = 0;
    binding.host_ip = format_address(host);
    rollback.add("port", [this, key = Key{binding.protocol, binding.host_port, host}] { held_.erase(key); });
    bound.push_back(std::move(binding));
  }
  rollback.commit();
  return bound;
}

void HostPorts::restore(const std::vector<PortBinding>& bound) {
  std::lock_guard lock(mutex_);
  for (const auto& binding : bound) {
    Key key{binding.protocol, binding.host_port, host_address(binding)};
    int code = 0;
    if (try_one(key, code) != Result::kForeign) continue;
    log::warn("port ", binding.host_port, "/", binding.protocol,
              " of a running container cannot be held: ", errno_text(code));
    held_.emplace(key, UniqueFd());
  }
}

void HostPorts::release(const std::vector<PortBinding>& bound) {
  std::lock_guard lock(mutex_);
  for (const auto& binding : bound) held_.erase({binding.protocol, binding.host_port, host_address(binding)});
}

}  // namespace hull::network
