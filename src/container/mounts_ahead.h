// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>

#include "linux/background.h"
#include "linux/detached_mount.h"
#include "linux/reactor.h"
#include "store/snapshots.h"

namespace hull::container {

// Root file systems of containers that were just created, mounted while their client is still asking for the start:
// `run` is two requests, and the mount is half a millisecond of the second. For those with --rm: they are mounted
// volatile, and what nobody starts is let go again without the kernel writing the disk's caches back. Thread-safe.
class MountsAhead {
 public:
  MountsAhead(linux::Reactor& reactor, store::Snapshots& snapshots) : snapshots_(snapshots), background_(reactor) {}

  void begin(const std::string& id);  // in the background; let go after two to four seconds
  // The mount of the container, waiting for one that is being made; none when there is none (any more).
  linux::DetachedMount take(const std::string& id);
  void drop(const std::string& id);  // the same, and unmounted in the background

 private:
  struct Ahead {
    bool ready = false;
    std::chrono::steady_clock::time_point made;
    linux::DetachedMount mount;
  };
  void make(const std::string& id);
  void sweep();

  store::Snapshots& snapshots_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Ahead> ahead_;
  bool sweeping_ = false;  // a sweep is to come
  linux::Background background_;
};

}  // namespace hull::container
