// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <optional>

#include "base/unique_fd.h"

// Descriptors of processes; pidfd_open(2).
namespace hull::linux {

// Empty when there is no such process (any more). Throws errno otherwise.
std::optional<UniqueFd> open_pidfd(pid_t pid);
// False when the process is gone. Throws errno otherwise.
bool signal_pidfd(int pidfd, int signal);
// True when the process has ended, reaped or not. Waits at most `timeout_ms` for that (-1: for ever).
bool pidfd_ended(int pidfd, int timeout_ms = 0);
// A copy of the descriptor `number` of that process; pidfd_getfd(2). Throws errno.
UniqueFd descriptor_of(int pidfd, int number);
// Reaps the process if it is an ended child of the caller: its wait status. Empty otherwise.
std::optional<int> reap_pidfd(int pidfd);

}  // namespace hull::linux
