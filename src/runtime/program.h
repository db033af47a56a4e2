// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "linux/credentials.h"
#include "linux/handshake.h"
#include "linux/lsm.h"
#include "linux/pty.h"
#include "runtime/failure.h"

namespace hull::runtime {

// What another program needs to be executed as this one will be.
struct LastMoment {
  const std::vector<std::string>& environment;
  std::function<void()> confine;  // in its own process: loads the filter (not one that an agent listens to)
};

// The last part of every start and exec: from a process that is in its namespaces and its root to the program.
struct Program {
  const oci::Process& process;
  const oci::Personality* personality = nullptr;
  const oci::MemoryPolicy* memory_policy = nullptr;
  linux::ExecLabel label{};
  std::string_view seccomp{};  // compiled; empty: none
  unsigned seccomp_flags = 0;
  bool seccomp_announces = false;  // the filter's descriptor has to be passed on through listener_channel()
  std::function<const linux::Handshake&()> listener_channel{};
  bool limits_are_set = false;  // by the parent, which may raise what a user namespace must not
  bool die_with_parent = false;
  // Made by somebody who is not root: not hidden from that user (linux::hide_from_others), and without a right to set
  // groups.
  bool rootless = false;
  unsigned preserve_fds = 0;
  // Called when nothing but the seccomp program, the last capabilities and execve are left to do.
  std::function<void(const LastMoment&)> before_exec{};
  // Whether the parent is still there, after PR_SET_PDEATHSIG: it may have died just before.
  std::function<bool()> parent_is_gone{};
};

inline linux::Groups groups_of(bool rootless) { return rootless ? linux::Groups::kMayStay : linux::Groups::kExactly; }

// Does not return. Throws what goes wrong; `progress` says where.
[[noreturn]] void become(const Program& program, Progress& progress);

// The process takes on the slave as controlling terminal and standard streams.
void take_terminal(const linux::Pty& pty, const oci::Process& process);

// The process's user gets the streams (those that are not -1), as the host's id that `mappings` say: in its user
// namespace nobody can. Without mappings or one for that user nothing happens.
void give_streams(const oci::Process& process, const std::vector<oci::IdMapping>& mappings,
                  std::initializer_list<int> streams);

// Writes /proc/<pid or self>/oom_score_adj.
void set_oom_score(const linux::Procfs& host, const std::string& process, int value);

}  // namespace hull::runtime
