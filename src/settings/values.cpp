// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/size.h"
#include "oci/json.h"
#include "settings/options.h"

// How each type of value is written, in daemon.json and as a flag.
namespace hull::settings {

template <class Visitor>
void fields(Visitor& visit, RuntimeOptions& value) {
  visit("BinaryName", value.binary_name, WhenEmpty::kOmit);
}
template <class Visitor>
void fields(Visitor& visit, Runtime& value) {
  visit("path", value.path, WhenEmpty::kOmit);
  visit("runtimeType", value.runtime_type, WhenEmpty::kOmit);
  visit("runtimeArgs", value.runtime_args, WhenEmpty::kOmit);
  visit("options", value.options, WhenEmpty::kOmit);
}
template <class Visitor>
void fields(Visitor& visit, Ulimit& value) {
  visit("Name", value.name);
  visit("Hard", value.hard);
  visit("Soft", value.soft);
}
template <class Visitor>
void fields(Visitor& visit, AddressPool& value) {
  visit("base", value.base);
  visit("size", value.size);
}

namespace {

// Where a map's key also stands in the value.
void complete(std::map<std::string, Ulimit>& limits) {
  for (auto& [name, limit] : limits) limit.name = name;
}
template <class Value>
void complete(Value&) {}

template <class Value>
void read_value(const Json& json, const std::string& key, Value& into) {
  json_detail::Reader::read(json, into, json_detail::Path(key));
  complete(into);
}
void read_value(const Json& json, const std::string& key, Size& into) {
  if (!json.is_string()) return read_value(json, key, into.bytes);
  auto size = parse_size(json.get<std::string>());
  if (!size) fail_invalid(key, ": invalid size: ", hull::quoted(json.get<std::string>()));
  into.bytes = *size;
}
void read_value(const Json& json, const std::string& key, std::string& into) {
  if (json.is_object())  // kept as it is
    into = dump_json(json);
  else
    json_detail::Reader::read(json, into, json_detail::Path(key));
}

template <class Value>
Json write_value(const Value& value) {
  return hull::to_json(value);
}
Json write_value(const Size& value) { return value.bytes; }

// The two sides of "a=b", neither of them empty.
std::pair<std::string, std::string> pair_of(std::string_view text, std::string_view form) {
  auto [name, value] = split_once(text, '=');
  if (name.empty() || !value || value->empty()) fail_invalid("it must have the form ", form);
  return {std::string(name), std::string(*value)};
}

bool switch_of(std::string_view text) {
  std::string value = lower(text);
  for (std::string_view yes : {"true", "1", "t", ""})
    if (value == yes) return true;
  for (std::string_view no : {"false", "0", "f"})
    if (value == no) return false;
  fail_invalid("it must be true or false");
}

template <std::integral Number>
void parse(std::string_view text, Number& into) {
  auto value = parse_number<Number>(text);
  if (!value) fail_invalid("it must be a whole number");
  into = *value;
}
void parse(std::string_view text, bool& into) { into = switch_of(text); }
void parse(std::string_view text, std::string& into) { into = text; }
void parse(std::string_view text, Size& into) {
  auto size = parse_size(text);
  if (!size) fail_invalid("it must be a size such as 64m");
  into.bytes = *size;
}
void parse(std::string_view text, Strings& into) { into.emplace_back(text); }
void parse(std::string_view text, StringMap& into) {
  auto [name, value] = split_once(text, '=');
  if (name.empty() || !value) fail_invalid("it must have the form key=value");
  into[std::string(name)] = *value;
}
void parse(std::string_view text, std::map<std::string, bool>& into) {
  auto [name, value] = split_once(text, '=');
  into[std::string(name)] = switch_of(value.value_or(""));
}
void parse(std::string_view text, std::map<std::string, Runtime>& into) {
  auto [name, path] = pair_of(text, "name=path");
  into[name].path = path;
}
void parse(std::string_view text, std::map<std::string, Ulimit>& into) {
  auto [name, limits] = pair_of(text, "name=soft[:hard]");
  auto [soft, hard] = split_once(limits, ':');
  Ulimit limit{.name = name};
  parse(soft, limit.soft);
  parse(hard.value_or(soft), limit.hard);
  into[name] = limit;
}
void parse(std::string_view text, std::vector<AddressPool>& into) {
  AddressPool pool;
  for (auto part : split(text, ',')) {
    auto [name, value] = pair_of(part, "base=address/prefix,size=prefix");
    if (name == "base")
      pool.base = value;
    else if (name == "size")
      parse(value, pool.size);
    else
      fail_invalid("unknown part ", hull::quoted(name), ": it must have the form base=address/prefix,size=prefix");
  }
  into.push_back(pool);
}
void parse(std::string_view text, std::map<std::string, StringMap>& into) {
  auto [driver, rest] = pair_of(text, "driver=key=value");
  parse(std::string_view(rest), into[driver]);
}

}  // namespace

void read_json(const JsonValue& json, const Option& option, Settings& into) {
  std::visit([&](auto place) { read_value(json, std::string(option.key), into.*place); }, option.place);
}

JsonValue to_json(const Settings& settings, const Option& option) {
  return std::visit([&](auto place) { return write_value(settings.*place); }, option.place);
}

void read_flag(std::string_view text, const Option& option, Settings& into) {
  try {
    std::visit([&](auto place) { parse(text, into.*place); }, option.place);
  } catch (const Error& e) {
    fail_invalid("invalid argument ", hull::quoted(text), " for \"--", option.flag, "\" flag: ", e.message());
  }
}

}  // namespace hull::settings
