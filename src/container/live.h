// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "container/container.h"
#include "container/engine.h"
#include "shim/client.h"

namespace hull::container {

class HealthMonitor;

// One container, for those who change it. Readers take state() and never wait.
//
// Two locks, always in this order. `operation` lets one verb at a time start, remove, pause or update the
// container, and may be held for as long as that takes. `mutex` guards the fields below it, is held for
// moments only, and is all that an exit needs: a container can be killed, and can end, while a start of it is
// stuck in the kernel.
class Live {
 public:
  explicit Live(State initial) : id(initial.id), published_(std::make_shared<const State>(std::move(initial))) {}

  const std::string id;
  std::mutex operation;

  mutable std::mutex mutex;
  std::condition_variable_any changed;  // after every change of what `mutex` guards

  StatePtr state() const {
    std::scoped_lock lock(publication_);
    return published_;
  }

  // Publishes the state with `edit` applied. The caller does not hold `mutex`.
  template <class Edit>
  StatePtr change(Edit edit) {
    std::scoped_lock lock(mutex);
    return change_locked(edit);
  }
  template <class Edit>
  StatePtr change_locked(Edit edit) {
    auto next = std::make_shared<State>(*state());
    edit(*next);
    StatePtr shared = std::move(next);
    {
      std::scoped_lock lock(publication_);
      published_ = shared;
    }
    changed.notify_all();
    return shared;
  }

  // What belongs to the present run.
  std::uint64_t run = 0;      // counts starts: callbacks of an earlier run are ignored
  bool starting = false;      // between the decision to start and its result
  bool tearing_down = false;  // the last run has ended, and what it had is being removed
  std::shared_ptr<shim::Client> shim;
  std::shared_ptr<UniqueFd> pidfd;
  std::string run_directory;                   // <exec-root>/containers/<id>.<run>
  std::optional<shim::ExitRecord> early_exit;  // it ended before start() had come to its end
  bool out_of_memory = false;
  std::uint64_t log_writes = 0;  // counted only while somebody follows the log

  // For waiters.
  std::uint64_t exits = 0;  // how often it has ended
  bool removed = false;

  // What the next exit does.
  bool no_restart = false;     // somebody asked for the end (stop, kill)
  int restarting_by_hand = 0;  // calls of restart() under way: no automatic removal in between
  std::uint64_t restart_timer = 0;
  int backoff_step = 0;

  std::vector<shim::Stream> pending_streams;  // attached before the start
  int attaching = 0;                          // clients that have been promised a stream, which is not in the list yet

  std::shared_ptr<HealthMonitor> health_monitor;  // while it runs (not paused) and has a health check

  std::mutex persistence;  // orders writes of the state to the database

 private:
  // Guards the pointer alone, for one copy of it. (GCC 12's std::atomic<std::shared_ptr> is the same with a spinning
  // lock that ThreadSanitizer cannot see.)
  mutable std::mutex publication_;
  StatePtr published_;
};
using LivePtr = std::shared_ptr<Live>;

// All containers by id and name. Lookups take a shared lock for moments.
class Registry {
 public:
  // Full id, exact name (a leading "/" is fine) or unique id prefix. Throws as the head of engine.h says.
  LivePtr get(std::string_view name) const;
  LivePtr find(std::string_view name) const;  // nullptr instead of kNotFound; ambiguity still throws
  std::vector<LivePtr> list() const;          // newest first
  bool name_taken(const std::string& name) const;

  // Error{kConflict} in Docker's words when the name is taken.
  void reserve_name(const std::string& name, const std::string& id);
  void release_name(const std::string& name, const std::string& id);  // only when `id` holds it
  void add(LivePtr container);
  void remove(const std::string& id);

 private:
  mutable std::shared_mutex mutex_;
  std::map<std::string, LivePtr> by_id_;
  std::map<std::string, std::string> id_by_name_;
};

}  // namespace hull::container
