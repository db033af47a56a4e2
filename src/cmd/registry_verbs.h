// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "cli/flags.h"

// The verbs of hull-registry, which `hull registry` runs.
namespace hull::registry_verbs {

int serve(const cli::Options& options);
int collect_garbage(const cli::Options& options);
int list(const cli::Options& options);
int remove(const cli::Options& options);

// --root, or where the registry of this user is.
std::string root_of(const cli::Options& options);

}  // namespace hull::registry_verbs
