// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "container/spec.h"

namespace hull::container {

// HostConfig.SecurityOpt, understood.
struct SecurityOptions {
  bool no_new_privileges = false;
  bool writable_cgroups = false;
  std::string seccomp;   // "": as the container's privileges say, "unconfined", "builtin", or a profile in JSON
  std::string apparmor;  // "": the default profile where the host has one
  Strings labels;        // of SELinux, as given
};

// Error{kInvalidArgument} "invalid --security-opt …" for what is unknown.
SecurityOptions parse_security_options(const HostConfig& host);

// The AppArmor profile of a container; "" on a host without AppArmor, "unconfined" when privileged.
std::string apparmor_profile(const HostConfig& host);

}  // namespace hull::container
