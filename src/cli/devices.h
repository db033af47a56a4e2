// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "cli/value.h"

// The grammars of the flags that name devices, limits and policies. All throw Error{kInvalidArgument}.
namespace hull::cli {

// "/dev/a[:/dev/b][:rwm]" to a DeviceMapping.
Value parse_device(std::string_view text);
// "vendor.com/class=name": a device by its CDI name instead of its path.
bool is_cdi_name(std::string_view text);
// "all", "2", "device=0", "driver=x,count=1,…" to a DeviceRequest.
Value parse_gpus(std::string_view text);
// "/dev/sda:1mb" to a ThrottleDevice, and the same with a plain number.
Value parse_throttle_bytes(std::string_view text);
Value parse_throttle_operations(std::string_view text);
// "/dev/sda:200" to a WeightDevice.
Value parse_weight_device(std::string_view text);
// "nofile=1024[:2048]" to a Ulimit.
Value parse_ulimit(std::string_view text);
// "on-failure:3" to a RestartPolicy.
Value parse_restart_policy(std::string_view text);
// "1.5" processors to 1500000000.
std::int64_t parse_cpus(std::string_view text);
// "-1" or a size.
std::int64_t parse_swap(std::string_view text);

}  // namespace hull::cli
