// SPDX-License-Identifier: Apache-2.0
#include "container/log_values.h"

#include <algorithm>
#include <array>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/size.h"

namespace hull::container {

namespace {

using shim::LogTransport;

constexpr std::string_view kFluentdPort = "24224", kSyslogPort = "514";

struct Url {
  std::string scheme, host, path;
};
std::optional<Url> split_url(const std::string& text) {
  auto colon = text.find("://");
  if (colon == text.npos) return std::nullopt;
  std::string rest = text.substr(colon + 3);
  auto slash = rest.find('/');
  return Url{text.substr(0, colon), rest.substr(0, slash), slash == rest.npos ? "" : rest.substr(slash)};
}

// A port may be missing when there is a usual one.
std::string with_port(const std::string& option, const std::string& host, std::string_view usual_port) {
  auto bracket = host.rfind(']');
  auto colon = host.rfind(':');
  bool has_port = colon != host.npos && (bracket == host.npos || colon > bracket);
  if (!has_port && usual_port.empty()) fail_invalid(option, ": address ", host, ": missing port in address");
  if (!has_port) return cat(host, ":", usual_port);
  if (!parse_number<std::uint16_t>(std::string_view(host).substr(colon + 1)))
    fail_invalid("invalid ", option, " ", host, ": the port must be a number up to 65535");
  return host;
}

}  // namespace

std::string log_value(const StringMap& options, const std::string& name) {
  auto found = options.find(name);
  return found == options.end() ? "" : found->second;
}

std::int64_t parse_log_size(std::string_view text, SizeUnits units) {
  if (text == "-1") return -1;
  auto size = parse_size(text, units == SizeUnits::kBinary ? 1024 : 1000);
  if (!size) fail_invalid("invalid size: '", text, "'");
  return *size;
}

bool parse_log_flag(std::string_view text) {
  for (std::string_view yes : {"1", "t", "T", "true", "TRUE", "True"})
    if (text == yes) return true;
  for (std::string_view no : {"0", "f", "F", "false", "FALSE", "False"})
    if (text == no) return false;
  fail_invalid("strconv.ParseBool: parsing ", quoted(text), ": invalid syntax");
}

std::int64_t parse_log_count(std::string_view name, std::string_view text) {
  auto number = parse_number<std::int64_t>(text);
  if (!number || *number < 0) fail_invalid("invalid value for ", name, ": ", quoted(text), ": it must be a number");
  return *number;
}

std::int64_t parse_log_milliseconds(std::string_view text) {
  auto duration = parse_duration(text);
  if (!duration) fail_invalid("time: invalid duration ", quoted(text));
  return duration->count() / 1'000'000;
}

// Without an address: the machine's own daemon.
LogAddress parse_syslog_address(const std::string& text) {
  if (text.empty()) {
    for (const char* path : {"/dev/log", "/var/run/syslog", "/var/run/log"})
      if (exists(path)) return {LogTransport::kUnixAny, path};
    return {LogTransport::kUnixAny, "/dev/log"};
  }
  auto url = split_url(text);
  if (!url) fail_invalid("syslog-address should be in form proto://address, got ", text);
  if (url->scheme == "unix" || url->scheme == "unixgram") {
    if (!exists(url->path)) fail_invalid("stat ", url->path, ": no such file or directory");
    return {url->scheme == "unix" ? LogTransport::kUnix : LogTransport::kUnixDatagram, url->path};
  }
  std::string place = with_port("syslog-address", url->host, kSyslogPort);
  if (url->scheme == "udp") return {LogTransport::kUdp, place};
  if (url->scheme == "tcp") return {LogTransport::kTcp, place};
  if (url->scheme == "tcp+tls") return {LogTransport::kTls, place};
  fail_invalid("syslog-address should be in form proto://address, got ", text);
}

LogAddress parse_gelf_address(const std::string& text) {
  auto url = split_url(text);
  if (text.empty()) fail_invalid("gelf: please provide gelf-address as proto://host:port");
  if (!url) fail_invalid("gelf-address should be in form proto://address, got ", text);
  if (url->scheme != "udp" && url->scheme != "tcp") fail_invalid("gelf: endpoint needs to be TCP or UDP");
  if (url->host.find(':') == std::string::npos) fail_invalid("gelf: please provide gelf-address as proto://host:port");
  return {url->scheme == "udp" ? LogTransport::kUdp : LogTransport::kTcp, with_port("gelf-address", url->host, {})};
}

LogAddress parse_fluentd_address(const std::string& text) {
  if (text.empty()) return {LogTransport::kTcp, cat("127.0.0.1:", kFluentdPort)};
  auto url = split_url(text).value_or(Url{"tcp", text, ""});
  if (url.scheme == "unix") {
    if (url.path.empty()) fail_invalid("invalid fluentd-address ", text, ": path is empty");
    return {LogTransport::kUnix, url.path};
  }
  if (url.scheme != "tcp" && url.scheme != "tls") fail_invalid("unsupported scheme: ", quoted(url.scheme));
  if (!url.path.empty()) fail_invalid("invalid fluentd-address ", text, ": should not contain a path element");
  return {url.scheme == "tcp" ? LogTransport::kTcp : LogTransport::kTls,
          with_port("fluentd-address", url.host, kFluentdPort)};
}

std::int32_t parse_syslog_facility(const std::string& text) {
  constexpr std::array<std::string_view, 24> kFacilities = {
      "kern",   "user",   "mail",     "daemon", "auth",   "syslog", "lpr",    "news",
      "uucp",   "cron",   "authpriv", "ftp",    "",       "",       "",       "",
      "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7"};
  if (text.empty()) return 3;
  const auto* found = std::ranges::find(kFacilities, text);
  if (found != kFacilities.end()) return static_cast<std::int32_t>(found - kFacilities.begin());
  auto number = parse_number<std::int32_t>(text);
  if (!number || *number < 0 || *number > 23) fail_invalid("invalid syslog facility");
  return *number;
}

shim::LogProtocol parse_syslog_format(const std::string& text) {
  if (text.empty()) return shim::LogProtocol::kSyslogUnix;
  if (text == "rfc3164") return shim::LogProtocol::kSyslogRfc3164;
  if (text == "rfc5424") return shim::LogProtocol::kSyslogRfc5424;
  if (text == "rfc5424micro") return shim::LogProtocol::kSyslogRfc5424Micro;
  fail_invalid("Invalid syslog format");
}

}  // namespace hull::container
