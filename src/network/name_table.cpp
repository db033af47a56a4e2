// SPDX-License-Identifier: Apache-2.0
#include "network/name_table.h"

#include "base/text.h"

namespace hull::network {

void NameTable::set(const std::string& container_id, const Endpoints& endpoints) {
  std::lock_guard lock(mutex_);
  remove_locked(container_id);
  for (const auto& [network, endpoint] : endpoints) {
    if (endpoint.names.empty()) continue;
    auto& names = networks_[network];
    Entry entry{container_id, IpAddress::parse(endpoint.address), IpAddress::parse(endpoint.address6)};
    for (const auto& name : endpoint.names) names.by_name[lower(name)].push_back(entry);
    for (const auto& address : {entry.address, entry.address6})
      if (address) names.by_address[*address] = endpoint.names.front();
    containers_[container_id].emplace(network, endpoint);
  }
}

void NameTable::remove(const std::string& container_id) {
  std::lock_guard lock(mutex_);
  remove_locked(container_id);
}

void NameTable::remove_locked(const std::string& container_id) {
  auto node = containers_.extract(container_id);
  if (!node) return;
  for (const auto& [network, endpoint] : node.mapped()) {
    auto& names = networks_[network];
    for (const auto& name : endpoint.names) {
      auto found = names.by_name.find(lower(name));
      if (found == names.by_name.end()) continue;
      std::erase_if(found->second, [&](const Entry& entry) { return entry.container_id == container_id; });
      if (found->second.empty()) names.by_name.erase(found);
    }
    for (const auto& text : {endpoint.address, endpoint.address6})
      if (auto address = IpAddress::parse(text)) names.by_address.erase(*address);
    if (names.by_name.empty()) networks_.erase(network);
  }
}

const std::vector<NameTable::Entry>* NameTable::entries(const std::string& network, const std::string& name) const {
  auto names = networks_.find(network);
  if (names == networks_.end()) return nullptr;
  auto found = names->second.by_name.find(name);
  return found == names->second.by_name.end() ? nullptr : &found->second;
}

NameTable::Found NameTable::find(const std::string& container_id, const std::string& name, bool is_v6) const {
  std::lock_guard lock(mutex_);
  Found found;
  auto container = containers_.find(container_id);
  if (container == containers_.end()) return found;
  auto take = [&](const std::vector<Entry>* entries) {
    if (!entries) return false;
    found.known = true;
    for (const Entry& entry : *entries)
      if (const auto& address = is_v6 ? entry.address6 : entry.address) found.addresses.push_back(*address);
    return true;
  };
  for (const auto& [network, endpoint] : container->second) {
    for (const auto& link : endpoint.links) {
      auto [target, alias] = split_once(link, ':');
      if (lower(alias.value_or(target)) == name && take(entries(network, lower(target)))) return found;
    }
    if (take(entries(network, name))) return found;
  }
  // "name.network": networks' names may have dots too.
  for (const auto& [network, endpoint] : container->second) {
    std::string suffix = "." + lower(network);
    if (name.size() > suffix.size() && name.ends_with(suffix) &&
        take(entries(network, name.substr(0, name.size() - suffix.size()))))
      return found;
  }
  return found;
}

std::string NameTable::name_of(const std::string& container_id, const IpAddress& address) const {
  std::lock_guard lock(mutex_);
  auto container = containers_.find(container_id);
  if (container == containers_.end()) return "";
  for (const auto& [network, endpoint] : container->second) {
    auto names = networks_.find(network);
    if (names == networks_.end()) continue;
    auto found = names->second.by_address.find(address);
    if (found != names->second.by_address.end()) return cat(found->second, ".", network);
  }
  return "";
}

}  // namespace hull::network
