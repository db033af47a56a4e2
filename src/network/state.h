// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "network/address_pool.h"
#include "network/background.h"
#include "network/bridge.h"
#include "network/firewall.h"
#include "network/host_ports.h"
#include "network/networks.h"
#include "network/plug.h"
#include "network/ready_pool.h"

namespace hull::network {

struct Networks::State {
  State(store::Database& store, linux::Reactor& reactor, Options wanted);

  Bridge ready_bridge();  // makes it when this engine has not looked for it yet
  void prepare();
  Plug take_plug(int network_namespace);  // -1: a ready one, or one with a namespace of its own
  std::uint32_t take_address();
  void give_back_address(const std::string& address);
  std::string new_interface_name();
  // Deletes host interfaces in a while, many at once. Most are gone by then, with their namespaces.
  void condemn(const std::string& host_interface);
  void delete_interfaces(const std::set<std::string>& names);
  void keep_endpoints(const std::map<std::string, Endpoint>& kept);
  void tidy_interfaces(const std::map<std::string, Endpoint>& kept);

  Attachment attach_to_bridge(const AttachRequest& request, const Network& network);
  Attachment attach_isolated(const AttachRequest& request, const Network& network);
  void record(const AttachRequest& request, const Endpoint& endpoint);

  store::Database& database;
  const Options options;
  const InterfaceMarks marks;
  const bool has_bridge;  // hulld --bridge none
  const std::int64_t started;
  Firewall firewall;
  HostPorts ports;

  std::mutex preparing;  // one at a time; taken before `mutex`
  std::mutex mutex;      // for all that follows; never held across a system call
  std::optional<Bridge> bridge;
  std::optional<AddressPool> addresses;
  std::map<std::string, Endpoint> endpoints;  // by container id
  std::set<std::string> condemned;
  std::set<std::string> made_before_recovery;  // interfaces of ours that recover() must not take for left-overs
  bool recovered = false;
  bool warned = false;  // of another firewall

  ReadyPool<UniqueFd> isolated;
  ReadyPool<Plug> plugs;
  Background background;
};

}  // namespace hull::network
