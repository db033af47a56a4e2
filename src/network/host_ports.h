// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "base/unique_fd.h"
#include "network/networks.h"
#include "network/subnet.h"

namespace hull::network {

// The ports of the host that this engine has published, each held by a socket, so that no other program takes it
// and none that is taken is published. Thread-safe.
class HostPorts {
 public:
  // Reserves a host port for each of `wanted` and gives them as bound: one for each family that the container has an
  // address of (`address`, `address6`; "" : none), of the same number, when no host address is given. All or nothing.
  // Errors as Docker words them, without "driver failed programming …": kInternal for a conflict.
  std::vector<PortBinding> reserve(const std::vector<PortBinding>& wanted, const std::string& address,
                                   const std::string& address6);
  // Takes those that an earlier engine had bound; what another program has taken meanwhile is only logged.
  void restore(const std::vector<PortBinding>& bound);
  void release(const std::vector<PortBinding>& bound);  // idempotent

 private:
  using Key = std::tuple<std::string, std::uint16_t, IpAddress>;  // protocol, port, host address
  enum class Result : unsigned char { kDone, kOurs, kForeign };
  // One port number at all of `hosts`, or at none. `failed` is the address that it failed at.
  Result try_all(const std::string& protocol, std::uint16_t port, const std::vector<IpAddress>& hosts, int& code,
                 IpAddress& failed);
  Result try_one(const Key& key, int& code);
  bool conflicts(const Key& key) const;
  std::uint16_t choose_ephemeral(const std::string& protocol, const std::vector<IpAddress>& hosts);
  std::uint16_t choose(const PortBinding& wanted, const std::vector<IpAddress>& hosts, const std::string& address);

  std::mutex mutex_;
  std::map<Key, UniqueFd> held_;
  std::uint32_t next_ephemeral_ = 0;
};

}  // namespace hull::network
