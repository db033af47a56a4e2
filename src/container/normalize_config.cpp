// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/file.h"
#include "base/id.h"
#include "container/normalize_steps.h"
#include "container/path_text.h"
#include "container/port_syntax.h"

namespace hull::container {

namespace {

constexpr std::int64_t kMinimumHealthDuration = 1'000'000;  // nanoseconds
constexpr std::size_t kMaximumHostname = 64;                // of the kernel, see uts_namespaces(7)

std::string_view key_of(std::string_view entry) { return entry.substr(0, entry.find('=')); }

// Everything of `from` whose key `into` does not have.
template <class Map>
void add_missing(Map& into, const Map& from) {
  into.insert(from.begin(), from.end());
}

void merge_environment(std::optional<Strings>& own, const Strings& image) {
  if (image.empty()) return;
  Strings merged = own.value_or(Strings{});
  const std::size_t given = merged.size();
  for (const std::string& entry : image) {
    auto same_key = [&](const std::string& other) { return key_of(other) == key_of(entry); };
    if (std::none_of(merged.begin(), merged.begin() + static_cast<std::ptrdiff_t>(given), same_key))
      merged.push_back(entry);
  }
  own = std::move(merged);
}

void merge_health_check(std::optional<oci::HealthCheck>& own, const std::optional<oci::HealthCheck>& image) {
  if (!image) return;
  if (!own) {
    own = image;
    return;
  }
  if (!own->test || own->test->empty()) own->test = image->test;
  for (auto field : {&oci::HealthCheck::interval, &oci::HealthCheck::timeout, &oci::HealthCheck::start_period,
                     &oci::HealthCheck::start_interval})
    if (*own.*field == 0) *own.*field = *image.*field;
  if (own->retries == 0) own->retries = image->retries;
}

void check_environment(const Strings& entries) {
  for (const std::string& entry : entries) {
    if (entry.empty() || entry[0] == '=') fail_invalid("invalid environment variable: ", entry);
    if (entry.find('\0') != std::string::npos)
      fail_invalid("invalid environment variable: ", key_of(entry), ": must not contain a null byte");
  }
}

bool is_hostname(std::string_view name) {
  if (name.size() > kMaximumHostname || name.starts_with('-') || name.starts_with('.')) return false;
  return std::ranges::all_of(name, [](unsigned char c) { return c > ' ' && c != 0x7f && c != '/' && c != ':'; });
}

}  // namespace

void merge_image(Config& config, const oci::ExecutionConfig& image) {
  if (config.user.empty()) config.user = image.user;
  add_missing(config.exposed_ports, image.exposed_ports);
  merge_environment(config.env, image.env);
  add_missing(config.labels, image.labels);
  if (!config.entrypoint || config.entrypoint->empty()) {
    if (!config.cmd || config.cmd->empty()) {
      config.cmd = image.cmd;
      config.args_escaped = image.args_escaped;
    }
    if (!config.entrypoint) config.entrypoint = image.entrypoint;
  }
  merge_health_check(config.healthcheck, image.healthcheck);
  if (config.working_dir.empty() && !image.working_dir.empty())
    config.working_dir = clean_path(cat("/", image.working_dir));
  add_missing(config.volumes, image.volumes);
  if (config.stop_signal.empty()) config.stop_signal = image.stop_signal;
}

void normalize_command(Spec& spec) {
  Config& config = spec.config;
  // [""] is how a client says "no entrypoint, not even the image's".
  if (config.entrypoint && config.entrypoint->size() == 1 && config.entrypoint->front().empty())
    config.entrypoint.reset();
  Strings words = config.entrypoint.value_or(Strings{});
  if (config.cmd) words.insert(words.end(), config.cmd->begin(), config.cmd->end());
  if (words.empty()) fail_invalid("no command specified");
  spec.path = words.front();
  spec.args.assign(words.begin() + 1, words.end());
}

void normalize_config(Config& config) {
  check_environment(config.env.value_or(Strings{}));
  if (!config.working_dir.empty()) {
    if (!config.working_dir.starts_with('/'))
      fail_invalid("the working directory '", config.working_dir, "' is invalid, it needs to be an absolute path");
    config.working_dir = clean_path(config.working_dir);
  }
  if (!config.stop_signal.empty()) parse_signal(config.stop_signal);
  if (!is_hostname(config.hostname)) fail_invalid("invalid hostname format: ", config.hostname);
  if (!is_hostname(config.domainname)) fail_invalid("invalid domainname format: ", config.domainname);
}

void normalize_health_check(const Config& config) {
  constexpr std::array<std::string_view, 5> kActions = {"", "none", "kill", "restart", "stop"};
  if (std::ranges::find(kActions, config.health_on_failure) == kActions.end())
    fail_invalid("invalid on-failure action ", quoted(config.health_on_failure),
                 " for a health check: it must be none, kill, restart or stop");
  if (!config.healthcheck) return;
  const oci::HealthCheck& check = *config.healthcheck;
  struct Duration {
    std::string_view name;
    std::int64_t value;
  };
  for (auto [name, value] :
       {Duration{"Interval", check.interval}, Duration{"Timeout", check.timeout},
        Duration{"StartPeriod", check.start_period}, Duration{"StartInterval", check.start_interval}})
    if (value != 0 && value < kMinimumHealthDuration) fail_invalid(name, " in Healthcheck cannot be less than 1ms");
  if (check.retries < 0) fail_invalid("Retries in Healthcheck cannot be negative");
  constexpr std::array<std::string_view, 3> kKinds = {"NONE", "CMD", "CMD-SHELL"};
  if (check.test && !check.test->empty() && std::ranges::find(kKinds, check.test->front()) == kKinds.end())
    fail_invalid("Unknown healthcheck type '", check.test->front(), "' (expected 'CMD' or 'CMD-SHELL')");
}

void normalize_hostname(Spec& spec, const std::string& id) {
  Config& config = spec.config;
  if (!config.hostname.empty()) return;
  bool is_host = spec.host.network_mode == "host" || spec.host.uts_mode == "host";
  config.hostname = is_host ? std::string(trim(read_file("/proc/sys/kernel/hostname"))) : short_id(id);
}

void normalize_ports(Spec& spec, Warnings& warnings) {
  oci::Set exposed;
  for (const auto& [key, nothing] : spec.config.exposed_ports) {
    // "8000-8010/udp" is what image configurations may say; a client sends single ports.
    auto [numbers, protocol] = split_once(key, '/');
    auto [first, last] = split_once(numbers, '-');
    ContainerPort port = parse_container_port(cat(first, "/", protocol.value_or("tcp")));
    PortRange range = last ? parse_port_range(numbers, key) : PortRange{port.number, port.number};
    for (std::uint32_t number = range.first; number <= range.last; ++number) {
      port.number = static_cast<std::uint16_t>(number);
      exposed.emplace(port.key(), oci::Empty{});
    }
  }
  spec.config.exposed_ports = std::move(exposed);

  decltype(spec.host.port_bindings) bindings;
  for (auto& [key, where] : spec.host.port_bindings) {
    // An empty list asks for one port of the engine's choice.
    if (where && where->empty()) where->emplace_back();
    auto [place, inserted] = bindings.emplace(parse_container_port(key).key(), where);
    if (!inserted && where) {
      if (!place->second) place->second.emplace();
      place->second->insert(place->second->end(), where->begin(), where->end());
    }
  }
  spec.host.port_bindings = std::move(bindings);
  if (spec.host.network_mode == "host" && !spec.host.port_bindings.empty())
    warnings.emplace_back("Published ports are discarded when using host network mode");
}

}  // namespace hull::container
