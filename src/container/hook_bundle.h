// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "oci/runtime_config.h"

namespace hull::container {

// Hooks of a configuration are programs that find the rest of it in a bundle (runtime-spec, bundle.md): writes
// <directory>/config.json, and makes the directory that the root file system will be seen in by them. Nothing without
// hooks. The bundle goes with its directory.
void write_hook_bundle(const std::string& directory, oci::RuntimeConfig& config);

}  // namespace hull::container
