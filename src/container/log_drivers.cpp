// SPDX-License-Identifier: Apache-2.0
#include "container/log_drivers.h"

#include <algorithm>
#include <regex>
#include <span>

#include "base/error.h"
#include "container/log_values.h"

namespace hull::container {

namespace {

using OptionNames = std::span<const std::string_view>;

constexpr std::string_view kCommon[] = {"mode",           "max-buffer-size", "cache-disabled",
                                        "cache-max-size", "cache-max-file",  "cache-compress"};
constexpr std::string_view kAttributes[] = {"labels", "labels-regex", "env", "env-regex", "tag"};
constexpr std::string_view kFile[] = {"max-size", "max-file", "compress"};
constexpr std::string_view kSyslog[] = {"syslog-address",        "syslog-facility", "syslog-format",
                                        "syslog-tls-ca-cert",    "syslog-tls-cert", "syslog-tls-key",
                                        "syslog-tls-skip-verify"};
constexpr std::string_view kGelf[] = {"gelf-address", "gelf-compression-type", "gelf-compression-level",
                                      "gelf-tcp-max-reconnect", "gelf-tcp-reconnect-delay"};
constexpr std::string_view kFluentd[] = {
    "fluentd-address",      "fluentd-async",         "fluentd-async-connect", "fluentd-async-reconnect-interval",
    "fluentd-buffer-limit", "fluentd-max-retries",   "fluentd-retry-wait",    "fluentd-sub-second-precision",
    "fluentd-request-ack",  "fluentd-write-timeout", "fluentd-read-timeout"};

struct Driver {
  std::string_view name;
  OptionNames own;
  void (*check)(const StringMap&);
};

void check_files(const StringMap& options, std::string_view prefix, SizeUnits units) {
  auto value = [&](std::string_view name) { return log_value(options, cat(prefix, name)); };
  std::int64_t size = 0;
  if (auto text = value("max-size"); !text.empty()) {
    size = parse_log_size(text, units);
    if (size == 0) fail_invalid("invalid value for ", prefix, "max-size: ", text, ": it must be a positive number");
  }
  std::int64_t files = 0;
  if (auto text = value("max-file"); !text.empty()) {
    files = parse_log_count(cat(prefix, "max-file"), text);
    if (files < 1) fail_invalid("invalid value for ", prefix, "max-file: ", text, ": it cannot be less than 1");
    if (files > 1000) fail_invalid("invalid value for ", prefix, "max-file: ", text, ": it cannot be more than 1000");
  }
  if (auto text = value("compress"); !text.empty() && parse_log_flag(text) && (files == 1 || size == -1))
    fail_invalid("compress cannot be true when max-file is less than 2 or max-size is not set");
}

void check_json_file(const StringMap& options) { check_files(options, "", SizeUnits::kDecimal); }
void check_local(const StringMap& options) { check_files(options, "", SizeUnits::kBinary); }

void check_syslog(const StringMap& options) {
  parse_syslog_address(log_value(options, "syslog-address"));
  parse_syslog_facility(log_value(options, "syslog-facility"));
  parse_syslog_format(log_value(options, "syslog-format"));
}

void check_gelf(const StringMap& options) {
  auto address = parse_gelf_address(log_value(options, "gelf-address"));
  bool tcp = address.transport == shim::LogTransport::kTcp;
  for (const auto& [name, value] : options) {
    auto refuse = [&] {
      fail_invalid("unknown value ", quoted(value), " for log opt ", quoted(name), " for gelf log driver");
    };
    if (name.starts_with("gelf-compression") && tcp) fail_invalid("compression is only supported on UDP");
    if (name.starts_with("gelf-tcp") && !tcp) fail_invalid(quoted(name), " is only supported on TCP");
    if (name == "gelf-compression-type" && value != "gzip" && value != "zlib" && value != "none") refuse();
    if (name == "gelf-compression-level") {
      auto level = parse_number<int>(value);
      if (!level || *level < -1 || *level > 9) refuse();
    }
    if (name.starts_with("gelf-tcp") && parse_number<std::int64_t>(value).value_or(-1) < 0)
      fail_invalid(quoted(name), " must be a positive integer");
  }
}

void check_fluentd(const StringMap& options) {
  parse_fluentd_address(log_value(options, "fluentd-address"));
  for (const char* flag :
       {"fluentd-async", "fluentd-async-connect", "fluentd-request-ack", "fluentd-sub-second-precision"})
    if (auto value = log_value(options, flag); !value.empty()) parse_log_flag(value);
  for (const char* time :
       {"fluentd-retry-wait", "fluentd-async-reconnect-interval", "fluentd-write-timeout", "fluentd-read-timeout"})
    if (auto value = log_value(options, time); !value.empty()) parse_log_milliseconds(value);
  if (auto value = log_value(options, "fluentd-buffer-limit"); !value.empty())
    parse_log_size(value, SizeUnits::kBinary);
  if (auto value = log_value(options, "fluentd-max-retries"); !value.empty())
    parse_log_count("fluentd-max-retries", value);
  if (options.contains("fluentd-async") && options.contains("fluentd-async-connect"))
    fail_invalid("conflicting options: cannot specify both 'fluentd-async' and 'fluentd-async-connect'");
}

void check_nothing(const StringMap&) {}

constexpr Driver kDrivers[] = {
    {"fluentd", kFluentd, check_fluentd},  {"gelf", kGelf, check_gelf},   {"journald", {}, check_nothing},
    {"json-file", kFile, check_json_file}, {"local", kFile, check_local}, {"none", {}, check_nothing},
    {"syslog", kSyslog, check_syslog},
};

bool contains(OptionNames names, std::string_view name) { return std::ranges::find(names, name) != names.end(); }

void refuse_option(std::string_view driver, const std::string& option) {
  if (driver == "local") fail_invalid("unknown log opt '", option, "' for log driver local");
  if (driver == "gelf") fail_invalid("unknown log opt ", quoted(option), " for gelf log driver");
  fail_invalid("unknown log opt '", option, "' for ", driver, " log driver");
}

void check_common(const StringMap& options) {
  std::string mode = log_value(options, "mode");
  if (!mode.empty() && mode != "blocking" && mode != "non-blocking")
    fail_invalid("logger: logging mode not supported: ", mode);
  if (std::string size = log_value(options, "max-buffer-size"); !size.empty()) {
    if (mode != "non-blocking")
      fail_invalid("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
    parse_log_size(size, SizeUnits::kBinary);
  }
  if (auto value = log_value(options, "cache-disabled"); !value.empty()) parse_log_flag(value);
  check_files(options, "cache-", SizeUnits::kBinary);
  for (const char* name : {"labels-regex", "env-regex"}) {
    try {
      std::regex expression(log_value(options, name));
    } catch (const std::regex_error& e) {
      fail_invalid("invalid ", name, ": ", quoted(log_value(options, name)), " is no regular expression (", e.what(),
                   ")");
    }
  }
}

// With something for every field, to find mistakes.
void check_tag(const std::string& text) {
  TagFacts facts;
  for (const char* field : {"ID", "FullID", "Name", "ImageID", "ImageFullID", "ImageName", "DaemonName", "Command",
                            "Hostname", "ContainerID", "ContainerName", "ContainerEntrypoint", "ContainerImageID",
                            "ContainerImageName", "ContainerCreated", "LogPath"})
    facts.fields.emplace(field, "x");
  render_log_tag(text, facts);
}

}  // namespace

const std::vector<std::string>& log_driver_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const Driver& driver : kDrivers) list.emplace_back(driver.name);
    return list;
  }();
  return names;
}

void apply_log_defaults(LogConfig& config, const Configuration& configuration) {
  if (config.type.empty()) config.type = configuration.log_config.type;
  if (config.type == configuration.log_config.type)
    config.config.insert(configuration.log_config.config.begin(), configuration.log_config.config.end());
}

void check_log_config(const LogConfig& config) {
  const auto* driver = std::ranges::find(kDrivers, std::string_view(config.type), &Driver::name);
  if (driver == std::end(kDrivers)) fail_invalid("logger: no log driver named '", config.type, "' is registered");
  if (config.type == "none") return;
  check_common(config.config);
  for (const auto& [name, value] : config.config)
    if (!contains(kCommon, name) && !contains(kAttributes, name) && !contains(driver->own, name))
      refuse_option(driver->name, name);
  check_tag(log_value(config.config, "tag"));
  driver->check(config.config);
}

}  // namespace hull::container
