// SPDX-License-Identifier: Apache-2.0
#include "cli/value.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "base/text.h"

namespace hull::cli {
namespace {

void append_text(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (auto byte = static_cast<unsigned char>(c); byte < 0x20) {
          out += "\\u00";
          out += kHex[byte >> 4];
          out += kHex[byte & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

void append_real(std::string& out, double number) {
  char digits[400];
  double size = std::fabs(number);
  auto form = size != 0 && (size < 1e-6 || size >= 1e21) ? std::chars_format::scientific : std::chars_format::fixed;
  out.append(digits, std::to_chars(digits, digits + sizeof digits, number, form).ptr);
}

void append(std::string& out, const Value& value) {
  if (value.is_null()) {
    out += "null";
  } else if (value.is_bool()) {
    out += value.boolean() ? "true" : "false";
  } else if (value.is_integer()) {
    out += cat(value.integer());
  } else if (value.is_real()) {
    append_real(out, value.real());
  } else if (value.is_text()) {
    append_text(out, value.text());
  } else if (value.is_list()) {
    out += '[';
    for (bool first = true; const Value& item : value.list()) {
      if (!std::exchange(first, false)) out += ',';
      append(out, item);
    }
    out += ']';
  } else {
    out += '{';
    for (bool first = true; const auto& [key, item] : value.map()) {
      if (!std::exchange(first, false)) out += ',';
      append_text(out, key);
      out += ':';
      append(out, item);
    }
    out += '}';
  }
}

}  // namespace

Value Value::texts(const std::vector<std::string>& items, bool null_when_empty) {
  if (items.empty() && null_when_empty) return {};
  return Value(List(items.begin(), items.end()));
}

bool Value::boolean() const {
  const bool* value = std::get_if<bool>(&data_);
  return value && *value;
}

std::int64_t Value::integer() const {
  if (const auto* value = std::get_if<std::int64_t>(&data_)) return *value;
  const auto* value = std::get_if<double>(&data_);
  if (!value) return 0;
  // The nearest one that there is: a conversion of what does not fit is undefined.
  using Limits = std::numeric_limits<std::int64_t>;
  constexpr double kLimit = 9223372036854775808.0;  // 2 to the 63rd
  if (*value >= kLimit) return Limits::max();
  return *value < -kLimit ? Limits::min() : static_cast<std::int64_t>(*value);
}

double Value::real() const {
  if (const auto* value = std::get_if<double>(&data_)) return *value;
  return static_cast<double>(integer());
}

const std::string& Value::text() const {
  static const std::string kEmpty;
  const auto* value = std::get_if<std::string>(&data_);
  return value ? *value : kEmpty;
}

const Value::List& Value::list() const {
  static const List kEmpty;
  const auto* value = std::get_if<List>(&data_);
  return value ? *value : kEmpty;
}

const Value::Map& Value::map() const {
  static const Map kEmpty;
  const auto* value = std::get_if<Map>(&data_);
  return value ? *value : kEmpty;
}

const Value* Value::find_exact(std::string_view name) const {
  for (const auto& [key, value] : map())
    if (key == name) return &value;
  return nullptr;
}

const Value* Value::find(std::string_view name) const {
  if (const Value* exact = find_exact(name)) return exact;
  for (const auto& [key, value] : map())
    if (equals_ignoring_case(key, name)) return &value;
  return nullptr;
}

const Value& Value::operator[](std::string_view name) const {
  static const Value kNull;
  const Value* value = find(name);
  return value ? *value : kNull;
}

Value& Value::set(std::string_view name, Value value) {
  if (!is_map()) data_ = Map{};
  Map& members = std::get<Map>(data_);
  for (auto& [key, old] : members)
    if (key == name) return old = std::move(value);
  return members.emplace_back(std::string(name), std::move(value)).second;
}

void Value::push(Value value) {
  if (!is_list()) data_ = List{};
  std::get<List>(data_).push_back(std::move(value));
}

std::string to_json(const Value& value) {
  std::string out;
  append(out, value);
  return out;
}

std::string indent_json(std::string_view json, std::string_view indent) {
  std::string out;
  std::size_t depth = 0;
  auto new_line = [&] {
    out += '\n';
    for (std::size_t i = 0; i < depth; ++i) out += indent;
  };
  for (std::size_t i = 0; i < json.size(); ++i) {
    char c = json[i];
    if (c == '"') {
      std::size_t begin = i;
      for (++i; i < json.size() && json[i] != '"'; ++i)
        if (json[i] == '\\') ++i;
      out += json.substr(begin, i - begin + 1);
    } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      continue;
    } else if (c == '{' || c == '[') {
      out += c;
      auto next = json.find_first_not_of(" \t\r\n", i + 1);
      if (next != json.npos && (json[next] == '}' || json[next] == ']')) {
        out += json[next];
        i = next;
      } else {
        ++depth;
        new_line();
      }
    } else if (c == '}' || c == ']') {
      if (depth) --depth;
      new_line();
      out += c;
    } else if (c == ',') {
      out += c;
      new_line();
    } else if (c == ':') {
      out += ": ";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace hull::cli
