// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <linux/rtnetlink.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/file.h"
#include "base/id.h"
#include "base/process.h"
#include "linux/interfaces.h"
#include "linux/nftables.h"
#include "memory_database.h"
#include "network/networks.h"
#include "network/plug.h"
#include "network/subnet.h"
#include "traffic.h"

// An engine's networks on a bridge and a table of their own, removed at the end. Needs root.
class NetworksTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: network namespaces, interfaces, nftables";
    options.bridge = "ht" + hull::random_hex(4);
    options.firewall_table = "hull-test-" + hull::random_hex(4);
    options.bip = "10.213.77.1/24";
    start();
  }
  void TearDown() override {
    networks.reset();
    reactor.reset();
    if (options.firewall_table.empty()) return;
    hull::linux::NetlinkSocket route(NETLINK_ROUTE);
    hull::linux::NetlinkBatch batch;
    if (auto link = hull::linux::find_link(route, options.bridge)) hull::linux::delete_link(batch, link->index);
    if (!batch.empty()) route.try_execute(batch);
    hull::linux::NetlinkSocket filter(NETLINK_NETFILTER);
    if (!hull::linux::nft_table_exists(filter, options.firewall_table)) return;
    hull::linux::NftTransaction change(options.firewall_table);
    change.delete_table();
    change.commit(filter);
  }

  void start() {
    reactor = std::make_unique<hull::linux::Reactor>();
    networks = std::make_unique<hull::network::Networks>(database, *reactor, options);
  }
  // As if the engine had been killed: nothing is detached.
  void restart() {
    networks.reset();
    reactor.reset();
    start();
  }

  static hull::network::Options options_for(const std::string& bridge, const std::string& bip,
                                            const std::string& table) {
    hull::network::Options made;
    made.bridge = bridge;
    made.bip = bip;
    made.firewall_table = table;
    return made;
  }

  // A container on the default bridge, with its one endpoint.
  struct Attached {
    hull::UniqueFd network_namespace;
    hull::network::Endpoint endpoint;
  };
  static hull::network::AttachRequest request_for(const std::string& id, const std::string& network = "bridge") {
    hull::network::AttachRequest request;
    request.container_id = id;
    request.container_name = "name-of-" + id;
    request.endpoints.emplace_back().network = network;
    return request;
  }
  Attached attach(const std::string& id, std::vector<hull::network::PortBinding> ports = {}) {
    auto request = request_for(id);
    request.ports = std::move(ports);
    auto made = networks->attach(request);
    return {std::move(made.network_namespace), made.endpoints.at("bridge")};
  }

  std::vector<std::string> veths() const {
    std::vector<std::string> names;
    hull::linux::NetlinkSocket socket(NETLINK_ROUTE);
    for (const auto& link : hull::linux::list_links(socket))
      if (link.name.starts_with(hull::network::InterfaceMarks(options.firewall_table).prefix))
        names.push_back(link.name);
    return names;
  }
  std::string ruleset() const {
    return hull::run_program({"nft", "list", "table", "ip", options.firewall_table}).output;
  }

  template <class Condition>
  static bool eventually(Condition condition) {
    for (int tries = 0; tries < 400; ++tries) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  hull::network::Options options = options_for("", "", "");
  MemoryDatabase database;
  std::unique_ptr<hull::linux::Reactor> reactor;
  std::unique_ptr<hull::network::Networks> networks;
};
