// SPDX-License-Identifier: Apache-2.0
#include "container/persistent.h"

#include <array>

#include "container/spec_fields.h"
#include "oci/json.h"

namespace hull::container {

namespace {

constexpr std::array<std::string_view, 7> kStatusNames = {"created", "running",  "paused", "restarting",
                                                          "exited",  "removing", "dead"};

}  // namespace

std::string_view to_string(Status status) { return kStatusNames.at(static_cast<std::size_t>(status)); }

Status from_string(std::string_view text, std::type_identity<Status>) {
  for (std::size_t i = 0; i < kStatusNames.size(); ++i)
    if (kStatusNames[i] == text) return static_cast<Status>(i);
  fail_invalid("invalid container status ", quoted(text));
}

std::string encode_state(const State& state) {
  Persistent kept{state.status,        state.exit_code,           state.oom_killed,
                  state.error,         state.started.nanoseconds, state.finished.nanoseconds,
                  state.restart_count, state.manually_stopped,    state.mounts,
                  state.user_range};
  return dump_json(to_json(kept));
}

void decode_state(const std::string& json, State& state) {
  auto kept = from_json<Persistent>(parse_json(json));
  state.status = kept.status;
  state.exit_code = kept.exit_code;
  state.oom_killed = kept.oom_killed;
  state.error = kept.error;
  state.started = {kept.started};
  state.finished = {kept.finished};
  state.restart_count = kept.restart_count;
  state.manually_stopped = kept.manually_stopped;
  state.mounts = kept.mounts;
  state.user_range = kept.user_range;
}

std::string encode_spec(const Spec& spec) { return dump_json(to_json(spec)); }
Spec decode_spec(const std::string& json) { return from_json<Spec>(parse_json(json)); }

}  // namespace hull::container
