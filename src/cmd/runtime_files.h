// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>

#include "runtime_arguments.h"

namespace hull::runtime_cli {

// Absolute, without "." and "..", whatever is on the disk.
std::string absolute_path(const std::string& path);
// Atomically; nothing for an empty path.
void write_pid_file(const std::string& path, pid_t pid);
// How many of descriptors 3, 4, … --preserve-fds wants; all of them must be open. Throws Error{kInvalidArgument}.
unsigned preserved_descriptors(const Arguments& arguments);
// Of an id, as /etc/passwd has it; "#<uid>" for one that is not there.
std::string user_name(uid_t uid);

}  // namespace hull::runtime_cli
