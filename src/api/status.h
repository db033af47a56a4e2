// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"

namespace hull::api {

// The HTTP status of an error: the one table of them.
int status_of(Kind kind);

// Refuses, in Docker's words, what only a manager of a swarm could do.
[[noreturn]] void fail_without_swarm();

}  // namespace hull::api
