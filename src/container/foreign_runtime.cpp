// SPDX-License-Identifier: Apache-2.0
#include "container/foreign_runtime.h"

#include <algorithm>

#include "base/file.h"
#include "container/oci_config.h"
#include "oci/json.h"
#include "oci/runtime_config_fields.h"

namespace hull::container {

namespace {

// The newest version of the specification that every runtime in use understands.
constexpr const char* kSpecification = "1.0.2";

bool is_foreign(const State& state) {
  const std::string& name = state.spec->host.runtime;
  return name != "hull" && name != "runc" && name != "io.containerd.runc.v2" && !name.empty();
}

}  // namespace

void prepare_foreign(shim::StartRequest& request, const State& state, const Defaults& defaults,
                     const std::string& directory) {
  if (!is_foreign(state)) return;
  OtherRuntime program = find_runtime(state.spec->host.runtime, defaults);
  oci::RuntimeConfig& config = request.config;
  if (request.user_namespace)
    fail_invalid("the runtime ", state.spec->host.runtime,
                 " cannot be used with a user namespace: that works with hull's own runtime only");
  if (!config.linux.time_offsets.empty())
    fail_invalid("the runtime ", state.spec->host.runtime, " cannot be used with a time namespace");
  config.oci_version = kSpecification;
  config.root->path = directory + "/rootfs";
  for (oci::Namespace& one : config.linux.namespaces)
    if (one.type == "network" && request.network_namespace) one.path = directory + "/netns";
  config.linux.seccomp = seccomp_profile(state);
  // The shim's own score is what it would inherit.
  if (!config.process->oom_score_adj) config.process->oom_score_adj = 0;
  write_file_atomically(directory + "/config.json", dump_json(to_json(config)), 0600, Durability::kProcessCrash);
  request.runtime = {program.path, program.arguments, directory, state.id, request.cgroup_driver};
}

void prepare_foreign_exec(shim::ExecRequest& request, const State& state, const std::string& directory) {
  if (!is_foreign(state)) return;
  if (!request.process.oom_score_adj) request.process.oom_score_adj = 0;
  request.process_file = cat(directory, "/exec-", request.id, ".json");
  write_file_atomically(request.process_file, dump_json(to_json(request.process)), 0600, Durability::kProcessCrash);
}

}  // namespace hull::container
