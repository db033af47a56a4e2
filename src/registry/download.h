// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "archive/source.h"
#include "registry/hosts.h"

namespace hull::registry {

// The body of GET `url`, which may be of any server, over HTTP or HTTPS ("host/path" is HTTP), through the proxies of
// `options`. `begin` is told its length, -1 when it is not known, before the first piece. Error{kInvalidArgument} for
// what is no such URL; kNotFound, kUnauthorized, kForbidden, kInvalidArgument of the answers 404, 401, 403, 400;
// kUnavailable for all others, and for a connection that breaks; kCancelled; what `begin` and `sink` throw.
void download(const std::string& url, const Options& options, const std::function<void(std::int64_t size)>& begin,
              const archive::Sink& sink, const std::stop_token& stop);

}  // namespace hull::registry
