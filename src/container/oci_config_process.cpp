// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>

#include "base/error.h"
#include "container/capability_sets.h"
#include "container/oci_config_parts.h"
#include "container/user_lookup.h"
#include "linux/root_dir.h"
#include "linux/text_file.h"

namespace hull::container {

namespace {

constexpr std::string_view kDefaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string_view key_of(std::string_view entry) { return entry.substr(0, entry.find('=')); }

void set_variable(Strings& variables, const std::string& entry) {
  auto same = std::ranges::find(variables, key_of(entry), [](const std::string& other) { return key_of(other); });
  if (entry.find('=') == std::string::npos) {
    if (same != variables.end()) variables.erase(same);
  } else if (same != variables.end()) {
    *same = entry;
  } else {
    variables.push_back(entry);
  }
}

oci::Capabilities capability_sets(const Strings& names) {
  oci::Capabilities sets;
  sets.bounding = sets.effective = sets.permitted = names;
  return sets;
}

std::uint64_t limit_value(std::int64_t value) {
  return value == -1 ? std::numeric_limits<std::uint64_t>::max() : static_cast<std::uint64_t>(value);
}

std::vector<oci::Rlimit> rlimits(const HostConfig& host) {
  std::vector<oci::Rlimit> limits;
  if (host.ulimits)
    for (const Ulimit& limit : *host.ulimits)
      limits.push_back({cat("RLIMIT_", upper(limit.name)), limit_value(limit.soft), limit_value(limit.hard)});
  return limits;
}

std::optional<oci::ConsoleSize> console_size(const std::vector<std::uint32_t>& size) {
  if (size.size() != 2 || (size[0] == 0 && size[1] == 0)) return std::nullopt;
  return oci::ConsoleSize{size[0], size[1]};
}

FileReader reader_of(int root) {
  return [root](const std::string& path) { return linux::read_text_file(linux::RootDir(root), path); };
}

Strings arguments(const Spec& spec) {
  Strings words;
  words.reserve(spec.args.size() + 3);
  if (runs_init(spec.host)) words = {std::string(kInitInside), "--"};
  words.push_back(spec.path);
  words.insert(words.end(), spec.args.begin(), spec.args.end());
  return words;
}

}  // namespace

Strings environment(const std::string& hostname, bool tty, std::initializer_list<const Strings*> layers) {
  Strings variables = {std::string(kDefaultPath), cat("HOSTNAME=", hostname)};
  if (tty) variables.emplace_back("TERM=xterm");
  for (const Strings* layer : layers)
    for (const std::string& entry : *layer) set_variable(variables, entry);
  return variables;
}

bool runs_init(const HostConfig& host) { return host.init.value_or(false) && host.pid_mode.empty(); }

oci::Process container_process(const ConfigInputs& inputs, const SecurityOptions& security) {
  const Spec& spec = *inputs.state.spec;
  const HostConfig& host = spec.host;
  oci::Process process;
  process.terminal = spec.config.tty;
  if (process.terminal) process.console_size = console_size(host.console_size);
  process.user = look_up_user(spec.config.user, host.group_add.value_or(Strings{}), reader_of(inputs.rootfs));
  process.args = arguments(spec);
  const Strings own = spec.config.env.value_or(Strings{});
  process.env = environment(spec.config.hostname, spec.config.tty, {&inputs.link_variables, &own});
  process.cwd = spec.config.working_dir.empty() ? "/" : spec.config.working_dir;
  process.capabilities = capability_sets(container_capabilities(host));
  process.rlimits = rlimits(host);
  process.no_new_privileges = security.no_new_privileges;
  process.apparmor_profile = apparmor_profile(host);
  process.oom_score_adj = host.oom_score_adj;
  return process;
}

oci::Process build_exec_process(const State& state, const ExecSpec& exec, int root, const Strings& link_variables) {
  const Spec& spec = *state.spec;
  const HostConfig& host = spec.host;
  oci::Process process;
  process.terminal = exec.tty;
  if (process.terminal) process.console_size = console_size(exec.console_size);
  process.user = look_up_user(exec.user.empty() ? spec.config.user : exec.user, host.group_add.value_or(Strings{}),
                              reader_of(root));
  process.args = exec.cmd.value_or(Strings{});
  const Strings own = spec.config.env.value_or(Strings{}), more = exec.env.value_or(Strings{});
  process.env = environment(spec.config.hostname, exec.tty, {&link_variables, &own, &more});
  process.cwd = !exec.working_dir.empty() ? exec.working_dir : spec.config.working_dir;
  if (process.cwd.empty()) process.cwd = "/";
  process.capabilities = capability_sets(exec.privileged ? all_capabilities() : container_capabilities(host));
  process.rlimits = rlimits(host);
  process.no_new_privileges = parse_security_options(host).no_new_privileges;
  process.apparmor_profile = apparmor_profile(host);
  if (exec.privileged && !process.apparmor_profile.empty()) process.apparmor_profile = "unconfined";
  process.oom_score_adj = host.oom_score_adj;
  return process;
}

}  // namespace hull::container
