// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "runtime/hooks.h"

namespace hull::runtime {

// Who gets the descriptor on which a seccomp filter announces calls (linux.seccomp.listenerPath), and what it is told.
struct SeccompReceiver {
  std::string path;  // of a listening Unix socket; empty: the filter announces nothing
  std::string metadata;
  HookState state;
  pid_t pid = 0;  // of the process with the filter
};
// What the configuration of a container says about it.
SeccompReceiver receiver_of(const std::optional<oci::Seccomp>& profile, HookState state);

}  // namespace hull::runtime
