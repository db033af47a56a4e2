// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

// The network part of the floor: raw rtnetlink, one message or one batch per step.
namespace floor_bench {

// A bridge with 10.213.0.1/16, up. Removed with remove_link().
void make_bridge(const std::string& name);
void remove_link(const std::string& name);

// A veth pair whose host end is up on the bridge and whose peer is born as eth0 in the namespace of `pid`.
void make_veth(const std::string& host_name, const std::string& bridge, int network_namespace);
// Inside a namespace: lo and eth0 up, 10.213.x.y/16, default route; one batch.
void set_up_inside(unsigned host_part);

}  // namespace floor_bench
