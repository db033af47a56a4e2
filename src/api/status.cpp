// SPDX-License-Identifier: Apache-2.0
#include "api/status.h"

namespace hull::api {

int status_of(Kind kind) {
  switch (kind) {
    case Kind::kInternal: return 500;
    case Kind::kInvalidArgument: return 400;
    case Kind::kUnauthorized: return 401;
    case Kind::kForbidden: return 403;
    case Kind::kNotFound: return 404;
    case Kind::kConflict: return 409;
    case Kind::kNotModified: return 304;
    case Kind::kNotImplemented: return 501;
    case Kind::kUnavailable: return 503;
    case Kind::kCancelled: return 499;
  }
  return 500;
}

void fail_without_swarm() {
  fail(Kind::kUnavailable,
       "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this node to "
       "swarm and try again.");
}

}  // namespace hull::api
