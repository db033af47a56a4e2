// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/rollback.h"
#include "linux/foreground.h"
#include "runtime_state.h"

// What create, run and restore have in common: from a command line to a container that is written down.
namespace hull::runtime_cli {

extern const std::vector<Flag> kCreateFlags;

// A container whose first process stands.
struct Created {
  Container container;
  std::optional<linux::ProcessLock> lock;
  std::unique_ptr<runtime::Init> init;
};

// The configuration of the bundle that the command line names, and what follows from it. Throws Error{kInvalidArgument}
// naming the field for a configuration that is not one.
Container container_of(const Globals& globals, const Arguments& arguments);
// Refuses --console-socket without a terminal, and the other way round, as runc does.
void check_terminal(bool terminal, bool detach, const Arguments& arguments);
runtime::StartOptions start_options(const Globals& globals, const Container& container, const Arguments& arguments);
// Writes down the container of `made.init`; state.json, --pid-file, --pidfd-socket and --console-socket, in this order.
void write_down(const Globals& globals, Created& made, const Arguments& arguments);
// Stays in front of the process until it ends; gives its exit code. The container is gone then, unless --keep.
int stay(const Globals& globals, Created& made, const Arguments& arguments, linux::Aside aside = {});

}  // namespace hull::runtime_cli
