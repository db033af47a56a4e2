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
  bool relayed = false;             // as bound: connections to it are handed on by the container's supervisor
};
template <class Visitor>
void fields(Visitor& visit, PortBinding& value) {
  visit("protocol", value.protocol);
  visit("containerPort", value.container_port);
  visit("hostIp", value.host_ip);
  visit("hostPort", value.host_port);
  visit("hostPortEnd", value.host_port_end);
  visit("relayed", value.relayed, WhenEmpty::kOmit);
}

using StringMap = std::map<std::string, std::string>;

// A container's place in a network. Texts that do not apply are empty.
struct Endpoint {
  std::string network;  // "bridge"
  std::string network_id;
  std::string endpoint_id;  // 64 hex
  std::string interface_name = "eth0";
  std::string host_interface;
  std::string address;  // "172.17.0.2"
  int prefix_length = 0;
  std::string gateway;
  std::string address6;
  int prefix_length6 = 0;
  std::string gateway6;
  std::string mac_address;
  std::vector<std::string> link_local;  // addresses beside the network's
  std::vector<std::string> names;       // what others call it (DNS)
  std::vector<std::string> links;       // "container:alias": what it calls others
  int gateway_priority = 0;
  std::vector<PortBinding> ports;  // as bound: every host port is a number, every host address is one. "" becomes
                                   // 0.0.0.0 and ::
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
  visit("address6", value.address6, WhenEmpty::kOmit);
  visit("prefixLength6", value.prefix_length6, WhenEmpty::kOmit);
  visit("gateway6", value.gateway6, WhenEmpty::kOmit);
  visit("mac", value.mac_address);
  visit("linkLocal", value.link_local, WhenEmpty::kOmit);
  visit("names", value.names, WhenEmpty::kOmit);
  visit("links", value.links, WhenEmpty::kOmit);
  visit("gatewayPriority", value.gateway_priority, WhenEmpty::kOmit);
  visit("ports", value.ports);
}
using Endpoints = std::map<std::string, Endpoint>;  // by the name of the network

struct EndpointRequest {
  std::string network = "bridge";  // by name or id
  std::string mac_address;         // "" : generated
  std::string address, address6;   // "" : the lowest that is free
  std::vector<std::string> link_local;
  std::vector<std::string> names, links;
  StringMap driver_options;
  int gateway_priority = 0;
};

// A bound port of a family that the container has no address of. Who has the listener accepts connections to it and
// hands their bytes on to the target.
struct PortRelay {
  std::string host, target;  // "[::]:8080", "172.17.0.2:80"
  UniqueFd listener;         // invalid: an earlier engine has given it away
};

struct AttachRequest {
  std::string container_id;
  std::string container_name;              // for messages; "" : the short id
  std::vector<EndpointRequest> endpoints;  // in the order of their interfaces: eth0, eth1, …
  std::vector<PortBinding> ports;
  // A fresh namespace to plug into, for containers whose own user namespace has to own it; -1: one of the pool.
  int network_namespace = -1;
  std::vector<std::string> name_servers;  // asked for names that no container has; none: the host's
};

struct Attachment {
  UniqueFd network_namespace;  // ready: interfaces up, addresses and routes set, ports published
  Endpoints endpoints;
};

// One line of a network's address management. Texts as the user wrote them; "" : chosen by create().
struct IpamConfig {
  std::string subnet, ip_range, gateway;
  StringMap auxiliary;  // addresses that somebody else has, by any name
};
template <class Visitor>
void fields(Visitor& visit, IpamConfig& value) {
  visit("Subnet", value.subnet, WhenEmpty::kOmit);
  visit("IPRange", value.ip_range, WhenEmpty::kOmit);
  visit("Gateway", value.gateway, WhenEmpty::kOmit);
  visit("AuxiliaryAddresses", value.auxiliary, WhenEmpty::kOmit);
}

struct Network {
  std::string id, name, driver = "bridge";
  std::string bridge;  // device name, "" where there is none
  bool internal = false, attachable = false, ipv4 = true, ipv6 = false, config_only = false;
  std::string config_from;
  std::string ipam_driver = "default";
  StringMap ipam_options;
  std::vector<IpamConfig> ipam;  // what was asked for, completed by what create() chose
  bool subnet_given = false;     // by the user: only then may containers choose addresses
  StringMap options, labels;
  std::int64_t created = 0;  // nanoseconds
  bool predefined = false;   // bridge, host, none
};
template <class Visitor>
void fields(Visitor& visit, Network& value) {
  visit("id", value.id);
  visit("name", value.name);
  visit("driver", value.driver);
  visit("bridge", value.bridge);
  visit("internal", value.internal);
  visit("attachable", value.attachable);
  visit("ipv4", value.ipv4);
  visit("ipv6", value.ipv6);
  visit("configOnly", value.config_only);
  visit("configFrom", value.config_from);
  visit("ipamDriver", value.ipam_driver);
  visit("ipamOptions", value.ipam_options);
  visit("ipam", value.ipam);
  visit("subnetGiven", value.subnet_given);
  visit("options", value.options);
  visit("labels", value.labels);
  visit("created", value.created);
}

