// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "container/spec.h"

namespace hull::container {

// What containers get that do not say otherwise: the part of the engine's configuration that is theirs.
struct Defaults {
  int stop_timeout = 10;      // seconds
  std::int64_t shm_size = 0;  // bytes; 0: Docker's 64 MiB
  std::string ipc_mode, cgroupns_mode;
  bool init = false, no_new_privileges = false;
  std::string seccomp_profile;  // "": the built-in one; "unconfined"; or a profile in JSON
  std::vector<Ulimit> ulimits;
  std::string runtime = "hull";
  std::map<std::string, std::string> other_runtimes;  // configured programs, by name; "" for one without a path
};

// Fills in what the client has left open, when a container is created: it keeps what it was created with. Name servers
// are not among it: they are looked up at every start. Throws Error{kInvalidArgument} for a runtime that is configured
// and cannot be used.
void apply_defaults(Spec& spec, const Defaults& defaults);

}  // namespace hull::container
