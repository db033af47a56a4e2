// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "oci/runtime_config.h"

namespace hull::container {

// The profile that a container gets without --security-opt seccomp=…: Docker's default behaviour, with the
// conditions on capabilities (CAP_SYS_ADMIN opens mount, setns, …), architecture and kernel resolved.
oci::Seccomp default_seccomp(const std::vector<std::string>& capabilities);

// A profile in Docker's JSON form (archMap, includes/excludes with caps, arches, minKernel) resolved to the
// OCI form. Error{kInvalidArgument} "Decoding seccomp profile failed: …".
oci::Seccomp parse_seccomp_profile(const std::string& json, const std::vector<std::string>& capabilities);

}  // namespace hull::container
