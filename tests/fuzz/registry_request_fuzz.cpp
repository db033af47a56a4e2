// SPDX-License-Identifier: Apache-2.0
#include "registry_targets.h"

namespace {
// One registry for all requests: what some have left is there for others.
void check(std::string_view text) {
  static hull::TempDir directory;
  static hull::registry_server::Service service([] {
    hull::registry_server::Options options;
    options.root = directory.path() + "/root";
    options.quiet = true;
    return options;
  }());
  hull::registry_server::fuzz_request(service, text);
}
}  // namespace

HULL_FUZZ_TARGET(check, hull::registry_server::request_seeds())
