// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "oci/runtime_config.h"

namespace hull::runtime {

// The state of a container as its hooks get it on standard input (runtime-spec, runtime.md#state).
struct HookState {
  std::string id, status, bundle;  // status: creating, created, running, stopped
  pid_t pid = 0;
  std::map<std::string, std::string> annotations;
};

// Runs hooks in order; the first that fails is thrown as Error{kInternal} with its number and `kind`, the name of its
// list in config.json. For poststart and poststop, which belong to whoever starts and deletes a container: start() runs
// the others. `confine` is called in each hook's process right before it is executed.
void run_hooks(std::string_view kind, const std::vector<oci::Hook>& hooks, const HookState& state,
               const std::function<void()>& confine = {});
// Runs all of them, whatever becomes of the others; gives a sentence for each that has failed, for the caller to warn
// with, as the specification wants it of poststop.
[[nodiscard]] std::vector<std::string> run_every_hook(const std::vector<oci::Hook>& hooks, const HookState& state);

}  // namespace hull::runtime
