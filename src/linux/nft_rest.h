// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "linux/nftables.h"

namespace hull::linux {

// The rest of a chain: packets that no rule with a condition decides about. Follows the rules without one, and the
// chains that they lead to. Gives the name of the chain that drops or rejects the rest, `chain` or one behind it; empty
// when the rest comes through, or is left to the policy.
std::optional<std::string> nft_chain_that_drops_the_rest(NetlinkSocket& socket, const NftChain& chain);

}  // namespace hull::linux
