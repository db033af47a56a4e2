// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hull::container {

// What a configuration has to know of the machine and of the rights of this process, read once.
struct MachineFacts {
  int cpus = 1;                        // that this process may use
  std::string cpu_list, memory_nodes;  // "0-3,8": what containers may be pinned to
  std::uint64_t capabilities = 0;      // bounding set: bit n is capability n
  bool apparmor = false;
  bool apparmor_default_profile = false;            // "docker-default" is loaded
  bool recursive_read_only = false;                 // mount_setattr(2), Linux 5.12
  std::vector<std::string> thermal_throttle_paths;  // one per cpu that has it
};
const MachineFacts& machine_facts();

// "0-3,8" to a sorted list without duplicates. Error{kInvalidArgument} for anything else; "" gives none.
std::vector<int> parse_number_list(std::string_view text);

}  // namespace hull::container
