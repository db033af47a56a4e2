// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/unique_fd.h"
#include "network/endpoint.h"
#include "network/subnet.h"

namespace hull::network {

// How packets of one family come in to a container.
struct WayIn {
  std::string address;   // of the container; "" : it has none of the family
  bool routed = false;   // to that address itself: no port of the host is needed
  bool relayed = false;  // it has none, but connections (TCP) may be handed on to its address of the other family
};

// The ports of the host that this engine has published, each held by a socket, so that no other program takes it
// and none that is taken is published. Thread-safe.
class HostPorts {
 public:
  // `name_of` tells how a container is called, by its id; it is asked for messages only.
  explicit HostPorts(std::function<std::string(const std::string& container_id)> name_of)
      : name_of_(std::move(name_of)) {}

  // Reserves a host port for each of `wanted` and gives them as bound: one for each family that the container has an
  // address of, of the same number, when no host address is given; of a routed family with host port 0. All or nothing.
  // Errors as Docker words them, without "driver failed programming …", and who is in the way: kInternal for a
  // conflict.
  std::vector<PortBinding> reserve(const std::string& container_id, const std::vector<PortBinding>& wanted,
                                   const WayIn& v4, const WayIn& v6);
  // Takes those that an earlier engine had bound; what another program has taken meanwhile is only logged.
  void restore(const std::string& container_id, const std::vector<PortBinding>& bound);
  void release(const std::vector<PortBinding>& bound);  // idempotent
  // The socket that holds a port, once more. Invalid when it is held by nobody, or by somebody else.
  UniqueFd listener(const PortBinding& bound) const;

 private:
  using Key = std::tuple<std::string, std::uint16_t, IpAddress>;  // protocol, port, host address
  struct Holding {
    UniqueFd socket;
    std::string container_id;
  };
  struct Failure {
    IpAddress address;
    int code = 0;           // errno of a conflict with another program
    std::string container;  // of ours that has the port; "" : somebody else
  };
  // One port number at all of `hosts`, or at none.
  std::optional<Failure> try_all(const std::string& container_id, const std::string& protocol, std::uint16_t port,
                                 const std::vector<IpAddress>& hosts);
  std::optional<Failure> try_one(const std::string& container_id, const Key& key);
  static Key key_of(const PortBinding& bound);
  std::optional<std::string> holder(const Key& key) const;
  std::uint16_t choose_ephemeral(const std::string& container_id, const std::string& protocol,
                                 const std::vector<IpAddress>& hosts);
  std::uint16_t choose(const std::string& container_id, const PortBinding& wanted, const std::vector<IpAddress>& hosts,
                       const std::string& address);
  [[noreturn]] void refuse(const Failure& failure, const PortBinding& wanted, std::uint16_t port,
                           const std::string& address) const;

  const std::function<std::string(const std::string& container_id)> name_of_;
  mutable std::mutex mutex_;
  std::map<Key, Holding> held_;
  std::uint32_t next_ephemeral_ = 0;
};

}  // namespace hull::network
