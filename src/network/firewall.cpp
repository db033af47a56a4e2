// SPDX-License-Identifier: Apache-2.0
#include "network/firewall.h"

#include <algorithm>
#include <set>

#include "base/log.h"
#include "linux/conntrack.h"

namespace hull::network {

namespace {

using linux::NftTransaction;
using Elements = std::map<FirewallElement, std::string>;

// Flows of UDP have no end: a client that goes on would be led to the former container for ever.
void forget_flows_to(const Endpoints& endpoints) {
  std::set<std::uint16_t> ports;
  for (const auto& [name, endpoint] : endpoints)
    for (const auto& binding : endpoint.ports)
      if (binding.protocol == "udp" && binding.host_port) ports.insert(binding.host_port);
  try {
    linux::forget_udp_flows(ports);
  } catch (const Error& e) {
    log::warn("flows of UDP keep their old translation: ", e.message());
  }
}

}  // namespace

Firewall::Firewall(std::string table, std::optional<linux::PacketMark> accept)
    : table_(std::move(table)), accept_(accept) {}

linux::NetlinkSocket& Firewall::socket() {
  if (!socket_) socket_.emplace(NETLINK_NETFILTER);
  return *socket_;
}

void Firewall::write_table(NftTransaction& change, bool is_v6) const {
  // Deleting asks for a table that exists.
  change.select(is_v6);
  change.add_table();
  change.delete_table();
  change.add_table();
  write_rules(change, bridges_, accept_, is_v6);
  for (const auto& [element, target] : published_)
    if (element.is_v6 == is_v6) change.add_element(element.map, element.key, target, element.key_end);
}

namespace {

bool have_ipv6(const std::vector<BridgePolicy>& bridges) {
  return std::ranges::any_of(bridges, [](const auto& bridge) { return !bridge.v6.gateways.empty(); });
}

}  // namespace

bool Firewall::update_locked(const std::vector<BridgePolicy>& before) {
  if (!written_ || (have_ipv6(bridges_) && !has_v6_)) return false;
  NftTransaction change(table_);
  for (bool is_v6 : {false, true}) {
    if (is_v6 && !has_v6_) continue;
    change.select(is_v6);
    update_rules(change, before, bridges_, is_v6);
  }
  try {
    change.commit(socket());
    return true;
  } catch (const Error& e) {
    log::debug("the firewall is not as it was left: ", e.message());
    return false;
  }
}

void Firewall::install_locked() {
  has_v6_ = has_v6_ || have_ipv6(bridges_);
  NftTransaction change(table_);
  write_table(change, false);
  if (has_v6_) write_table(change, true);
  change.commit(socket());
  written_ = true;
  // Only when it is not there: even its policy is somebody else's.
  if (linux::nft_inet_table_exists(socket(), std::string(kSiteTable))) return;
  NftTransaction site{std::string(kSiteTable)};
  write_site_table(site);
  site.commit(socket());
}

void Firewall::install(std::vector<BridgePolicy> bridges) {
  std::lock_guard lock(mutex_);
  bridges_.swap(bridges);
  if (!update_locked(bridges)) install_locked();
}

void Firewall::reinstall() {
  std::lock_guard lock(mutex_);
  if (!bridges_.empty()) install_locked();
}

bool Firewall::damaged(linux::NftWatch& watch) {
  std::lock_guard lock(mutex_);
  return watch.removed_by_others(table_, socket().port());
}

void Firewall::remove() {
  std::lock_guard lock(mutex_);
  NftTransaction change(table_);
  for (bool is_v6 : {false, true}) {
    change.select(is_v6);
    change.add_table();
    change.delete_table();
  }
  change.commit(socket());
}

void Firewall::remember(const Endpoints& endpoints) {
  std::lock_guard lock(mutex_);
  published_.merge(elements_of(endpoints));
}

void Firewall::publish(const Endpoints& endpoints) {
  Elements elements = elements_of(endpoints);
  if (!elements.empty()) add_elements(elements);
  // A flow that began before has no translation, and would go on without one.
  forget_flows_to(endpoints);
}

void Firewall::add_elements(const Elements& elements) {
  std::lock_guard lock(mutex_);
  NftTransaction change(table_);
  for (const auto& [element, target] : elements) {
    change.select(element.is_v6);
    change.add_element(element.map, element.key, target, element.key_end);
    published_[element] = target;
  }
  try {
    change.commit(socket());
  } catch (const Error& e) {
    // Somebody flushed the ruleset (firewall managers do when they start), or an element of ours was left behind.
    if (e.code() != ENOENT && e.code() != EEXIST && e.code() != EBUSY) {
      for (const auto& [element, target] : elements) published_.erase(element);
      throw;
    }
    install_locked();
  }
}

void Firewall::withdraw(const Endpoints& endpoints) {
  remove_elements(elements_of(endpoints));
  forget_flows_to(endpoints);
}

void Firewall::link(const std::string& container_id, const std::map<std::string, std::vector<LinkedPort>>& ports) {
  Elements former, wanted;
  {
    std::lock_guard lock(mutex_);
    for (const Link& link : links_)
      if (link.from == container_id) former.emplace(link.element, "");
    std::erase_if(links_, [&](const Link& link) { return link.from == container_id; });
    for (const auto& [target, list] : ports)
      for (const LinkedPort& port : list) {
        links_.push_back({container_id, target, element_of(port)});
        former.erase(links_.back().element);
        if (!published_.contains(links_.back().element)) wanted.emplace(links_.back().element, "");
      }
  }
  remove_elements(former);
  if (!wanted.empty()) add_elements(wanted);
}

void Firewall::unlink(const std::string& container_id) {
  Elements former;
  {
    std::lock_guard lock(mutex_);
    if (links_.empty()) return;
    auto concerns = [&](const Link& link) { return link.from == container_id || link.to == container_id; };
    for (const Link& link : links_)
      if (concerns(link)) former.emplace(link.element, "");
    std::erase_if(links_, concerns);
  }
  remove_elements(former);
}

void Firewall::remove_elements(const Elements& elements) {
  std::lock_guard lock(mutex_);
  NftTransaction change(table_);
  bool any = false;
  for (const auto& [element, target] : elements) {
    if (published_.erase(element) == 0) continue;
    change.select(element.is_v6);
    change.delete_element(element.map, element.key, element.key_end);
    any = true;
  }
  if (!any) return;
  try {
    change.commit(socket());
  } catch (const Error& e) {
    if (e.code() != ENOENT) throw;
    install_locked();
  }
}

}  // namespace hull::network
