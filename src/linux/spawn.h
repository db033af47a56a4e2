// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace hull::linux {

struct Spawned {
  pid_t pid = -1;
  UniqueFd pidfd;
};

// Runs `program` without arguments, with `socket` as its descriptor 3 and /dev/null as its standard streams (it may
// outlive the caller, and must not keep the caller's pipes open). All signals are as at the start of a program, none is
// blocked. The memory of the caller is never copied (posix_spawn(3)), whatever its size and however many threads it
// has. The new process is a child of the caller, which has to reap it. `shown`: its name for whoever lists processes,
// when it is another one. Throws errno.
Spawned spawn_with_socket(const std::string& program, int socket, const std::string& shown = {});

// The same for `program` with one argument, and `from` and `to` as its input and output.
pid_t spawn_filter(const std::string& program, const std::string& argument, int from, int to);
// Runs `command`, a path and its arguments, with `variables` ("name=value") beside our environment, our standard
// streams, and `descriptors`, which keep their numbers. Signals as above.
pid_t spawn_passing(const std::vector<std::string>& command, const std::vector<std::string>& variables,
                    const std::vector<int>& descriptors);
// The same for `command`, a path and its arguments, with `socket` as its descriptor 3; its errors go where the caller's
// go.
pid_t spawn_command(const std::vector<std::string>& command, int socket);

}  // namespace hull::linux
