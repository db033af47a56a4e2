// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace hull::container {

// Where a program of the host is, by its name: in the directories that root looks in. A path stays as it is. Empty when
// it is in none of them.
std::optional<std::string> find_host_program(const std::string& name);
// The same for criu. Throws Error{kInternal} when it is not there.
std::string find_criu();

}  // namespace hull::container
