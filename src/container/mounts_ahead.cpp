// SPDX-License-Identifier: Apache-2.0
#include "container/mounts_ahead.h"

#include <chrono>
#include <memory>
#include <utility>
#include <vector>

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
  bool first;
  {
    std::lock_guard lock(mutex_);
    Ahead& ahead = ahead_.at(id);
    ahead.mount = std::move(mount);
    ahead.made = std::chrono::steady_clock::now();
    ahead.ready = true;
    first = !std::exchange(sweeping_, true);
  }
  changed_.notify_all();
  // One timer for all of them: one for each would wake a thread for each.
  if (first) background_.run_after(kPatience, [this] { sweep(); });
}

void MountsAhead::sweep() {
  std::vector<linux::DetachedMount> old;
  bool again;
  {
    std::lock_guard lock(mutex_);
    auto limit = std::chrono::steady_clock::now() - kPatience;
    for (auto at = ahead_.begin(); at != ahead_.end();) {
      bool keep = !at->second.ready || at->second.made > limit;
      if (!keep) old.push_back(std::move(at->second.mount));
      at = keep ? std::next(at) : ahead_.erase(at);
    }
    again = sweeping_ = !ahead_.empty();
  }
  if (again) background_.run_after(kPatience, [this] { sweep(); });
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
