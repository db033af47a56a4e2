// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace hull::linux {

// What each thread of this process does: "1234 S poll_schedule_timeout" (id, state as in proc(5), and where in the
// kernel it waits, as far as that can be read), with its kernel stack where the kernel shows it.
std::vector<std::string> thread_states();

}  // namespace hull::linux
