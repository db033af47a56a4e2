// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>

#include "mutation.h"
#include "registry_targets.h"

namespace hull::registry_server {
namespace {

TEST(Fuzz, Requests) {
  TempDir directory;
  Options options;
  options.root = directory.path() + "/root";
  options.quiet = true;
  Service service(options);
  for (const std::string& seed : request_seeds()) fuzz_request(service, seed);
  fuzz::mutate(request_seeds(), 4'000, [&](const std::string& text) { fuzz_request(service, text); });
  // Whatever was asked for, nothing was made beside the registry's own directory.
  for (const auto& entry : std::filesystem::directory_iterator(directory.path()))
    EXPECT_EQ(entry.path().filename(), "root");
}

TEST(Fuzz, Manifests) { fuzz::mutate(manifest_seeds(), 20'000, fuzz_stored_manifest); }

}  // namespace
}  // namespace hull::registry_server
