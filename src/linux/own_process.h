// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>

// What a process can change about itself. For single-threaded programs at their start.
namespace hull::linux {

void close_descriptors_from(int first) noexcept;  // close_range(2)
void lower_own_priority() noexcept;               // the nicest there is, and the idle class for disks
void start_session() noexcept;                    // setsid(2); fine when it leads one already
void set_own_name(const char* name) noexcept;     // PR_SET_NAME: what ps(1) calls it
void become_subreaper();                          // PR_SET_CHILD_SUBREAPER. Throws errno

// /proc/self/oom_score_adj.
int oom_score_adjustment();
// False when it is not permitted (a value below the present one needs CAP_SYS_RESOURCE).
bool set_oom_score_adjustment(int value);

// Makes `signals` do nothing, by an empty handler: unlike "ignored", that does not go on to executed programs.
void disarm_signals(std::span<const int> signals);
// Has SIGCHLD make the descriptor readable (an eventfd). Nothing is blocked, so executed programs see none of it.
int notify_of_ended_children();
void clear_ended_children() noexcept;

// SIGKILL for all processes of the group that `leader` leads: a child of the caller that has not been reaped.
void kill_process_group(pid_t leader) noexcept;

struct EndedChild {
  pid_t pid = 0;
  int wait_status = 0;
};
// Reaps one ended child, whichever; waitpid(-1, WNOHANG). Empty when there is none.
std::optional<EndedChild> reap_any_child();

}  // namespace hull::linux
