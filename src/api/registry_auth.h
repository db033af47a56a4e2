// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/call.h"
#include "image/transfer.h"
#include "registry/hosts.h"

namespace hull::api {

// X-Registry-Auth: JSON in base64 for URLs. What cannot be read counts as nothing, as with Docker.
registry::Credentials credentials_of(const Call& call);
// X-Registry-Config of a build: the same for each registry by its name ("docker.io" has an older one, too).
registry::Credentials credentials_of_build(const Call& call, const std::string& domain);
// What the configuration says about registries.
registry::Options registry_options(const Call& call);
image::TransferOptions transfer_options(const Call& call, int at_once);

}  // namespace hull::api
