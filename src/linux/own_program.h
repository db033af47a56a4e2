// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/unique_fd.h"

namespace hull::linux {

// For programs of the host whose process goes into containers: what is there can get at the program's file through
// /proc/<pid>/exe, keep it open and write to it once nobody executes it. So the calling process executes itself again
// from a read-only mount of its file that is in nobody's mount table, with the same arguments and environment; nothing
// happens when it is there already. Where the kernel does not let us mount (no root), it copies itself into a sealed
// file in memory. Throws errno when neither can be had.
void execute_from_read_only_copy(char** arguments);

// The same for a program that the caller starts: its file on such a mount, to be executed as /proc/self/fd/<number> (10
// or higher). Invalid where the kernel does not let us mount.
UniqueFd read_only_program(const std::string& path);

}  // namespace hull::linux
