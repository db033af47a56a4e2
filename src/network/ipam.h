// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "network/network.h"
#include "network/subnet.h"

namespace hull::network {

// Everything that is wrong with the addresses that somebody wants for a network, in Docker's words; none: all is well.
std::vector<std::string> ipam_problems(const Network& wish);

// Completes `wish`: a subnet for each family that has none, out of `sources` and beside what the host and `own`
// networks have; gateways where none is named and one is of use. `taken` by others is refused: Error{kForbidden} "Pool
// overlaps with …".
void choose_addresses(Network& wish, const std::vector<PoolSource>& sources, const std::vector<Subnet>& own);

}  // namespace hull::network
