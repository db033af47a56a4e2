// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "api/call.h"
#include "container/spec.h"

namespace hull::api {

// What a client of the version of `call` means by the container that it describes: fields that its version does not
// have are taken out or refused, defaults that were others then are filled in. Throws Error{kInvalidArgument} in
// Docker's words; gives the warnings that belong into the answer.
std::vector<std::string> adapt_to_version(container::Spec& spec, const Call& call);

}  // namespace hull::api
