// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "oci/runtime_config.h"

// Where and when the calling thread runs and which memory it gets. What is unknown to the kernel or to the
// specification is an Error{kInvalidArgument} that names the field; everything else throws errno.
namespace hull::linux {

void set_scheduler(const oci::Scheduler& scheduler);      // sched_setattr(2)
void set_io_priority(const oci::IoPriority& priority);    // ioprio_set(2)
void set_memory_policy(const oci::MemoryPolicy& policy);  // set_mempolicy(2); inherited over execve(2)

// The names of modes and flags that set_memory_policy() takes.
std::vector<std::string> memory_policy_modes();
std::vector<std::string> memory_policy_flags();

// Every processor that the control group allows: since Linux 6.2 a group does not take back what was set before.
void reset_cpu_affinity();
// sched_setaffinity(2) with a list like "0-3,7".
void set_cpu_affinity(const std::string& list, const std::string& field);

}  // namespace hull::linux
