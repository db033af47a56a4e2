// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace hull::linux {

// The rules of the table "filter" of x_tables (iptables-legacy), as the kernel has them, when it drops forwarded
// packets that no rule accepts, by its policy or by a rule without a condition. Empty when it does not, or when the
// table is not in use: asking would bring it into being.
std::optional<std::string> legacy_rules_that_drop_forwarded(bool is_v6);

}  // namespace hull::linux
