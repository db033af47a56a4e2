// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <set>

namespace hull::linux {

// Makes the connection tracker forget the flows of UDP to these ports of this host, of both families. A flow that goes
// on keeps its translation otherwise, to a container that has gone. Nothing when the kernel has no tracker; throws
// errno.
void forget_udp_flows(const std::set<std::uint16_t>& destination_ports);

}  // namespace hull::linux
