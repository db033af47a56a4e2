// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// Facts about the machine that clients show to people.
namespace hull::api {

std::uint64_t total_memory();  // bytes, /proc/meminfo; read once
std::string kernel_version();  // "6.1.0-18-amd64"
std::string host_name();
struct OperatingSystem {
  std::string name, version;  // "Debian GNU/Linux 12 (bookworm)", "12"
};
OperatingSystem operating_system();       // os-release(5)
std::string_view machine_architecture();  // as uname -m: "x86_64"
std::string_view go_architecture();       // as Go and OCI name it: "amd64"

}  // namespace hull::api
