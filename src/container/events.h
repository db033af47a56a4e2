// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"

namespace hull::container {

struct Event {
  std::string type;    // container, image, network, volume, daemon
  std::string action;  // "start", "exec_create: sh -c …"
  std::string actor_id;
  std::map<std::string, std::string> attributes;
  Timestamp time;
};

// What happened, for everybody who listens. The last 256 events can be read again. publish() never waits for a
// reader: one that falls more than 4,096 events behind is cut off.
class Events {
 public:
  void publish(Event event);  // fills in the time when it is not set

  // Calls `each` for the past events with a time in [since, until] and, unless `until` is over, for new ones
  // until `until` or until `stop` is requested. Throws Error{kUnavailable} when cut off. `idle` (optional) is
  // called about once a second while nothing happens, so that the caller can notice a client that went away.
  void follow(std::optional<Timestamp> since, std::optional<Timestamp> until,
              const std::function<void(const Event&)>& each, std::stop_token stop,
              const std::function<void()>& idle = {});
  int listeners() const;

 private:
  struct Listener;
  mutable std::mutex mutex_;
  std::deque<Event> past_;
  std::vector<std::shared_ptr<Listener>> listeners_;
};

// An event of a volume: "create", "destroy", "mount", "unmount".
void publish_volume(Events& events, const std::string& name, std::string action,
                    std::map<std::string, std::string> attributes = {});

}  // namespace hull::container
