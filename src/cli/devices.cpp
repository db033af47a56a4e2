// SPDX-License-Identifier: Apache-2.0
#include "cli/devices.h"

#include <algorithm>

#include "base/error.h"
#include "base/size.h"
#include "base/text.h"
#include "cli/mounts.h"

namespace hull::cli {
namespace {

bool is_device_mode(std::string_view text) {
  return !text.empty() && text.size() <= 3 && text.find_first_not_of("rwm") == text.npos;
}

// Splits "/dev/sda:value".
std::pair<std::string_view, std::string_view> device_and_value(std::string_view text) {
  auto [path, value] = split_once(text, ':');
  if (!value || value->empty()) fail_invalid("bad format: ", text);
  if (!path.starts_with("/dev/")) fail_invalid("bad format for device path: ", text);
  return {path, *value};
}

std::int64_t parse_count(std::string_view text) {
  if (text == "all") return -1;
  auto count = parse_number<std::int64_t>(text);
  if (!count) fail_invalid("invalid count (", text, "): value must be either \"all\" or an integer");
  return *count;
}

std::int64_t parse_limit(std::string_view text) {
  auto limit = parse_number<std::int64_t>(text);
  if (!limit) fail_invalid("strconv.ParseInt: parsing ", quoted(text), ": invalid syntax");
  return *limit;
}

Value texts_of(std::string_view list) {
  Value out = Value::empty_list();
  for (std::string_view one : split(list, ',')) out.push(one);
  return out;
}

}  // namespace

bool is_cdi_name(std::string_view text) {
  return !text.starts_with('/') && text.find('/') != text.npos && text.find('=') != text.npos;
}

Value parse_device(std::string_view text) {
  auto parts = split(text, ':');
  std::string_view host = parts[0], inside = host, mode = "rwm";
  if (parts.size() == 3) {
    inside = parts[1];
    mode = parts[2];
    if (!is_device_mode(mode)) fail_invalid("bad mode specified: ", mode);
  } else if (parts.size() == 2) {
    (is_device_mode(parts[1]) ? mode : inside) = parts[1];
  }
  if (parts.size() > 3 || host.empty()) fail_invalid("invalid device specification: ", text);
  if (inside.empty()) inside = host;
  if (!inside.starts_with('/')) fail_invalid(inside, " is not an absolute path");
  return Value::Map{{"PathOnHost", host}, {"PathInContainer", inside}, {"CgroupPermissions", mode}};
}

Value parse_gpus(std::string_view text) {
  std::string driver;
  std::optional<std::int64_t> count;
  Value ids, options = Value::empty_map(), capabilities = Value::List{"gpu"};
  for (const std::string& field : parse_csv(text)) {
    auto [key, value] = split_once(field, '=');
    if (!value)
      count = parse_count(field);
    else if (key == "driver")
      driver = *value;
    else if (key == "count")
      count = parse_count(*value);
    else if (key == "device")
      ids = texts_of(*value);
    else if (key == "capabilities")
      capabilities = texts_of(cat(*value, ",gpu"));
    else if (key == "options")
      for (const std::string& option : parse_csv(*value)) {
        auto [name, content] = split_once(option, '=');
        options.set(name, content.value_or(""));
      }
    else
      fail_invalid("unexpected key '", key, "' in '", field, "'");
  }
  if (!count) count = ids.is_null() ? 1 : 0;
  return Value::Map{{"Driver", driver},
                    {"Count", *count},
                    {"DeviceIDs", ids},
                    {"Capabilities", Value::List{capabilities}},
                    {"Options", options}};
}

Value parse_throttle_bytes(std::string_view text) {
  auto [path, value] = device_and_value(text);
  auto rate = parse_size(value);
  if (!rate)
    fail_invalid("invalid rate for device: ", text, ": expected <device-path>:<number>[<unit>] with unit kb, mb or gb");
  return Value::Map{{"Path", path}, {"Rate", *rate}};
}

Value parse_throttle_operations(std::string_view text) {
  auto [path, value] = device_and_value(text);
  auto rate = parse_number<std::uint64_t>(value);
  if (!rate) fail_invalid("invalid rate for device: ", text, ": expected <device-path>:<number>");
  return Value::Map{{"Path", path}, {"Rate", static_cast<std::int64_t>(*rate)}};
}

Value parse_weight_device(std::string_view text) {
  auto [path, value] = device_and_value(text);
  auto weight = parse_number<std::uint16_t>(value);
  if (!weight || (*weight != 0 && (*weight < 10 || *weight > 1000))) fail_invalid("invalid weight for device: ", text);
  return Value::Map{{"Path", path}, {"Weight", static_cast<std::int64_t>(*weight)}};
}

Value parse_ulimit(std::string_view text) {
  static constexpr std::string_view kNames[] = {"core",    "cpu",      "data",   "fsize",      "locks",
                                                "memlock", "msgqueue", "nice",   "nofile",     "nproc",
                                                "rss",     "rtprio",   "rttime", "sigpending", "stack"};
  auto [name, limits] = split_once(text, '=');
  if (!limits) fail_invalid("invalid ulimit argument: ", text);
  if (std::ranges::find(kNames, name) == std::end(kNames)) fail_invalid("invalid ulimit type: ", name);
  auto [soft_text, hard_text] = split_once(*limits, ':');
  if (hard_text && hard_text->find(':') != hard_text->npos)
    fail_invalid("too many limit value arguments - ", *limits, ", can only have up to two, `soft[:hard]`");
  std::int64_t soft = parse_limit(soft_text);
  std::int64_t hard = hard_text ? parse_limit(*hard_text) : soft;
  if (hard != -1 && (soft == -1 || soft > hard))
    fail_invalid("ulimit soft limit must be less than or equal to hard limit: ", soft, " > ", hard);
  return Value::Map{{"Name", name}, {"Hard", hard}, {"Soft", soft}};
}

Value parse_restart_policy(std::string_view text) {
  auto [name, count] = split_once(text, ':');
  std::int64_t retries = 0;
  if (count) {
    if (name.empty()) fail_invalid("invalid restart policy format: no policy provided before colon");
    auto number = parse_number<std::int64_t>(*count);
    if (!number) fail_invalid("invalid restart policy format: maximum retry count must be an integer");
    retries = *number;
  }
  return Value::Map{{"Name", name}, {"MaximumRetryCount", retries}};
}

std::int64_t parse_cpus(std::string_view text) {
  if (text.empty()) return 0;
  bool negative = text.starts_with('-');
  auto [whole, fraction] = split_once(negative ? text.substr(1) : text, '.');
  std::string digits(fraction.value_or(""));
  while (digits.ends_with('0')) digits.pop_back();
  if (digits.size() > 9) fail_invalid("value is too precise");
  digits.append(9 - digits.size(), '0');
  auto nano = parse_number<std::int64_t>(cat(whole, digits));
  if (!nano) fail_invalid("failed to parse ", text, " as a rational number");
  return negative ? -*nano : *nano;
}

std::int64_t parse_swap(std::string_view text) {
  if (text.empty()) return 0;
  if (text == "-1") return -1;
  auto bytes = parse_size(text);
  if (!bytes) fail_invalid("invalid size: '", text, "'");
  return *bytes;
}

}  // namespace hull::cli
