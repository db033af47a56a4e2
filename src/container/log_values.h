// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "container/spec.h"
#include "shim/log_options.h"

// Values of log options. All of these throw Error{kInvalidArgument} in Docker's words.
namespace hull::container {

// "20m": with units of 1000 (json-file) or 1024 (everything else). "-1" is -1.
enum class SizeUnits : unsigned char { kDecimal, kBinary };
std::int64_t parse_log_size(std::string_view text, SizeUnits units);
bool parse_log_flag(std::string_view text);  // Go's ParseBool
std::int64_t parse_log_count(std::string_view name, std::string_view text);
std::int64_t parse_log_milliseconds(std::string_view text);  // "1s", "500ms"

// The option's value, "" when it is not given.
std::string log_value(const StringMap& options, const std::string& name);

struct LogAddress {
  shim::LogTransport transport = shim::LogTransport::kUdp;
  std::string place;  // a path, or "name:port"
};
LogAddress parse_syslog_address(const std::string& text);
LogAddress parse_gelf_address(const std::string& text);
LogAddress parse_fluentd_address(const std::string& text);
std::int32_t parse_syslog_facility(const std::string& text);
shim::LogProtocol parse_syslog_format(const std::string& text);

}  // namespace hull::container
