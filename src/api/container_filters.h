// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "api/call.h"
#include "container/container.h"

namespace hull::api {

// Whether `GET /containers/json` with this query shows a container (limits aside).
std::function<bool(const container::State&)> container_filter(const Call& call);
// The same for `POST /containers/prune`: label, label!, until.
std::function<bool(const container::State&)> container_prune_filter(const Call& call);

}  // namespace hull::api
