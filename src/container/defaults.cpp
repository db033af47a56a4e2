// SPDX-License-Identifier: Apache-2.0
#include "container/defaults.h"

#include <algorithm>

#include "base/error.h"
#include "container/host_program.h"
#include "linux/cgroup.h"

namespace hull::container {

namespace {

bool has_option(const HostConfig& host, std::string_view name) {
  if (!host.security_opt) return false;
  return std::ranges::any_of(*host.security_opt, [&](const std::string& option) {
    return option.starts_with(name) &&
           (option.size() == name.size() || option[name.size()] == '=' || option[name.size()] == ':');
  });
}

void add_option(HostConfig& host, std::string option) {
  if (!host.security_opt) host.security_opt.emplace();
  host.security_opt->push_back(std::move(option));
}

void apply_security(HostConfig& host, const Defaults& defaults) {
  if (defaults.no_new_privileges && !has_option(host, "no-new-privileges")) add_option(host, "no-new-privileges");
  if (!defaults.seccomp_profile.empty() && !host.privileged && !has_option(host, "seccomp"))
    add_option(host, cat("seccomp=", defaults.seccomp_profile));
}

void apply_ulimits(HostConfig& host, const Defaults& defaults) {
  for (const Ulimit& limit : defaults.ulimits) {
    if (!host.ulimits) host.ulimits.emplace();
    if (std::ranges::find(*host.ulimits, limit.name, &Ulimit::name) == host.ulimits->end())
      host.ulimits->push_back(limit);
  }
}

// What is privileged manages control groups: those of version 1 it looks for at the host's paths. Below version 2 its
// own part is a whole.
std::string cgroupns_mode(const HostConfig& host, const Defaults& defaults) {
  bool host_paths = host.privileged && linux::cgroup_facts().version != linux::CgroupVersion::kV2;
  return host_paths ? "host" : defaults.cgroupns_mode;
}

}  // namespace

bool is_own_runtime(std::string_view name) { return std::ranges::find(kOwnRuntimes, name) != std::end(kOwnRuntimes); }

OtherRuntime find_runtime(const std::string& name, const Defaults& defaults) {
  if (is_own_runtime(name)) return {};
  auto found = defaults.other_runtimes.find(name);
  if (found == defaults.other_runtimes.end()) fail_invalid("unknown or invalid runtime name: ", name);
  OtherRuntime runtime = found->second;
  if (runtime.path.empty() && is_own_runtime(runtime.type)) return {};
  if (runtime.path.empty())
    fail_invalid("the runtime ", name, " is configured by its type ", runtime.type,
                 ", which only containerd can run: give its path");
  auto path = find_host_program(runtime.path);
  if (!path) fail_invalid("the program ", runtime.path, " of the runtime ", name, " is not installed");
  runtime.path = *path;
  return runtime;
}

void apply_defaults(Spec& spec, const Defaults& defaults) {
  HostConfig& host = spec.host;
  if (host.runtime.empty()) host.runtime = defaults.runtime;
  find_runtime(host.runtime, defaults);
  if (host.shm_size == 0) host.shm_size = defaults.shm_size;
  if (host.ipc_mode.empty()) host.ipc_mode = defaults.ipc_mode;
  if (host.cgroupns_mode.empty()) host.cgroupns_mode = cgroupns_mode(host, defaults);
  if (defaults.init && !host.init) host.init = true;
  apply_security(host, defaults);
  apply_ulimits(host, defaults);
}

}  // namespace hull::container
