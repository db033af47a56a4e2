// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oci/runtime_config.h"

namespace hull::linux {

// RLIMIT_* of "RLIMIT_NOFILE"; empty for an unknown one.
std::optional<int> rlimit_number(std::string_view type);

// prlimit(2); pid 0 is the calling process. Error{kInvalidArgument} that names the ulimit, its value and the reason.
void set_rlimit(pid_t pid, const oci::Rlimit& limit);

}  // namespace hull::linux
