// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "registry/authorizer.h"
#include "registry/hosts.h"

namespace hull::registry {

struct Found {
  std::string name, description;
  std::int64_t stars = 0;
  bool official = false, automated = false;
};

// Repositories that `term` fits, as Docker Hub's old API finds them (GET /v1/search); few other registries have it.
// Errors as in Repository.
std::vector<Found> search(const std::string& domain, const std::string& term, int limit, const Options& options,
                          const Credentials& credentials, const std::stop_token& stop);

}  // namespace hull::registry
