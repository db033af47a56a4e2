// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "cli/client.h"

// `hull push IMAGE ssh://user@host` and `hull pull ssh://user@host/IMAGE`: images straight between two engines. The far
// one is reached as by `hull -H ssh://user@host`: what goes through the connection is its API, and only such layers as
// the receiver lacks.
namespace hull::cli {

inline constexpr std::string_view kSshScheme = "ssh://";

// "ssh://user@host:22/name:tag" to the host and the image. Error{kInvalidArgument} when one is missing.
std::pair<std::string, std::string> split_ssh_image(const std::string& text);

// Brings the image from one engine to the other. A connection that breaks is made again, and the layer goes on where it
// broke off; so does a later call within an hour. What happens is shown on `out`, unless `quiet`. `verb`: "Push" or
// "Pull", for that.
void deliver(Client& from, Client& to, const std::string& image, std::string_view verb, int out, bool quiet);

}  // namespace hull::cli
