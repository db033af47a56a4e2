// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>

#include "container/engine.h"

namespace hull::build {

// What all builds of one engine share.
class Shared {
 public:
  Shared(container::Engine& with, std::string data, std::string exec)
      : engine(with), data_root(std::move(data)), exec_root(std::move(exec)) {}

  container::Engine& engine;
  const std::string data_root, exec_root;
  container::Services& services() const { return engine.services(); }

  // Held while something with that name is worked on: the same step of two builds is done once, a cache mount with
  // sharing=locked is used by one RUN. Throws Error{kCancelled} after `stop`.
  class Hold {
   public:
    Hold(Shared& shared, std::string name, const std::stop_token& stop);
    ~Hold();
    Hold(const Hold&) = delete;

   private:
    Shared& shared_;
    std::string name_;
  };

  // Records that running builds count on: not to be pruned.
  void keep(const std::string& key);
  void let_go(const std::set<std::string>& keys);
  bool is_kept(const std::string& key);

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::set<std::string> held_;
  std::multiset<std::string> kept_;
};

}  // namespace hull::build
