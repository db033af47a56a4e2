// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "cli/client.h"

namespace hull::cli {

// "/containers/<name>/json?size=1". A name is what the user typed: it goes into the path encoded, and an empty one
// is refused here, because the path would mean something else.
inline std::string container_path(std::string_view name, std::string_view verb, std::string_view query = {}) {
  if (trim(name).empty()) fail_invalid("invalid container name or ID: value is empty");
  return cat("/containers/", percent_encoded(name), verb, query);
}

}  // namespace hull::cli
