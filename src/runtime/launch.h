// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>

#include "linux/child.h"
#include "linux/handshake.h"
#include "runtime/failure.h"

// Cloning a process that sets itself up, and hearing from it how far it came.
namespace hull::runtime {

// What the two sides tell each other, one byte each.
enum class Tell : char {
  kCloned = 'P',    // helper: pid and number of the pidfd, as text
  kGo = 'G',        // parent: continue (with the pid, where hooks need it)
  kConsole = 'C',   // child: the terminal's master is attached
  kDevices = 'D',   // child: the network namespace is there, move devices in and tell me
  kHooks = 'H',     // child: everything is mounted, run your hooks and tell me
  kReady = 'R',     // child: waiting right before execve
  kListener = 'L',  // child: the number of the descriptor on which its filter announces calls; it waits for any answer
  kFailure = 'F',   // child: an encoded Failure; it ends after this
};

struct Launched {
  linux::Child child;
  linux::Handshake channel;
  UniqueFd console;
};

struct Launch {
  Phase phase = Phase::kInit;
  std::uint64_t flags = 0;  // of clone3
  int cgroup = -1;          // CLONE_INTO_CGROUP
  // Runs in a helper process of its own, which then clones a sibling of itself: for namespaces that only the children
  // of whoever enters them are in (pid, time), and for entering what the caller must not (user). Empty: no helper.
  std::function<void(Progress&)> prepare;
  // Runs in the new process and ends in execve. What it throws reaches the caller as Failure.
  std::function<void(linux::Handshake& channel, Progress& progress)> body;
};
Launched launch(const Launch& what);

// Hears the child until it has executed its program (true) or is held before that (false). `act` does what the child
// asks for (kDevices, kHooks); `receiver` gets the descriptor of its filter. Throws StartError.
using Act = std::function<void(Tell what)>;
bool await_program(Launched& launched, const Act& act, const SeccompReceiver& receiver, Phase phase);

// Passes on the descriptor `number` of the process behind `pidfd`, where a filter announces calls. Throws errno.
void pass_on_listener(int pidfd, std::string_view number, const SeccompReceiver& receiver);

// Waits for the kGo of the other side; gives its text. Ends the process when there is nobody any more.
std::string await_go(const linux::Handshake& channel);

inline void tell(const linux::Handshake& channel, Tell what, std::string_view text = {}, int descriptor = -1) {
  channel.send(static_cast<char>(what), text, descriptor);
}

}  // namespace hull::runtime
