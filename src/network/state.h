// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/rollback.h"
#include "linux/background.h"
#include "network/address_pool.h"
#include "network/bridge.h"
#include "network/firewall.h"
#include "network/host_ports.h"
#include "network/name_service.h"
#include "network/name_table.h"
#include "network/network_options.h"
#include "network/networks.h"
#include "network/plug.h"
#include "network/ready_pool.h"

namespace hull::network {

// One network, and what this engine has found or made of it. Guarded by State::mutex.
struct LiveNetwork {
  Network config;
  std::optional<Bridge> bridge;    // when this engine has made it, or looked for it
  std::vector<AddressPool> pools;  // with the bridge
  int arriving = 0;                // containers that are being plugged in: it stays as long
};
using LiveNetworkPtr = std::shared_ptr<LiveNetwork>;

struct Member {
  std::string name;  // of the container
  Endpoints endpoints;
  std::vector<std::string> name_servers;
};

struct Networks::State {
  State(store::Database& store, linux::Reactor& used, Options wanted);
  ~State();

  // networks.cpp
  LiveNetworkPtr find(const std::string& name_or_id) const;  // takes the mutex
  LiveNetworkPtr get(const std::string& name_or_id) const;   // throws kNotFound

  // state.cpp
  Bridge ready_bridge(const LiveNetworkPtr& network);  // makes it when this engine has not looked for it yet
  void prepare(const LiveNetworkPtr& network);
  BridgeWish wish_for(const Network& network) const;
  void install_firewall();  // for all bridges that there are
  void watch_firewall();    // puts the tables back when somebody flushes them
  std::vector<Subnet> subnets_in_use() const;
  Plug take_plug();
  std::string new_interface_name();
  // Deletes host interfaces in a while, many at once. Most are gone by then, with their namespaces.
  void condemn(const std::string& host_interface);
  void delete_interfaces(const std::set<std::string>& names);

  std::string name_of(const std::string& container_id) const;  // of a container that is attached, or the short id

  // addresses.cpp
  std::string take_address(LiveNetwork& network, bool is_v6, const std::string& wanted, int& prefix_length,
                           const std::string& preferred = {});
  void give_back_addresses(const Endpoint& endpoint);
  void make_pools(LiveNetwork& network);  // the mutex is held; takes what members have

  // Keeps a network from being removed until what this gives is gone. Error{kNotFound} for one that has been.
  std::shared_ptr<const void> arrive_at(const LiveNetworkPtr& network);

  // attach.cpp
  Attachment attach(const AttachRequest& request);
  Attachment attach_plainly(const AttachRequest& request, const Network& network);
  // `former`: the addresses that it would like to have again. `reserved`: names of interfaces that others ask for.
  Endpoint new_endpoint(const LiveNetworkPtr& network, const EndpointRequest& request, const Endpoints& others,
                        const Endpoints& former = {}, const std::set<std::string>& reserved = {});
  void record(const std::string& container_id, const Endpoint& endpoint);
  Plug take_empty_plug(int network_namespace);                                       // lo only
  int plug_in(const LiveNetworkPtr& network, const Endpoint& endpoint, Plug& plug);  // gives the index inside
  // Reserves them for a container with these endpoints.
  std::vector<PortBinding> bind_ports(const std::string& container_id, const Endpoints& endpoints,
                                      std::vector<PortBinding> wanted);
  void publish(const std::string& container, const Endpoints& endpoints);

  // connect.cpp
  Endpoints connect(const std::string& container_id, const EndpointRequest& request,
                    const std::vector<PortBinding>& wanted, int network_namespace);
  Endpoints disconnect(const std::string& container_id, const std::string& network,
                       const std::vector<PortBinding>& wanted, int network_namespace);
  Member member(const std::string& container_id) const;
  void delete_interface(const Endpoint& endpoint, Plug& plug);
  // Published ports move with the gateways.
  void follow_gateways(const std::string& container_id, const Endpoints& before, Endpoints& now,
                       const std::vector<PortBinding>& wanted);

  // container_files.cpp
  std::vector<std::string> host_gateways() const;

  // names.cpp: brings the name server in line with a container's endpoints.
  void serve_names(const std::string& container_id, const std::vector<std::string>& servers, const Endpoints& endpoints,
                   int network_namespace);

  // recover.cpp
  void read_networks();
  std::map<std::string, Endpoints> sort_endpoints(const std::vector<std::string>& live);
  void keep_members(const std::map<std::string, Endpoints>& kept);
  void tidy_interfaces(const std::map<std::string, Endpoints>& kept);

  store::Database& database;
  const Options options;
  const std::vector<PoolSource> pool_sources;
  const InterfaceMarks marks;
  const bool has_bridge;  // hulld --bridge none
  const std::int64_t started;
  Firewall firewall;
  HostPorts ports;

  std::mutex preparing;                   // one at a time makes or removes bridges; taken before `mutex`
  mutable std::mutex mutex;               // for all that follows; never held across a system call
  std::vector<LiveNetworkPtr> networks;   // predefined ones first
  LiveNetworkPtr default_bridge;          // nullptr without one
  std::map<std::string, Member> members;  // by container id
  // Of containers that have ended: they get their addresses back when nobody else has them by then.
  std::map<std::string, Endpoints> ended;
  std::set<std::string> condemned;
  std::map<std::string, std::vector<std::string>> unsettled;  // interfaces inside that recover() has given up
  std::set<std::string> made_before_recovery;  // interfaces of ours that recover() must not take for left-overs
  bool recovered = false;
  bool warned = false;  // of another firewall

  NameTable name_table;
  NameService name_service;
  std::optional<linux::NftWatch> firewall_watch;
  linux::Reactor::Id firewall_watch_id = 0;
  linux::Reactor& reactor;
  ReadyPool<UniqueFd> isolated;
  ReadyPool<Plug> plugs;  // on the default bridge
  linux::Background background;
};

// The endpoints that a container's default routes go through: highest priority, then smallest name, of those that have
// a gateway of the family. nullptr: none.
const Endpoint* gateway_endpoint(const Endpoints& endpoints, bool is_v6);

}  // namespace hull::network
