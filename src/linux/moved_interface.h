// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace hull::linux {

// Moves the interface `name` of the calling process's network namespace into the one behind `network_namespace`, where
// it is called `new_name` (may end in "%d": the kernel finds a number), has its permanent addresses of global scope
// again, and is up. When that fails half-way, it is back with its old name; the addresses are not. Throws
// Error{kNotFound} when there is no such interface, errno with its name otherwise (EEXIST: the name is taken).
void move_interface(const std::string& name, const std::string& new_name, int network_namespace);

}  // namespace hull::linux
