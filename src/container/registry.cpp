// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/error.h"
#include "base/id.h"
#include "container/links.h"
#include "container/live.h"

namespace hull::container {

namespace {

// The id behind "web/db": what the container web calls another one that it links to.
std::string linked_as(const LivePtr& owner, std::string_view alias) {
  for (const Link& link : links_of(*owner->state()->spec))
    if (link.alias == alias) return link.target;
  return {};
}

}  // namespace

LivePtr Registry::find(std::string_view name) const {
  std::string key(name);
  std::shared_lock lock(mutex_);
  if (auto exact = by_id_.find(key); exact != by_id_.end()) return exact->second;
  std::string plain = key.starts_with('/') ? key.substr(1) : key;
  if (auto named = id_by_name_.find(plain); named != id_by_name_.end()) {
    auto found = by_id_.find(named->second);
    return found == by_id_.end() ? nullptr : found->second;  // reserved by a create that is under way
  }
  if (auto slash = plain.rfind('/'); slash != plain.npos) {
    auto owner = id_by_name_.find(plain.substr(0, slash));
    if (owner == id_by_name_.end() || !by_id_.contains(owner->second)) return nullptr;
    auto linked = by_id_.find(linked_as(by_id_.at(owner->second), std::string_view(plain).substr(slash + 1)));
    return linked == by_id_.end() ? nullptr : linked->second;
  }
  if (!looks_like_id_prefix(key)) return nullptr;
  auto first = by_id_.lower_bound(key);
  if (first == by_id_.end() || !first->first.starts_with(key)) return nullptr;
  auto next = std::next(first);
  if (next != by_id_.end() && next->first.starts_with(key))
    fail_invalid("multiple IDs found with provided prefix: ", key);
  return first->second;
}

LivePtr Registry::get(std::string_view name) const {
  if (auto found = find(name)) return found;
  fail(Kind::kNotFound, "No such container: ", name);
}

std::vector<LivePtr> Registry::list() const {
  std::vector<LivePtr> all;
  {
    std::shared_lock lock(mutex_);
    for (const auto& [id, container] : by_id_) all.push_back(container);
  }
  std::ranges::sort(
      all, [](const LivePtr& a, const LivePtr& b) { return a->state()->spec->created > b->state()->spec->created; });
  return all;
}

bool Registry::name_taken(const std::string& name) const {
  std::shared_lock lock(mutex_);
  return id_by_name_.contains(name);
}

void Registry::reserve_name(const std::string& name, const std::string& id) {
  std::unique_lock lock(mutex_);
  auto [holder, added] = id_by_name_.emplace(name, id);
  if (!added)
    fail(Kind::kConflict, "Conflict. The container name \"/", name, "\" is already in use by container \"",
         holder->second, "\". You have to remove (or rename) that container to be able to reuse that name.");
}

void Registry::release_name(const std::string& name, const std::string& id) {
  std::unique_lock lock(mutex_);
  auto held = id_by_name_.find(name);
  if (held != id_by_name_.end() && held->second == id) id_by_name_.erase(held);
}

void Registry::add(LivePtr container) {
  std::unique_lock lock(mutex_);
  by_id_[container->id] = container;
}

void Registry::remove(const std::string& id) {
  std::unique_lock lock(mutex_);
  by_id_.erase(id);
  std::erase_if(id_by_name_, [&](const auto& entry) { return entry.second == id; });
}

}  // namespace hull::container
