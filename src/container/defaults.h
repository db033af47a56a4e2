// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "container/spec.h"

namespace hull::container {

// An OCI runtime that is not hull's own.
struct OtherRuntime {
  std::string path;
  Strings arguments;
  std::string type;  // containerd's; without a path
};

// What containers get that do not say otherwise: the part of the engine's configuration that is theirs.
struct Defaults {
  int stop_timeout = 10;      // seconds
  std::int64_t shm_size = 0;  // bytes; 0: Docker's 64 MiB
  std::string ipc_mode, cgroupns_mode;
  bool init = false, no_new_privileges = false;
  std::string seccomp_profile;  // "": the built-in one; "unconfined"; or a profile in JSON
  std::vector<Ulimit> ulimits;
  std::string runtime = "runc";
  std::map<std::string, OtherRuntime> other_runtimes;  // by name
};

// Fills in what the client has left open, when a container is created: it keeps what it was created with. Name servers
// are not among it: they are looked up at every start. Throws Error{kInvalidArgument} for a runtime that is not
// configured or cannot be used.
void apply_defaults(Spec& spec, const Defaults& defaults);

// The names that are always there and mean hull's own runtime: the first two are Docker's, and the first is the
// default.
inline constexpr std::string_view kOwnRuntimes[] = {"runc", "io.containerd.runc.v2", "hull"};
bool is_own_runtime(std::string_view name);
// The program that starts containers of the runtime `name`, found in the usual directories if need be; without a path
// for hull's own. Throws as apply_defaults().
OtherRuntime find_runtime(const std::string& name, const Defaults& defaults);

}  // namespace hull::container
