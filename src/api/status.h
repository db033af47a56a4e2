// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"

namespace hull::api {

// The HTTP status of an error: the one table of them.
int status_of(Kind kind);

}  // namespace hull::api
