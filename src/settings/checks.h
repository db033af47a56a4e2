// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "settings/settings.h"

namespace hull::settings {

// Throws Error{kInvalidArgument} for values without sense, for combinations that exclude each other, and for options
// that must not be ignored and cannot be followed. Fills in what follows from other options (--tlsverify is --tls).
void check(Settings& settings);

}  // namespace hull::settings
