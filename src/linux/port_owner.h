// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "linux/ip_address.h"

namespace hull::linux {

// "nginx (process 123)": who has that port of this network namespace (protocol tcp or udp), at that address or at all
// of the family's. "" when it cannot be found out. Slow: it looks at the descriptors of every process.
std::string port_owner(std::string_view protocol, const IpAddress& address, std::uint16_t port);

}  // namespace hull::linux
