// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "oci/runtime_config.h"

// Devices in cgroup v2: a BPF program of type CGROUP_DEVICE is asked at each open and mknod.
namespace hull::linux {

// One rule in the kernel's terms. Empty numbers match all.
struct DeviceMatch {
  bool allow = false;
  std::uint32_t types = 0;   // bits 1 << BPF_DEVCG_DEV_BLOCK, 1 << BPF_DEVCG_DEV_CHAR
  std::uint32_t access = 0;  // bits BPF_DEVCG_ACC_MKNOD, _READ, _WRITE
  std::optional<std::uint32_t> major, minor;
};

// The OCI's rules, of which the last that fits decides, as a list of which the first that fits decides; ends
// with the implicit refusal left out. Rules for one device that give one kind of access each are put together.
// Throws Error{kInvalidArgument} for an unknown type or access letter.
std::vector<DeviceMatch> device_matches(const std::vector<oci::DeviceRule>& rules);

// The bytes of struct bpf_insn[]: gives 1 for what `matches` allow, 0 for all else.
std::string generate_device_program(const std::vector<DeviceMatch>& matches);

// Attaches the program of `rules` to the group `directory` (an open directory) and takes the programs off
// that were there. In this order, so that nobody goes unchecked in between. Throws errno.
void replace_device_program(int directory, const std::vector<oci::DeviceRule>& rules);

}  // namespace hull::linux
