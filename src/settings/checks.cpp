// SPDX-License-Identifier: Apache-2.0
#include "settings/checks.h"

#include <net/if.h>

#include <algorithm>
#include <cstdlib>
#include <initializer_list>

#include "base/api_version.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "oci/json.h"
#include "settings/build_collection.h"
#include "settings/options.h"

namespace hull::settings {

namespace {

bool is_one_of(std::string_view value, std::initializer_list<std::string_view> values) {
  return std::ranges::find(values, value) != values.end();
}

void refuse_dangerous(const Settings& settings) {
  static const Settings kDefaults;
  for (const Option& option : options())
    if (option.effect == Effect::kRefused && to_json(settings, option) != to_json(kDefaults, option))
      fail_invalid("the option ", option.key, " is not available: ", option.note);
}

// $DOCKER_CERT_PATH, or /etc/hull, has the files that are not named.
void complete_tls(Settings& settings) {
  if (settings.tls_verify) settings.tls = true;
  if (!settings.tls) {
    for (const auto& [name, value] :
         {std::pair{"tlscacert", settings.tls_ca}, {"tlscert", settings.tls_certificate}, {"tlskey", settings.tls_key}})
      if (!value.empty()) fail_invalid("--", std::string_view(name), " needs --tls or --tlsverify");
    return;
  }
  const char* given = std::getenv("DOCKER_CERT_PATH");
  std::string directory = given && *given ? given : "/etc/hull";
  if (settings.tls_ca.empty()) settings.tls_ca = directory + "/ca.pem";
  if (settings.tls_certificate.empty()) settings.tls_certificate = directory + "/cert.pem";
  if (settings.tls_key.empty()) settings.tls_key = directory + "/key.pem";
}

// Of a host and a port, TCP is meant.
void complete_hosts(Settings& settings) {
  for (auto& host : settings.hosts)
    if (host.find("://") == host.npos && !host.starts_with('/') && host.find(':') != host.npos) host = "tcp://" + host;
}

// As with dockerd an empty name is the one that is always there.
void complete_runtime(Settings& settings) {
  if (settings.default_runtime.empty()) settings.default_runtime = Settings{}.default_runtime;
}

void check_hosts(const Settings& settings) {
  for (const auto& host : settings.hosts)
    if (!host.starts_with("unix://") && !host.starts_with("tcp://") && !host.starts_with("fd://") &&
        !host.starts_with('/'))
      fail_invalid("invalid bind address ", hull::quoted(host), ": use unix:///path, tcp://host:port or fd://");
}

void check_min_version(const std::string& version) {
  auto [major, minor] = split_once(version, '.');
  auto number = parse_number<int>(minor.value_or(""));
  if (major != "1" || !number) fail_invalid("min-api-version: invalid API version: ", hull::quoted(version));
  if (*number < kOldestApiMinor) fail_invalid("minimum supported API version is 1.", kOldestApiMinor, ": ", version);
  if (*number > kNewestApiMinor) fail_invalid("maximum supported API version is 1.", kNewestApiMinor, ": ", version);
}

void check_log(const Settings& settings) {
  log::parse_level(settings.log_level);
  if (!is_one_of(settings.log_format, {"text", "json"}))
    fail_invalid("invalid log format: ", settings.log_format, ": use text or json");
}

void check_container_defaults(const Settings& settings) {
  if (!is_one_of(settings.default_ipc_mode, {"private", "shareable"}))
    fail_invalid("IPC mode \"", settings.default_ipc_mode, "\" is not supported as default: use private or shareable");
  if (!is_one_of(settings.default_cgroupns_mode, {"", "private", "host"}))
    fail_invalid("default cgroup namespace mode (", settings.default_cgroupns_mode,
                 ") is invalid; use \"host\" or \"private\"");
  bool known = is_one_of(settings.default_runtime, {"hull", "runc", "io.containerd.runc.v2"});
  if (!known && !settings.runtimes.contains(settings.default_runtime))
    fail_invalid("specified default runtime '", settings.default_runtime, "' does not exist");
  for (const auto& [name, runtime] : settings.runtimes) {
    if (is_one_of(name, {"hull", "runc"})) fail_invalid("runtime name '", name, "' is reserved");
    if (runtime.path.empty() == runtime.runtime_type.empty())
      fail_invalid("runtime ", name, ": either path or runtimeType must be configured, and not both");
    if (!runtime.options.binary_name.empty() && runtime.runtime_type != "io.containerd.runc.v2")
      fail_invalid("runtime ", name, ": the option BinaryName belongs to the runtimeType io.containerd.runc.v2");
  }
  for (const auto& [name, limit] : settings.default_ulimits)
    if (limit.hard != -1 && (limit.soft == -1 || limit.soft > limit.hard))
      fail_invalid("default-ulimits: ", name, ": the soft limit ", limit.soft, " is above the hard limit ", limit.hard);
  if (settings.default_stop_timeout < -1) fail_invalid("default-stop-timeout cannot be below -1");
}

void check_labels(const Strings& labels) {
  std::map<std::string_view, std::string_view> seen;
  for (const auto& label : labels) {
    auto [key, value] = split_once(label, '=');
    if (!value || key.empty()) fail_invalid("bad attribute format: ", label);
    auto [before, fresh] = seen.emplace(key, *value);
    if (!fresh && before->second != *value)
      fail_invalid("conflict labels for ", key, "=", *value, " and ", key, "=", before->second);
  }
}

void check_storage(const Settings& settings) {
  if (!is_one_of(settings.storage_driver, {"", "overlay2", "overlayfs"}))
    fail_invalid("storage driver ", hull::quoted(settings.storage_driver), " is not available: use overlay2");
  for (const auto& option : settings.storage_options)
    if (split_once(option, '=').first != "overlay2.override_kernel_check")
      fail_invalid("storage option ", hull::quoted(option), " is not available");
}

void check_numbers(const Settings& settings) {
  struct Limit {
    std::string_view name;
    int value, least;
  };
  for (auto [name, value, least] :
       {Limit{"max concurrent downloads", settings.max_concurrent_downloads, 1},
        Limit{"max concurrent uploads", settings.max_concurrent_uploads, 1},
        Limit{"max download attempts", settings.max_download_attempts, 1},
        Limit{"shutdown timeout", settings.shutdown_timeout, -1}, Limit{"mtu", settings.mtu, 0}})
    if (value < least) fail_invalid("invalid ", name, ": ", value);
  if (settings.oom_score_adjust < -1000 || settings.oom_score_adjust > 1000)
    fail_invalid("oom-score-adjust must be between -1000 and 1000, not ", settings.oom_score_adjust);
}

void check_registries(const Settings& settings) {
  for (const auto& mirror : settings.registry_mirrors) {
    // "quay.io=https://…" is a mirror of another registry than Docker Hub.
    auto [registry, named] = split_once(mirror, '=');
    std::string_view url = named && registry.find("://") == registry.npos ? *named : std::string_view(mirror);
    if (!url.starts_with("http://") && !url.starts_with("https://"))
      fail_invalid("invalid mirror: ", hull::quoted(mirror), " is no http:// or https:// URL");
  }
  for (const auto& registry : settings.insecure_registries)
    if (registry.find("://") != std::string::npos)
      fail_invalid("insecure registry ", registry, " should not contain '://'");
}

void check_networks(const Settings& settings) {
  if (settings.bridge.size() >= IFNAMSIZ || settings.bridge.find('/') != std::string::npos)
    fail_invalid("invalid bridge name ", hull::quoted(settings.bridge), ": at most 15 characters, without /");
  if (!settings.bip.empty() && settings.bridge == "none")
    fail_invalid("--bip gives an address to the bridge, and --bridge none says that there is none: use one of them");
  for (const auto& pool : settings.default_address_pools) {
    auto [address, prefix_text] = split_once(pool.base, '/');
    auto prefix = parse_number<int>(prefix_text.value_or(""));
    int longest = address.find(':') == address.npos ? 30 : 126;
    if (!prefix || pool.size < *prefix || pool.size > longest)
      fail_invalid("default-address-pools: invalid pool ", hull::quoted(pool.base), " with networks of size ",
                   pool.size);
  }
}

}  // namespace

void check(Settings& settings) {
  refuse_dangerous(settings);
  complete_tls(settings);
  complete_hosts(settings);
  complete_runtime(settings);
  check_hosts(settings);
  check_min_version(settings.min_api_version);
  check_log(settings);
  check_container_defaults(settings);
  check_labels(settings.labels);
  check_storage(settings);
  check_numbers(settings);
  check_registries(settings);
  check_networks(settings);
  build_collection(settings);
}

}  // namespace hull::settings
