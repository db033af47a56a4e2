// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/fields.h"
#include "container/container.h"

namespace hull::container {

template <class Visitor>
void fields(Visitor& visit, MountPoint& value) {
  visit("Type", value.type);
  visit("Name", value.name, WhenEmpty::kOmit);
  visit("Source", value.source);
  visit("Destination", value.destination);
  visit("Driver", value.driver, WhenEmpty::kOmit);
  visit("Mode", value.mode);
  visit("RW", value.rw);
  visit("Propagation", value.propagation);
}

template <class Visitor>
void fields(Visitor& visit, UserRange& value) {
  visit("uid", value.uid, WhenEmpty::kOmit);
  visit("gid", value.gid, WhenEmpty::kOmit);
  visit("size", value.size, WhenEmpty::kOmit);
}

// The part of a container's state that the database keeps: what nothing else could tell after a crash. What
// runs is found out from the shims.
struct Persistent {
  Status status = Status::kCreated;
  int exit_code = 0;
  bool oom_killed = false;
  std::string error;
  std::int64_t started = 0, finished = 0;  // nanoseconds
  int restart_count = 0;
  bool manually_stopped = false;
  std::vector<MountPoint> mounts;
  UserRange user_range;
};
template <class Visitor>
void fields(Visitor& visit, Persistent& value) {
  visit("status", value.status);
  visit("exitCode", value.exit_code);
  visit("oomKilled", value.oom_killed);
  visit("error", value.error, WhenEmpty::kOmit);
  visit("started", value.started);
  visit("finished", value.finished);
  visit("restartCount", value.restart_count);
  visit("manuallyStopped", value.manually_stopped);
  visit("mounts", value.mounts);
  visit("userRange", value.user_range, WhenEmpty::kOmit);
}

// JSON of the database's two columns, and back. Implemented in one file, because it needs the JSON library.
std::string encode_state(const State& state);
void decode_state(const std::string& json, State& state);
std::string encode_spec(const Spec& spec);
Spec decode_spec(const std::string& json);

}  // namespace hull::container
