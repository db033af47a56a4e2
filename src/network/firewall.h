// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "linux/nftables.h"
#include "network/networks.h"
#include "network/subnet.h"

namespace hull::network {

// The engine's nftables table. Its rules never change; a published port is an element of one of two maps, so that
// neither a packet nor a publish costs more when there are many:
//
//     published      host address . protocol . port : container address . port
//     published_any  protocol . port : container address . port
//
// prerouting   what comes from outside to an address of this host is looked up and redirected. Never 127.0.0.0/8:
//              a neighbour could send that, and reach what was published for this host alone.
// output       the same for the host's own connections, loopback included (route_localnet of the bridge lets them out).
// postrouting  containers go out under the host's address; so do connections from 127.0.0.0/8 into the bridge, and a
//              container's connections to published ports of its own network, whose answers would otherwise take the
//              short way and not be translated back.
// guard        containers cannot use route_localnet to reach what listens on the host's loopback.
// forward      into the bridge goes what is established or was redirected, from the bridge whatever; nothing else in.
//
// Thread-safe.
class Firewall {
 public:
  explicit Firewall(std::string table);

  // (Re)writes the whole table, with every port published so far, in one transaction. No connection notices.
  void install(const std::string& bridge, const Subnet& subnet);
  void remove();  // the table, if it is there

  void publish(const std::string& address, const std::vector<PortBinding>& bound);
  void withdraw(const std::vector<PortBinding>& bound);  // idempotent
  // Only remembers; install() writes.
  void remember(const std::string& address, const std::vector<PortBinding>& bound);

 private:
  struct Element {
    std::string map, key;
    auto operator<=>(const Element&) const = default;
  };
  static Element element_of(const PortBinding& binding);
  static std::string target_of(const std::string& address, const PortBinding& binding);
  void install_locked();

  std::mutex mutex_;
  std::string table_, bridge_;
  Subnet subnet_;
  std::map<Element, std::string> published_;
  linux::NetlinkSocket& socket();  // opened when first needed: without a bridge the kernel may lack nftables
  std::optional<linux::NetlinkSocket> socket_;
};

}  // namespace hull::network
