// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "container/spec.h"
#include "network/endpoint.h"

namespace hull::container {

// The one state of a container. Docker's booleans (Running, Paused, Restarting, Dead) are derived from it.
//
//   created ──start──▶ running ◀──▶ paused
//      │                  │  ▲
//      │                exit └─restart policy─ restarting
//      ▼                  ▼                        │
//   removing ◀───────── exited ◀───────────────────┘
//      └▶ dead (could not be removed)
enum class Status : unsigned char { kCreated, kRunning, kPaused, kRestarting, kExited, kRemoving, kDead };
std::string_view to_string(Status status);  // Docker's words: "created", …
Status from_string(std::string_view text, std::type_identity<Status>);

struct MountPoint {
  std::string type, name, source, destination, driver, mode, propagation;
  bool rw = true;
};

// Ids of the host, from `uid` and `gid` on; size 0: none.
struct UserRange {
  std::uint32_t uid = 0, gid = 0, size = 0;
};

struct HealthResult {
  Timestamp start, end;
  int exit_code = 0;
  std::string output;
};

struct Health {
  std::string status;  // starting, healthy, unhealthy
  int failing_streak = 0;
  std::vector<HealthResult> log;
};

// An immutable picture of a container at one moment. Readers (ps, inspect, filters) look at nothing else and
// never wait.
struct State {
  std::string id, name;
  std::shared_ptr<const Spec> spec;
  Status status = Status::kCreated;
  pid_t pid = 0;
  int exit_code = 0;
  bool oom_killed = false;
  std::string error;  // of the last start that failed
  Timestamp started, finished;
  int restart_count = 0;
  bool manually_stopped = false;
  std::optional<Health> health;
  std::vector<MountPoint> mounts;
  UserRange user_range;          // its own, while it exists; with UsernsMode "private"
  network::Endpoints endpoints;  // only while running
  std::vector<std::string> running_execs;
  std::string log_path, resolv_conf_path, hostname_path, hosts_path;
  std::string cgroup_path;
  std::string seccomp_profile, apparmor_profile;
};
using StatePtr = std::shared_ptr<const State>;

// The names that other containers of a network of the user know it by.
Strings dns_names(const State& state, const EndpointSettings& settings);

}  // namespace hull::container
