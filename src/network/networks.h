// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/unique_fd.h"
#include "linux/reactor.h"
#include "store/database.h"

namespace hull::network {

struct PortBinding {
  std::string protocol = "tcp";  // tcp, udp, sctp
  std::uint16_t container_port = 0;
  std::string host_ip;              // "" : 0.0.0.0 and ::
  std::uint16_t host_port = 0;      // 0: chosen when attached
  std::uint16_t host_port_end = 0;  // a range to choose from; 0: none
};
template <class Visitor>
void fields(Visitor& visit, PortBinding& value) {
  visit("protocol", value.protocol);
  visit("containerPort", value.container_port);
  visit("hostIp", value.host_ip);
  visit("hostPort", value.host_port);
  visit("hostPortEnd", value.host_port_end);
}

// A container's place in a network.
struct Endpoint {
  std::string network;  // "bridge"
  std::string network_id;
  std::string endpoint_id;  // 64 hex
  std::string interface_name = "eth0";
  std::string host_interface;
  std::string address;  // "172.17.0.2"
  int prefix_length = 0;
  std::string gateway;
  std::string mac_address;
  std::vector<PortBinding> ports;  // as bound: every host port is a number, every host address is one. "" becomes
                                   // 0.0.0.0 only: no proxy carries IPv6 to a container that has no such address
};
template <class Visitor>
void fields(Visitor& visit, Endpoint& value) {
  visit("network", value.network);
  visit("networkId", value.network_id);
  visit("endpointId", value.endpoint_id);
  visit("interface", value.interface_name);
  visit("hostInterface", value.host_interface);
  visit("address", value.address);
  visit("prefixLength", value.prefix_length);
  visit("gateway", value.gateway);
  visit("mac", value.mac_address);
  visit("ports", value.ports);
}

struct AttachRequest {
  std::string container_id;
  std::string container_name;      // for messages; "" : the short id
  std::string network = "bridge";  // by name or id
  std::string mac_address;         // "" : generated
  std::vector<PortBinding> ports;
  // A fresh namespace to plug into, for containers whose own user namespace has to own it; -1: one of the pool.
  int network_namespace = -1;
};

struct Attachment {
  UniqueFd network_namespace;  // ready: lo and eth0 up, addresses and routes set, ports published
  Endpoint endpoint;
};

struct Network {
  std::string id, name, driver, bridge;  // bridge: device name, "" for host and none
  std::string subnet, gateway;           // "172.17.0.0/16", "172.17.0.1"
  std::int64_t created = 0;              // nanoseconds
};

struct Options {
  std::string bridge = "hull0";         // hulld --bridge; "none" switches bridge networking off
  std::string bip;                      // "172.30.0.1/24"; "" : the first free of Docker's default pools
  std::string firewall_table = "hull";  // several engines on one machine: one table each (suffix of the bridge)
};

// The networks of one engine: bridge, host and none. Thread-safe.
class Networks {
 public:
  Networks(store::Database& database, linux::Reactor& reactor, Options options);
  ~Networks();  // leaves the bridge, the table and every endpoint as they are

  std::vector<Network> list() const;
  std::optional<Network> find(const std::string& name_or_id) const;  // also by unique id prefix

  // A network namespace with the container plugged in. The namespace comes from the pool or is made; the
  // endpoint is recorded before it exists. Errors: kNotFound "network x not found"; for ports Docker's texts
  // (HIDDEN-FACTS 250), kInternal for status 500 as Docker has it. Nothing is left on failure.
  Attachment attach(const AttachRequest& request);
  // A namespace with nothing but lo (up). `network_namespace` as in AttachRequest.
  UniqueFd isolated_namespace(int network_namespace = -1);
  // Takes everything of that container back: published ports now, interface and address in the background
  // (the namespace takes its end of the veth along when its last process is gone). Idempotent.
  void detach(const std::string& container_id);

  // After a start of the engine: keeps the endpoints of `live` containers (and returns them), removes all others,
  // puts back bridge, table and map elements where something is missing.
  std::map<std::string, Endpoint> recover(const std::vector<std::string>& live);

  // The text of a container's files. For bridge: host's name servers without loopback ones; for host: the host's own.
  std::string resolv_conf(const std::string& network_mode, const std::vector<std::string>& servers,
                          const std::vector<std::string>& search, const std::vector<std::string>& options) const;
  std::string hosts_file(const std::string& hostname, const std::string& domain,
                         const std::optional<Endpoint>& endpoint, const std::vector<std::string>& extra_hosts) const;

  // Makes or repairs the bridge and the firewall table now, so that the first container does not pay for it.
  void prepare();

  // Bytes and packets per interface in the network namespace of `pid`, for stats.
  struct InterfaceCounters {
    std::string name;
    std::uint64_t rx_bytes = 0, rx_packets = 0, rx_errors = 0, rx_dropped = 0;
    std::uint64_t tx_bytes = 0, tx_packets = 0, tx_errors = 0, tx_dropped = 0;
  };
  static std::vector<InterfaceCounters> counters(pid_t pid);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hull::network
