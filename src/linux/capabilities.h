// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hull::linux {

// Capabilities as bits, CAP_CHOWN the lowest.
using CapabilitySet = std::uint64_t;

// The bit of "CAP_CHOWN" (any case, prefix optional); empty for a name this release does not know.
std::optional<CapabilitySet> capability_bit(std::string_view name);
// The sum of the names; unknown ones are left out, as runc does.
CapabilitySet capability_set(const std::vector<std::string>& names);
// Every name, in the kernel's order.
std::vector<std::string> all_capability_names();
// What the calling process may use at most. Throws errno.
CapabilitySet permitted_capabilities();

// Takes all others out of the bounding set.
void limit_bounding_set(CapabilitySet kept);
// capset(2) for the calling process.
void set_capabilities(CapabilitySet effective, CapabilitySet permitted, CapabilitySet inheritable);
// Exactly these; they have to be permitted and inheritable.
void set_ambient_capabilities(CapabilitySet ambient);

inline constexpr CapabilitySet kCapSysAdmin = CapabilitySet{1} << 21;

}  // namespace hull::linux
