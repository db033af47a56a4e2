// SPDX-License-Identifier: Apache-2.0
#include "container/foreign_runtime.h"

#include <algorithm>

#include "base/file.h"
#include "base/process.h"
#include "container/oci_config.h"
#include "oci/json.h"
#include "oci/runtime_config_fields.h"
#include "runtime/input_mounts.h"

namespace hull::container {

namespace {

// The newest version of the specification that every runtime in use understands.
constexpr const char* kSpecification = "1.0.2";

constexpr const char* kConfigFile = "/config.json";
// The command line that delete_lost_foreign() needs: the engine's configuration may be another one by then.
constexpr const char* kDeleteFile = "/delete.json";

bool is_own(const State& state) { return state.spec->host.runtime.empty() || is_own_runtime(state.spec->host.runtime); }

std::string value_of(const oci::Mount& mount, std::string_view option) {
  for (const std::string& one : mount.options)
    if (one.starts_with(option)) return one.substr(option.size());
  return {};
}

// Images that are mounted: hull's runtime takes a single layer, which the kernel does not, and an option of its own.
void adapt_layers(oci::Mount& mount, const std::string& runtime) {
  std::string layers = value_of(mount, "lowerdir=");
  if (mount.type != "overlay" || layers.empty()) return;
  if (!value_of(mount, kSubpathOption).empty())
    fail_invalid("mount ", mount.destination, ": the runtime ", runtime,
                 " cannot mount a part of an image: that works with hull's own runtime only");
  if (layers.find(':') != std::string::npos) return;
  mount.type = "bind";
  mount.source = layers;
  std::erase_if(mount.options, [](const std::string& option) { return option.starts_with("lowerdir="); });
  mount.options.emplace_back("bind");
}

void adapt(oci::RuntimeConfig& config, const std::string& runtime) {
  config.oci_version = kSpecification;
  for (oci::Mount& mount : config.mounts) adapt_layers(mount, runtime);
  // The field is younger than the specification.
  if (!config.domainname.empty()) config.linux.sysctl["kernel.domainname"] = std::exchange(config.domainname, {});
  // The shim's own score is what it would inherit.
  if (!config.process->oom_score_adj) config.process->oom_score_adj = 0;
}

}  // namespace

void prepare_foreign(shim::StartRequest& request, const State& state, const Defaults& defaults,
                     const std::string& directory) {
  if (is_own(state)) return;
  const std::string& name = state.spec->host.runtime;
  OtherRuntime program = find_runtime(name, defaults);
  if (program.path.empty()) return;
  oci::RuntimeConfig& config = request.config;
  if (request.user_namespace)
    fail_invalid("the runtime ", name,
                 " cannot be used with a user namespace: that works with hull's own runtime only");
  if (!config.linux.time_offsets.empty()) fail_invalid("the runtime ", name, " cannot be used with a time namespace");
  adapt(config, name);
  config.root->path = runtime::rootfs_path(directory);
  for (oci::Namespace& one : config.linux.namespaces)
    if (one.type == "network" && request.network_namespace) one.path = runtime::netns_path(directory);
  config.linux.seccomp = seccomp_profile(state);
  write_file_atomically(directory + kConfigFile, dump_json(to_json(config)), 0600, Durability::kProcessCrash);
  request.runtime = {program.path, program.arguments, directory, state.id, request.cgroup_driver};
  write_file_atomically(directory + kDeleteFile, dump_json(to_json(runtime::foreign_delete_command(request.runtime))),
                        0600, Durability::kProcessCrash);
}

void prepare_foreign_exec(shim::ExecRequest& request, const State& state, const std::string& directory) {
  if (is_own(state) || !exists(directory + kDeleteFile)) return;
  if (!request.process.oom_score_adj) request.process.oom_score_adj = 0;
  request.process_file = cat(directory, "/exec-", request.id, ".json");
  write_file_atomically(request.process_file, dump_json(to_json(request.process)), 0600, Durability::kProcessCrash);
}

void delete_lost_foreign(const std::string& directory) {
  auto command = read_if_exists(directory + kDeleteFile);
  if (!command || list_directory(runtime::foreign_state_path(directory)).empty()) return;
  ProcessOutput result = run_program(from_json<Strings>(parse_json(*command)));
  if (result.exit_code != 0) fail(Kind::kInternal, "the runtime cannot delete it: ", trim(result.errors));
}

}  // namespace hull::container
