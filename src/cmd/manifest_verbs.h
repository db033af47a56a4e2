// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/flags.h"

// The verbs of hull-manifest, which `hull manifest` runs: the docker CLI's, word for word, and `referrers`.
namespace hull::manifest_verbs {

int annotate(const cli::Options& options);
int create(const cli::Options& options);
int inspect(const cli::Options& options);
int push(const cli::Options& options);
int referrers(const cli::Options& options);
int remove(const cli::Options& options);

}  // namespace hull::manifest_verbs
