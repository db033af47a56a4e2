// SPDX-License-Identifier: Apache-2.0
#include <sys/utsname.h>

#include <cstdlib>
#include <regex>

#include "base/error.h"
#include "base/id.h"
#include "container/log_drivers.h"
#include "container/log_values.h"
#include "linux/client_socket.h"

// From a container's LogConfig to what its shim is told.
namespace hull::container {

namespace {

using shim::LogFormat;
using shim::LogTransport;
using shim::RemoteLogOptions;

constexpr std::int64_t kFileSize = 20 << 20;  // of each file, where nobody said anything else; all drivers
constexpr std::int32_t kFiles = 5;
constexpr std::int64_t kBuffer = 1 << 20;
constexpr std::int64_t kAsyncBuffer = 8 << 20;  // Docker counts messages only
constexpr const char* kJournal = "/run/systemd/journal/socket";
constexpr std::string_view kContext = "failed to create task for container: failed to initialize logging driver";

bool is_file_driver(const std::string& driver) { return driver == "json-file" || driver == "local"; }

bool caches(const LogConfig& config) {
  if (is_file_driver(config.type) || config.type == "none") return false;
  std::string disabled = log_value(config.config, "cache-disabled");
  return disabled.empty() || !parse_log_flag(disabled);
}

std::string host_name() {
  utsname names{};
  ::uname(&names);
  return names.nodename;
}

// Labels and variables that the options name, as the protocol wants its names.
StringMap extra_attributes(const State& state, std::string (*rename)(std::string)) {
  const StringMap& options = state.spec->host.log_config.config;
  StringMap variables, extra;
  for (const std::string& variable : state.spec->config.env.value_or(Strings{})) {
    auto [name, value] = split_once(variable, '=');
    if (value) variables[std::string(name)] = *value;
  }
  auto select = [&](const std::string& option, const StringMap& from) {
    std::string names = log_value(options, option), pattern = log_value(options, option + "-regex");
    if (!names.empty())
      for (std::string_view name : split(names, ','))
        if (auto found = from.find(std::string(name)); found != from.end()) extra[rename(found->first)] = found->second;
    if (pattern.empty()) return;
    std::regex expression(pattern);
    for (const auto& [name, value] : from)
      if (std::regex_search(name, expression)) extra[rename(name)] = value;
  };
  select("labels", state.spec->config.labels);
  select("env", variables);
  return extra;
}

std::string as_it_is(std::string name) { return name; }
std::string for_gelf(std::string name) { return name.starts_with('_') ? name : "_" + name; }

// Capital letters, digits and underscores, none of these at the front.
std::string for_journal(std::string name) {
  std::string out;
  for (char c : upper(name)) {
    bool plain = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain || !out.empty()) out += plain ? c : '_';
  }
  return out;
}

std::string command_of(const State& state) {
  std::string command = state.spec->path;
  for (const std::string& argument : state.spec->args) command += " " + argument;
  return command;
}

std::string tag_of(const State& state, const std::string& usual) {
  std::string text = log_value(state.spec->host.log_config.config, "tag");
  if (text.empty()) text = usual;
  if (text.empty()) return text;
  const Spec& spec = *state.spec;
  TagFacts facts;
  facts.fields = {
      {"ID", short_id(state.id)},          {"FullID", state.id},
      {"ContainerID", state.id},           {"Name", state.name},
      {"ContainerName", "/" + state.name}, {"ImageID", spec.image_id.substr(0, 12)},
      {"ImageFullID", spec.image_id},      {"ContainerImageID", spec.image_id},
      {"ImageName", spec.config.image},    {"ContainerImageName", spec.config.image},
      {"ContainerEntrypoint", spec.path},  {"ContainerCreated", format_rfc3339({spec.created})},
      {"Command", command_of(state)},      {"Hostname", host_name()},
      {"LogPath", state.log_path},         {"DaemonName", "docker"}};  // what parsers of {{.DaemonName}}/{{.Name}} know
  facts.labels = spec.config.labels;
  facts.extra = extra_attributes(state, as_it_is);
  return render_log_tag(text, facts);
}

shim::LogFileOptions file_options(const LogSource& source, const StringMap& options, std::string_view prefix,
                                  bool compress) {
  auto value = [&](std::string_view name) { return log_value(options, cat(prefix, name)); };
  shim::LogFileOptions file;
  file.format = source.format;
  file.path = source.path;
  file.max_size = kFileSize;
  file.max_files = kFiles;
  SizeUnits units = source.format == LogFormat::kJson ? SizeUnits::kDecimal : SizeUnits::kBinary;
  if (auto text = value("max-size"); !text.empty()) file.max_size = parse_log_size(text, units);
  if (auto text = value("max-file"); !text.empty())
    file.max_files = static_cast<std::int32_t>(parse_log_count("max-file", text));
  if (auto text = value("compress"); !text.empty()) compress = parse_log_flag(text);
  file.compress = compress && file.max_files > 1 && file.max_size > 0;
  return file;
}

void set_address(RemoteLogOptions& remote, const LogAddress& address) {
  remote.transport = address.transport;
  bool is_path = address.transport == LogTransport::kUnix || address.transport == LogTransport::kUnixDatagram ||
                 address.transport == LogTransport::kUnixAny;
  try {
    remote.address = is_path ? address.place : linux::resolve_endpoint(address.place);
  } catch (const Error& e) {
    throw e.within(kContext);
  }
}

void plan_syslog(RemoteLogOptions& remote, const StringMap& options, const Configuration& configuration) {
  auto address = parse_syslog_address(log_value(options, "syslog-address"));
  set_address(remote, address);
  remote.protocol = parse_syslog_format(log_value(options, "syslog-format"));
  remote.facility = parse_syslog_facility(log_value(options, "syslog-facility"));
  if (remote.transport != LogTransport::kTls) return;
  remote.tls_command = {configuration.tls_program,
                        remote.address,
                        address.place,
                        log_value(options, "syslog-tls-ca-cert"),
                        log_value(options, "syslog-tls-cert"),
                        log_value(options, "syslog-tls-key"),
                        options.contains("syslog-tls-skip-verify") ? "skip-verify" : "verify"};
}

void plan_gelf(RemoteLogOptions& remote, const State& state, const StringMap& options) {
  set_address(remote, parse_gelf_address(log_value(options, "gelf-address")));
  remote.protocol = shim::LogProtocol::kGelf;
  remote.attributes = {{"_command", command_of(state)},
                       {"_container_id", state.id},
                       {"_container_name", state.name},
                       {"_created", format_rfc3339({state.spec->created})},
                       {"_image_id", state.spec->image_id},
                       {"_image_name", state.spec->config.image},
                       {"_tag", remote.tag}};
  remote.attributes.merge(extra_attributes(state, for_gelf));
  std::string type = log_value(options, "gelf-compression-type");
  remote.compress_gzip = type.empty() || type == "gzip";
  remote.compress_zlib = type == "zlib";
  if (auto level = parse_number<std::int32_t>(log_value(options, "gelf-compression-level")))
    remote.compression_level = *level;
  remote.retry_milliseconds = 1000;
  if (auto seconds = parse_number<std::int64_t>(log_value(options, "gelf-tcp-reconnect-delay")))
    remote.retry_milliseconds = *seconds * 1000;
  if (auto most = parse_number<std::int64_t>(log_value(options, "gelf-tcp-max-reconnect"))) remote.max_retries = *most;
}

void plan_fluentd(RemoteLogOptions& remote, const State& state, const StringMap& options,
                  const Configuration& configuration) {
  auto flag = [&](const char* name) {
    auto value = log_value(options, name);
    return !value.empty() && parse_log_flag(value);
  };
  bool async = flag("fluentd-async") || flag("fluentd-async-connect");
  auto address = parse_fluentd_address(log_value(options, "fluentd-address"));
  try {
    set_address(remote, address);
  } catch (const Error&) {
    if (!async) throw;
    fail_invalid("fluentd-address ", address.place, " has no address: an asynchronous log needs one as well");
  }
  if (remote.transport == LogTransport::kTls)
    remote.tls_command = {configuration.tls_program, remote.address, address.place, "", "", "", "verify"};
  remote.protocol = shim::LogProtocol::kFluentd;
  remote.attributes = extra_attributes(state, as_it_is);
  remote.sub_second = flag("fluentd-sub-second-precision");
  remote.request_ack = flag("fluentd-request-ack");
  remote.blocks_when_down = remote.blocking && !async;
  remote.must_connect = !async;
  if (async) {
    remote.blocking = false;
    remote.buffer_bytes = std::max(remote.buffer_bytes, kAsyncBuffer);
    remote.buffer_messages = 1 << 20;
    if (auto limit = log_value(options, "fluentd-buffer-limit"); !limit.empty())
      remote.buffer_messages = parse_log_size(limit, SizeUnits::kBinary);
  }
  remote.retry_milliseconds = 1000;
  if (auto wait = log_value(options, "fluentd-retry-wait"); !wait.empty())
    remote.retry_milliseconds = parse_log_milliseconds(wait);
  if (auto most = log_value(options, "fluentd-max-retries"); !most.empty())
    remote.max_retries = parse_log_count("fluentd-max-retries", most);
}

void plan_journald(RemoteLogOptions& remote, const State& state) {
  const char* elsewhere = ::getenv("HULL_JOURNAL_SOCKET");
  remote.transport = LogTransport::kUnixDatagram;
  remote.address = elsewhere != nullptr ? elsewhere : kJournal;
  remote.protocol = shim::LogProtocol::kJournald;
  remote.attributes = {{"CONTAINER_ID", short_id(state.id)},     {"CONTAINER_ID_FULL", state.id},
                       {"CONTAINER_NAME", state.name},           {"CONTAINER_TAG", remote.tag},
                       {"IMAGE_NAME", state.spec->config.image}, {"SYSLOG_IDENTIFIER", remote.tag}};
  remote.attributes.merge(extra_attributes(state, for_journal));
}

RemoteLogOptions plan_remote(const State& state, const Configuration& configuration) {
  const LogConfig& config = state.spec->host.log_config;
  RemoteLogOptions remote;
  remote.tag = tag_of(state, "{{.ID}}");
  remote.host_name = host_name();
  remote.container_id = state.id;
  remote.container_name = "/" + state.name;
  remote.blocking = log_value(config.config, "mode") != "non-blocking";
  remote.buffer_bytes = kBuffer;
  if (auto size = log_value(config.config, "max-buffer-size"); !size.empty())
    remote.buffer_bytes = parse_log_size(size, SizeUnits::kBinary);
  if (config.type == "syslog") plan_syslog(remote, config.config, configuration);
  if (config.type == "gelf") plan_gelf(remote, state, config.config);
  if (config.type == "fluentd") plan_fluentd(remote, state, config.config, configuration);
  if (config.type == "journald") plan_journald(remote, state);
  if (remote.transport == LogTransport::kTls && configuration.tls_program.empty())
    fail_invalid(kContext, ": TLS needs the program hull-log-tls, which is not installed");
  return remote;
}

}  // namespace

std::optional<LogSource> log_source(const State& state, const std::string& directory) {
  const LogConfig& config = state.spec->host.log_config;
  if (config.type == "json-file") return LogSource{state.log_path, LogFormat::kJson};
  if (config.type == "local") return LogSource{directory + "/local-logs/container.log", LogFormat::kLocal};
  if (!caches(config)) return std::nullopt;
  return LogSource{directory + "/local-logs/container-cached.log", LogFormat::kLocal};
}

shim::LogOptions plan_log(const State& state, const Configuration& configuration, const std::string& directory) {
  const LogConfig& config = state.spec->host.log_config;
  shim::LogOptions options;
  auto source = log_source(state, directory);
  if (is_file_driver(config.type)) {
    bool json = config.type == "json-file";
    options.file = file_options(*source, config.config, "", !json);
    options.file->attributes = extra_attributes(state, as_it_is);
    if (auto tag = tag_of(state, ""); !tag.empty()) options.file->attributes["tag"] = tag;
  } else if (config.type != "none") {
    options.remote = plan_remote(state, configuration);
    if (source) options.file = file_options(*source, config.config, "cache-", true);
  }
  return options;
}

}  // namespace hull::container
