// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace hull::linux {

// Which limits the control groups of this machine can enforce. What is false here is discarded with a warning
// when a container asks for it.
struct LimitSupport {
  bool memory = false, memory_reservation = false, swap = false, swappiness = false, oom_kill_disable = false,
       kernel_memory_tcp = false;
  bool cpu_shares = false, cpu_quota = false, cpu_realtime = false, cpuset = false;
  bool pids = false;
  bool block_weight = false, block_weight_device = false, block_throttle = false;
  bool devices = false;
};

// Read once per process.
const LimitSupport& limit_support();

}  // namespace hull::linux