struct Options {
  std::string bridge = "hull0";             // hulld --bridge; "none" switches bridge networking off
  std::string bip;                          // "172.30.0.1/24"; "" : the first free of the pools
  std::string firewall_table = "hull";      // several engines on one machine: one table each (suffix of the bridge)
  std::vector<std::string> address_pools;   // "base=10.10.0.0/16,size=24"; none: Docker's default pools
  std::string bip6;                         // "fd00:1::1/64": the default bridge has IPv6 too
  std::string fixed_cidr;                   // part of the default bridge's subnet that addresses are given out of
  std::string default_gateway;              // of containers on the default bridge; "" : the bridge
  std::string default_binding = "0.0.0.0";  // host address of ports that are published without one
  std::vector<std::string> host_gateways;   // what host-gateway means; none: the default bridge's address
  std::vector<std::string> dns, dns_search, dns_options;  // for containers that have none of their own
  std::uint32_t mtu = 0;                                  // of the default bridge; 0: 1500
  bool icc = true, masquerade = true;                     // of the default bridge
};

// The networks of one engine: bridge, host and none. Thread-safe.
class Networks {
 public:
  Networks(store::Database& database, linux::Reactor& reactor, Options options);
  ~Networks();  // leaves the bridge, the table and every endpoint as they are

  std::vector<Network> list() const;  // predefined ones first, then in the order of their creation
  // By id, name or unique beginning of an id. Error{kInvalidArgument} "network x is ambiguous (…)".
  std::optional<Network> find(const std::string& name_or_id) const;
  Network get(const std::string& name_or_id) const;  // Error{kNotFound} "network x not found"

  // Makes a network; `wish` has everything but id, bridge and time. Recorded before it exists. Errors as Docker has
  // them: kForbidden for predefined names and overlapping subnets, kConflict for a name in use, kInvalidArgument for
  // what is wrong with addresses or options (all of it in one message), kNotFound for an unknown driver.
  Network create(Network wish);
  // Error{kForbidden} for predefined ones and while somebody is attached. Gives what was removed.
  Network remove(const std::string& name_or_id);
  // Who is attached to a network now, by container id.
  std::map<std::string, Endpoint> members(const std::string& network_id) const;

  // A network namespace with the container plugged in to each of the networks. The namespace comes from the pool or
  // is made; the endpoints are recorded before they exist. Errors: kNotFound "network x not found", those of
  // check_endpoint(); for ports Docker's texts, kInternal for status 500 as Docker has it. Nothing
  // is left on failure.
  Attachment attach(const AttachRequest& request);
  // Plugs a running container in to one more network, or out of one: interfaces, addresses, default routes and
  // published ports (`ports`, as at its start) follow. `network_namespace` is the container's. Gives all its endpoints
  // as they are then. kForbidden when it is attached there already, kInternal when it is not.
  Endpoints connect(const std::string& container_id, const EndpointRequest& request,
                    const std::vector<PortBinding>& ports, int network_namespace);
  Endpoints disconnect(const std::string& container_id, const std::string& network,
                       const std::vector<PortBinding>& ports, int network_namespace);
  // What has to be relayed for these endpoints to be reached at all of their ports.
  std::vector<PortRelay> relays(const Endpoints& endpoints) const;
  // Answers the questions of a container that has been running since before this engine. Those that attach() starts are
  // served from there on.
  void serve_names(const std::string& container_id, const std::vector<std::string>& name_servers,
                   int network_namespace);
  // Lets a container connect to these ports ("80/tcp") of others, by container, where the default bridge keeps its
  // containers apart; instead of those that it could before. They end with detach() of either. IPv4 only.
  void open_links(const std::string& container_id, const std::map<std::string, std::vector<std::string>>& ports);
  // The container is called otherwise from now on, in every network.
  void rename(const std::string& container_id, const std::string& old_name, const std::string& new_name);
  // Refuses what can never be attached so, all in one message: Error{kInvalidArgument}.
  void check_endpoint(const Network& network, const EndpointRequest& request) const;
  // A namespace with nothing but lo (up). `network_namespace` as in AttachRequest.
  UniqueFd isolated_namespace(int network_namespace = -1);
  // Takes everything of that container back: published ports now, interface and address in the background
  // (the namespace takes its end of the veth along when its last process is gone). Idempotent.
  void detach(const std::string& container_id);

  // After a start of the engine: keeps the endpoints of `live` containers (and returns them), removes all others,
  // puts back bridge, table and map elements where something is missing.
  std::map<std::string, Endpoints> recover(const std::vector<std::string>& live);

  // The text of a container's files. On networks of the user: the engine's own name server; for bridge: the host's
  // name servers without loopback ones; for host: the host's own.
  std::string resolv_conf(const std::string& network_mode, const std::vector<std::string>& servers,
                          const std::vector<std::string>& search, const std::vector<std::string>& options) const;
  std::string hosts_file(const std::string& hostname, const std::string& domain, const Endpoints& endpoints,
                         const std::vector<std::string>& extra_hosts) const;

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
