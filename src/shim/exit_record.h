// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "shim/client.h"

namespace hull::shim {

// Writes <directory>/exit: one line "code oom-killed nanoseconds", whole or not at all. Not synced to the disk: the
// exec root does not outlive the machine's uptime, and neither do the processes that it speaks of. Throws errno.
void write_exit_record(const std::string& directory, const ExitRecord& record);

}  // namespace hull::shim
