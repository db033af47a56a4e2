// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "linux/nft_watch.h"
#include "linux/nftables.h"
#include "network/endpoint.h"
#include "network/firewall_rules.h"

namespace hull::network {

// The engine's nftables tables: one of family ip, and one of ip6 as soon as a bridge has IPv6. Bridges are elements of
// sets, and a published port is an element of one of two maps, so that neither a packet of an established connection
// nor a publish costs more when there are many:
//
//     published      host address . protocol . port : container address . port
//     published_any  protocol . port : container address . port
//     published_ranges, published_any_ranges    the same for many ports in a row that keep their numbers: one element
//     bridges        all of them
//     internal       those that nothing leaves or enters
//     same           bridge . bridge: pairs between which containers talk
//     opened         container address . protocol . port: published where addresses are routed, not translated
//     routed, open   bridges of the modes routed and nat-unprotected
//     direct         container address . protocol . port: published, and reachable there too, by way of
//     trusted, direct_bridges    interface . bridge, or from anywhere into the bridge
//     linked         container address . container address . protocol . port: links where containers are kept apart
//
// prerouting   what comes from outside to an address of this host is looked up and redirected. Never 127.0.0.0/8:
//              a neighbour could send that, and reach what was published for this host alone.
// output       the same for the host's own connections, loopback included (route_localnet of the bridge lets them out;
//              from_loopback and to_loopback stand in for it in IPv6).
// postrouting  containers go out under the host's address; so do connections from the loopback into a bridge, and a
//              container's connections to published ports of its own network, whose answers would otherwise take the
//              short way and not be translated back.
// guard        containers cannot use route_localnet to reach what listens on the host's loopback.
// forward      into a bridge goes what is established or was redirected, comes from the same, or was opened; from a
//              bridge whatever, but not into another one; nothing into or out of internal ones.
//
// Thread-safe.
class Firewall {
 public:
  // `accept`: see write_rules().
  Firewall(std::string table, std::optional<linux::PacketMark> accept);

  // Has the tables be those for these bridges, with every port published so far, in one transaction: writes what
  // differs, or all of it, the first time and when something of them is missing. No connection notices.
  void install(std::vector<BridgePolicy> bridges);
  void remove();     // the tables, if they are there
  void reinstall();  // after somebody has taken something out of them
  // What other programs take out of them shows at the descriptor of `watch`, which is read by this.
  bool damaged(linux::NftWatch& watch);

  // The ports of these endpoints, in one transaction. Throws errno; nothing is published then.
  void publish(const Endpoints& endpoints);
  void withdraw(const Endpoints& endpoints);  // idempotent
  // Ports of other containers that a container may connect to, by container; they take the place of those that it had
  // before. Those of links to a container end with unlink() of either.
  void link(const std::string& container_id, const std::map<std::string, std::vector<LinkedPort>>& ports);
  void unlink(const std::string& container_id);  // idempotent
  // Only remembers; install() writes.
  void remember(const Endpoints& endpoints);

 private:
  void install_locked();
  bool update_locked(const std::vector<BridgePolicy>& before);  // false: they are not as they were left
  void add_elements(const std::map<FirewallElement, std::string>& elements);
  void remove_elements(const std::map<FirewallElement, std::string>& elements);
  void write_table(linux::NftTransaction& change, bool is_v6) const;

  std::mutex mutex_;
  std::string table_;
  std::optional<linux::PacketMark> accept_;
  std::vector<BridgePolicy> bridges_;
  bool has_v6_ = false;                               // there is a table of family ip6
  bool written_ = false;                              // the tables are this engine's
  std::map<FirewallElement, std::string> published_;  // and linked
  struct Link {
    std::string from, to;  // containers
    FirewallElement element;
  };
  std::vector<Link> links_;
  linux::NetlinkSocket& socket();  // opened when first needed: without a bridge the kernel may lack nftables
  std::optional<linux::NetlinkSocket> socket_;
};

}  // namespace hull::network
