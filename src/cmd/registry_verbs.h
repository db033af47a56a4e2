// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cli/flags.h"

// The verbs of hull-registry, which `hull registry` runs.
namespace hull::registry_verbs {

struct Verb {
  std::string_view name, synopsis, summary;
  int least, most;  // number of arguments; most -1: no limit
  std::span<const cli::Flag> flags;
  int (*run)(const cli::Options& options);  // the exit code; throws Error
};

int serve(const cli::Options& options);
int collect_garbage(const cli::Options& options);
int list(const cli::Options& options);
int remove(const cli::Options& options);

// --root, or where the registry of this user is.
std::string root_of(const cli::Options& options);

}  // namespace hull::registry_verbs
