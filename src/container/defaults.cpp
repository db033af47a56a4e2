// SPDX-License-Identifier: Apache-2.0
#include "container/defaults.h"

#include <algorithm>

#include "base/error.h"

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

}  // namespace

void apply_defaults(Spec& spec, const Defaults& defaults) {
  HostConfig& host = spec.host;
  if (host.runtime.empty()) host.runtime = defaults.runtime;
  if (defaults.other_runtimes.contains(host.runtime))
    fail_invalid("the runtime ", host.runtime,
                 " is another program: this engine starts containers with its own runtime only");
  if (host.shm_size == 0) host.shm_size = defaults.shm_size;
  if (host.ipc_mode.empty()) host.ipc_mode = defaults.ipc_mode;
  if (host.cgroupns_mode.empty()) host.cgroupns_mode = defaults.cgroupns_mode;
  if (defaults.init && !host.init) host.init = true;
  apply_security(host, defaults);
  apply_ulimits(host, defaults);
}

}  // namespace hull::container
