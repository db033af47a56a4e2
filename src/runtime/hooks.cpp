// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"
#include "linux/child.h"
#include "runtime/state_json.h"

namespace hull::runtime {

namespace {

void run_hook(const oci::Hook& hook, const std::string& state, const std::function<void()>& confine = {}) {
  linux::run_with_input(hook.path, hook.args, hook.env, state, hook.timeout.value_or(0), confine);
}

}  // namespace

void run_hooks(std::string_view kind, const std::vector<oci::Hook>& hooks, const HookState& state,
               const std::function<void()>& confine) {
  if (hooks.empty()) return;
  std::string json = state_json(state);
  for (std::size_t number = 0; number < hooks.size(); ++number) {
    try {
      run_hook(hooks[number], json, confine);
    } catch (const Error& e) {
      throw e.within(cat("error running ", kind, " hook #", number));
    }
  }
}

std::vector<std::string> run_every_hook(const std::vector<oci::Hook>& hooks, const HookState& state) {
  std::vector<std::string> failures;
  if (hooks.empty()) return failures;
  std::string json = state_json(state);
  for (const auto& hook : hooks) {
    try {
      run_hook(hook, json);
    } catch (const Error& e) {
      failures.push_back(cat("a hook failed: ", e.message()));
    }
  }
  return failures;
}

}  // namespace hull::runtime
