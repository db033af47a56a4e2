// SPDX-License-Identifier: Apache-2.0
#include "container/mounts_ahead.h"

#include <chrono>
#include <memory>

#include "base/error.h"

namespace hull::container {

namespace {

constexpr std::chrono::seconds kPatience{2};  // for the start that belongs to the create
constexpr std::size_t kMost = 64;

}  // namespace

void MountsAhead::begin(const std::string& id) {
  {
    std::lock_guard lock(mutex_);
    if (ahead_.size() >= kMost) return;
    ahead_[id];
  }
  background_.run([this, id] { make(id); });
}

void MountsAhead::make(const std::string& id) {
  linux::DetachedMount mount;
  try {
    mount = snapshots_.mount(id, true);
  } catch (const Error&) {
    // The start tries again, and says what is wrong.
  }
  {
    std::lock_guard lock(mutex_);
    Ahead& ahead = ahead_.at(id);
    ahead.mount = std::move(mount);
    ahead.ready = true;
  }
  changed_.notify_all();
  background_.run_after(kPatience, [this, id] { take(id); });
}

linux::DetachedMount MountsAhead::take(const std::string& id) {
  std::unique_lock lock(mutex_);
  auto found = ahead_.end();
  changed_.wait(lock, [&] {
    found = ahead_.find(id);
    return found == ahead_.end() || found->second.ready;
  });
  if (found == ahead_.end()) return {};
  linux::DetachedMount mount = std::move(found->second.mount);
  ahead_.erase(found);
  return mount;
}

void MountsAhead::drop(const std::string& id) {
  auto mount = std::make_shared<linux::DetachedMount>(take(id));
  if (*mount) background_.run([mount] {});
}

}  // namespace hull::container
