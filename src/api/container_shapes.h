// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "api/json_reply.h"
#include "base/clock.h"
#include "container/container.h"

// The JSON of containers, as Docker's clients read it.
namespace hull::api {

// `GET /containers/{id}/json`, without SizeRw and SizeRootFs.
JsonValue inspect_shape(const container::State& state, const Call& call);
// One entry of `GET /containers/json`.
JsonValue summary_shape(const container::State& state, const Call& call, Timestamp now);
// "Up 5 minutes (healthy)", "Exited (0) 2 hours ago".
std::string status_text(const container::State& state, Timestamp now);
// "About a minute" and the like, from seconds.
std::string human_duration(std::int64_t seconds);

// What clients are told is running: also what waits to be restarted.
inline bool counts_as_running(const container::State& state) {
  return state.status == container::Status::kRunning || state.status == container::Status::kPaused ||
         state.status == container::Status::kRestarting;
}

}  // namespace hull::api
