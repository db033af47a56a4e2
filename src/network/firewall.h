// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "linux/nft_watch.h"
#include "linux/nftables.h"
#include "network/networks.h"
#include "network/subnet.h"

namespace hull::network {

// A bridge as the firewall sees it.
struct BridgePolicy {
  std::string name;
  std::vector<Subnet> subnets;
  bool internal = false;  // nothing goes in or out
  bool icc = true;        // its containers may talk to each other by way of the host too
  bool masquerade = true;
};

// The engine's nftables tables: one of family ip, and one of ip6 as soon as a bridge has IPv6. Bridges are elements of
// sets, and a published port is an element of one of two maps, so that neither a packet of an established connection
// nor a publish costs more when there are many:
//
//     published      host address . protocol . port : container address . port
//     published_any  protocol . port : container address . port
//     bridges        all of them
//     internal       those that nothing leaves or enters
//     same           bridge . bridge: pairs between which containers talk
//
// prerouting   what comes from outside to an address of this host is looked up and redirected. Never 127.0.0.0/8:
//              a neighbour could send that, and reach what was published for this host alone.
// output       the same for the host's own connections, loopback included (route_localnet of the bridge lets them out).
// postrouting  containers go out under the host's address; so do connections from the loopback into a bridge, and a
//              container's connections to published ports of its own network, whose answers would otherwise take the
//              short way and not be translated back.
// guard        containers cannot use route_localnet to reach what listens on the host's loopback.
// forward      into a bridge goes what is established or was redirected, or comes from the same; from a bridge
//              whatever, but not into another one; nothing into or out of internal ones.
//
// Thread-safe.
class Firewall {
 public:
  explicit Firewall(std::string table);

  // (Re)writes the tables for these bridges, with every port published so far, in one transaction. No connection
  // notices.
  void install(std::vector<BridgePolicy> bridges);
  void remove();     // the tables, if they are there
  void reinstall();  // after somebody has taken something out of them
  // What other programs take out of them shows at the descriptor of `watch`, which is read by this.
  bool damaged(linux::NftWatch& watch);

  void publish(const Endpoint& endpoint, const std::vector<PortBinding>& bound);
  void withdraw(const std::vector<PortBinding>& bound);  // idempotent
  // Only remembers; install() writes.
  void remember(const Endpoint& endpoint, const std::vector<PortBinding>& bound);

 private:
  struct Element {
    bool is_v6;
    std::string map, key;
    auto operator<=>(const Element&) const = default;
  };
  static Element element_of(const PortBinding& binding);
  static std::string target_of(const Endpoint& endpoint, const PortBinding& binding);
  void install_locked();
  void publish_remembered(const Endpoint& endpoint, const std::vector<PortBinding>& bound);
  void withdraw_elements(const std::vector<PortBinding>& bound);
  void write_table(linux::NftTransaction& change, bool is_v6) const;

  std::mutex mutex_;
  std::string table_;
  std::vector<BridgePolicy> bridges_;
  bool has_v6_ = false;  // there is a table of family ip6
  std::map<Element, std::string> published_;
  linux::NetlinkSocket& socket();  // opened when first needed: without a bridge the kernel may lack nftables
  std::optional<linux::NetlinkSocket> socket_;
};

}  // namespace hull::network
