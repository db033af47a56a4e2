// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "container/spec.h"

namespace hull::container {

// Names as a user may write them ("net_admin", "CAP_NET_ADMIN", "all") in full form ("CAP_NET_ADMIN", "ALL").
// Error{kInvalidArgument} for unknown ones, and for what this process does not have itself.
Strings full_capability_names(const std::optional<Strings>& names);

// Every capability that this process can give away.
Strings all_capabilities();

// What the processes of a container get: Docker's default fourteen, with CapAdd and CapDrop, or all of them when
// privileged; without those that this process does not have.
Strings container_capabilities(const HostConfig& host);

}  // namespace hull::container
