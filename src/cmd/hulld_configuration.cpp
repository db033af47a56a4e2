// SPDX-License-Identifier: Apache-2.0
#include "hulld_configuration.h"

#include <unistd.h>

#include <filesystem>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "container/log_drivers.h"
#include "container/user_ranges.h"
#include "linux/systemd_scope.h"
#include "oci/json.h"

namespace hull {

namespace {

std::filesystem::path own_directory() { return std::filesystem::read_symlink("/proc/self/exe").parent_path(); }

linux::CgroupDriver cgroup_driver(const settings::Strings& options) {
  auto driver = linux::CgroupDriver::kCgroupfs;
  for (const auto& option : options) {
    auto [key, value] = split_once(option, '=');
    if (key != "native.cgroupdriver") fail_invalid("unknown --exec-opt ", hull::quoted(key));
    if (value == "cgroupfs")
      driver = linux::CgroupDriver::kCgroupfs;
    else if (value == "systemd")
      driver = linux::CgroupDriver::kSystemd;
    else
      fail_invalid("native.cgroupdriver must be cgroupfs or systemd, not ", hull::quoted(value.value_or("")));
  }
  if (driver == linux::CgroupDriver::kSystemd && !linux::systemd_runs())
    fail_invalid("native.cgroupdriver=systemd needs systemd as process 1 of this machine: use cgroupfs");
  return driver;
}

// The text of the profile that is named: containers keep it, whatever becomes of the file.
std::string seccomp_profile(const std::string& named) {
  if (named.empty() || named == "builtin") return "";
  if (named == "unconfined") return named;
  auto text = read_if_exists(named);
  if (!text) fail_invalid("opening seccomp profile (", named, ") failed: no such file or directory");
  parse_json(*text);
  return *text;
}

// What no container could be started with is refused now.
container::LogConfig log_config(const settings::Settings& settings) {
  container::LogConfig config{settings.log_driver, settings.log_options};
  container::check_log_config(config);
  return config;
}

std::vector<std::string> cdi_directories(const settings::Settings& settings) {
  if (auto cdi = settings.features.find("cdi"); cdi != settings.features.end() && !cdi->second) return {};
  if (settings.cdi_spec_dirs.empty()) return {"/etc/cdi", "/var/run/cdi"};
  auto directories = settings.cdi_spec_dirs;
  std::erase(directories, "");  // "--cdi-spec-dir=" asks for none
  return directories;
}

void write_json_line(log::Level level, std::string_view message) {
  Json line;
  line["level"] = log::name(level);
  line["msg"] = message;
  line["time"] = format_rfc3339(now());
  std::string text = dump_json(line) + "\n";
  if (::write(STDERR_FILENO, text.data(), text.size()) < 0) return;  // nowhere left to complain
}

}  // namespace

std::string own_program(const char* name) {
  std::string beside = own_directory() / name;
  return exists(beside) ? beside : "";
}

container::Configuration container_configuration(const settings::Settings& settings,
                                                 const settings::CommandLine& command_line) {
  container::Configuration configuration;
  configuration.data_root = settings.data_root;
  configuration.exec_root = settings.exec_root;
  configuration.shim_program = command_line.shim.empty() ? own_program("hull-shim") : command_line.shim;
  if (configuration.shim_program.empty()) fail_invalid("there is no hull-shim beside hulld: name it with --shim");
  configuration.init_program = settings.init_path.empty() ? own_program("hull-init") : settings.init_path;
  configuration.shipped_images = own_directory().parent_path() / "share/hull/images";
  configuration.cgroup_driver = cgroup_driver(settings.exec_options);
  bool systemd = configuration.cgroup_driver == linux::CgroupDriver::kSystemd;
  configuration.cgroup_parent =
      settings.cgroup_parent.empty() ? (systemd ? "system.slice" : "/hull") : settings.cgroup_parent;
  configuration.defaults = container_defaults(settings);
  configuration.log_config = log_config(settings);
  configuration.tls_program = own_program("hull-log-tls");
  configuration.user_ranges = settings.userns_range.empty() ? container::default_user_ranges()
                                                            : container::parse_user_ranges(settings.userns_range);
  if (!settings.userns_remap.empty()) configuration.remapped = container::remapped_range(settings.userns_remap);
  configuration.cdi_directories = cdi_directories(settings);
  configuration.trace = command_line.trace;
  return configuration;
}

container::Defaults container_defaults(const settings::Settings& settings) {
  container::Defaults defaults;
  defaults.stop_timeout = settings.default_stop_timeout;
  defaults.shm_size = settings.default_shm_size.bytes;
  defaults.ipc_mode = settings.default_ipc_mode;
  defaults.cgroupns_mode = settings.default_cgroupns_mode;
  defaults.init = settings.init;
  defaults.no_new_privileges = settings.no_new_privileges;
  defaults.seccomp_profile = seccomp_profile(settings.seccomp_profile);
  for (const auto& [name, limit] : settings.default_ulimits) defaults.ulimits.push_back({name, limit.hard, limit.soft});
  defaults.runtime = settings.default_runtime;
  for (const auto& [name, runtime] : settings.runtimes)
    defaults.other_runtimes[name] = {runtime.path.empty() ? runtime.options.binary_name : runtime.path,
                                     runtime.runtime_args, runtime.runtime_type};
  return defaults;
}

// Two engines have two data roots, and one keeps its own: its tables are called after it.
std::string firewall_table_of(const std::string& data_root) {
  if (data_root == settings::Settings{}.data_root) return "hull";
  constexpr std::size_t kLongest = 200;  // the kernel allows 255 bytes
  std::error_code code;
  std::string name = std::filesystem::canonical(data_root, code).string();
  if (code) name = data_root;
  if (name.size() > kLongest) name.erase(0, name.size() - kLongest);
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)) && std::string_view("/._-").find(c) == std::string_view::npos)
      c = '_';
  return "hull_" + name;
}

network::Options network_options(const settings::Settings& settings) {
  network::Options options;
  options.bridge = settings.bridge;
  options.bip = settings.bip;
  options.bip6 = settings.bip6;
  options.ipv6 = settings.ipv6;
  options.fixed_cidr = settings.fixed_cidr;
  options.fixed_cidr_v6 = settings.fixed_cidr_v6;
  options.default_gateway = settings.default_gateway;
  options.default_gateway6 = settings.default_gateway_v6;
  if (!settings.ip.empty()) options.default_binding = settings.ip;
  options.host_gateways = settings.host_gateway_ips;
  if (!settings.host_gateway_ip.empty()) options.host_gateways.push_back(settings.host_gateway_ip);
  options.dns = settings.dns;
  options.dns_search = settings.dns_search;
  options.dns_options = settings.dns_options;
  options.network_options = settings.default_network_options;
  options.mtu = static_cast<std::uint32_t>(settings.mtu);
  options.icc = settings.icc;
  options.masquerade = settings.ip_masq;
  options.direct_routing = settings.allow_direct_routing;
  if (!settings.bridge_accept_fwmark.empty()) options.accept = linux::parse_packet_mark(settings.bridge_accept_fwmark);
  for (const auto& pool : settings.default_address_pools)
    options.address_pools.push_back(cat("base=", pool.base, ",size=", pool.size));
  options.firewall_table = firewall_table_of(settings.data_root);
  return options;
}

api::ListenOptions listen_options(const settings::Settings& settings) { return {settings.group, settings.tls}; }

void configure_log(const settings::Settings& settings) {
  log::set_sink(settings.log_format == "json" ? write_json_line : nullptr);
  log::set_level(settings.debug ? log::Level::kDebug : log::parse_level(settings.log_level));
}

}  // namespace hull
