// SPDX-License-Identifier: Apache-2.0
#include "linux/unit_property.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

#include "base/error.h"
#include "base/text.h"
#include "linux/dbus.h"

namespace hull::linux {

namespace {

constexpr std::string_view kPrefix = "org.systemd.property.";

// The types with a keyword of their own. 16-bit numbers, doubles and structures are no unit's property.
struct Keyword {
  std::string_view word;
  char type;
};
constexpr Keyword kKeywords[] = {{"boolean", 'b'}, {"byte", 'y'},   {"int32", 'i'}, {"uint32", 'u'},
                                 {"int64", 'x'},   {"uint64", 't'}, {"string", 's'}};

std::optional<char> type_of_keyword(std::string_view word) {
  for (const Keyword& keyword : kKeywords)
    if (keyword.word == word) return keyword.type;
  return std::nullopt;
}

bool is_basic(char type) {
  return std::any_of(std::begin(kKeywords), std::end(kKeywords), [&](const Keyword& one) { return one.type == type; });
}

struct Value {
  std::string signature;
  std::uint64_t number = 0;  // two's complement, where the type has a sign
  std::string text{};
  std::vector<Value> elements{};
};

void append(DbusWriter& out, const Value& value) {
  switch (value.signature[0]) {
    case 'y': out.byte(static_cast<std::uint8_t>(value.number)); break;
    case 'b':
    case 'i':
    case 'u': out.number32(static_cast<std::uint32_t>(value.number)); break;
    case 'x':
    case 't': out.number64(value.number); break;
    case 's': out.text(value.text); break;
    default: {
      char element = value.signature[1];
      std::size_t alignment = element == 'y' ? 1 : element == 'x' || element == 't' ? 8 : 4;
      out.array(alignment, [&](DbusWriter& list) {
        for (const Value& one : value.elements) append(list, one);
      });
    }
  }
}

template <class Number>
std::uint64_t number_in_range(std::string_view text, std::string_view all) {
  bool negative = text.starts_with('-'), hexadecimal = text.substr(negative).starts_with("0x");
  std::string digits = cat(negative ? "-" : "", text.substr((negative ? 1 : 0) + (hexadecimal ? 2 : 0)));
  auto number = parse_number<Number>(digits, hexadecimal ? 16 : 10);
  if (!number) fail_invalid(quoted(text), " in ", quoted(all), " is not a number of its type");
  return static_cast<std::uint64_t>(*number);
}

// Reads one value from the front. `expected`: the type that it must have, or '\0' for the one that its form has.
class TextReader {
 public:
  explicit TextReader(std::string_view text) : all_(text), rest_(trim(text)) {}

  Value whole() {
    Value value = any('\0');
    if (!rest_.empty()) refuse();
    return value;
  }

 private:
  [[noreturn]] void refuse() const {
    fail_invalid(quoted(all_),
                 " is not a value for systemd: known are numbers, 'text', true, false, types like uint64 "
                 "in front, and lists of them");
  }

  void pass(std::size_t size) { rest_ = trim(rest_.substr(size)); }

  std::string_view next_word() const {
    auto end = std::find_if_not(rest_.begin(), rest_.end(), [](unsigned char c) { return std::isalnum(c); });
    return rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
  }

  // With a type in front, or without.
  Value any(char expected) {
    if (rest_.starts_with('@')) return typed();
    auto type = type_of_keyword(next_word());
    if (!type) return bare(expected);
    if (expected && expected != *type) refuse();
    pass(next_word().size());
    if (rest_.starts_with('[')) refuse();  // the type of a list is of the other form
    return bare(*type);
  }

  Value bare(char expected) {
    if (rest_.empty()) refuse();
    char first = rest_[0];
    if (first == '[') return list(expected);
    if (first == '\'' || first == '"') return quoted_text(expected);
    if (std::isdigit(static_cast<unsigned char>(first)) || first == '-') return number(expected ? expected : 'i');
    std::string_view found = next_word();
    if ((found != "true" && found != "false") || (expected && expected != 'b')) refuse();
    bool is_true = found == "true";
    pass(found.size());
    return {"b", is_true};
  }

  // "@as []", "@t 5".
  Value typed() {
    pass(1);
    bool is_list = rest_.starts_with('a');
    if (is_list) pass(1);
    if (rest_.empty() || !is_basic(rest_[0])) refuse();
    char type = rest_[0];
    pass(1);
    if (is_list != rest_.starts_with('[')) refuse();
    return bare(type);
  }

  Value list(char element) {
    Value value;
    pass(1);
    while (!rest_.starts_with(']')) {
      if (rest_.starts_with('[') || rest_.starts_with('@')) refuse();  // no list of lists
      value.elements.push_back(any(element));
      element = value.elements.back().signature[0];
      if (rest_.starts_with(','))
        pass(1);
      else if (!rest_.starts_with(']'))
        refuse();
    }
    pass(1);
    if (!element) refuse();  // nobody says of what it has none
    value.signature = cat("a", element);
    return value;
  }

  Value quoted_text(char expected) {
    if (expected && expected != 's') refuse();
    Value value{"s"};
    std::size_t at = 1;
    for (; at < rest_.size() && rest_[at] != rest_[0]; ++at) {
      if (rest_[at] == '\\' && at + 1 < rest_.size()) ++at;
      value.text += rest_[at];
    }
    if (at >= rest_.size()) refuse();
    pass(at + 1);
    return value;
  }

  Value number(char type) {
    std::string_view text = rest_.substr(0, rest_.find_first_of(",] \t\n"));
    pass(text.size());
    Value value{std::string(1, type)};
    switch (type) {
      case 'y': value.number = number_in_range<std::uint8_t>(text, all_); break;
      case 'i': value.number = number_in_range<std::int32_t>(text, all_); break;
      case 'u': value.number = number_in_range<std::uint32_t>(text, all_); break;
      case 'x': value.number = number_in_range<std::int64_t>(text, all_); break;
      case 't': value.number = number_in_range<std::uint64_t>(text, all_); break;
      default: refuse();
    }
    return value;
  }

  std::string_view all_, rest_;
};

// "90", "1.5", "uint64 90" as microseconds.
Value microseconds(std::string_view text) {
  std::string_view number = trim(text);
  auto [word, behind] = split_once(number, ' ');
  if (behind && type_of_keyword(word)) number = trim(*behind);
  auto [whole, part] = split_once(number, '.');
  std::string parts = part ? std::string(*part).substr(0, 6) : "";
  parts.resize(6, '0');
  auto seconds = parse_number<std::uint64_t>(whole), rest = parse_number<std::uint64_t>(parts);
  if (!seconds || !rest || *seconds > std::numeric_limits<std::uint64_t>::max() / 1'000'000 - 1)
    fail_invalid(quoted(text), " is not a number of seconds");
  return {"t", *seconds * 1'000'000 + *rest};
}

bool is_in_seconds(std::string_view name) {
  return name.size() > 3 && name.ends_with("Sec") && std::islower(static_cast<unsigned char>(name[name.size() - 4]));
}

}  // namespace

UnitSetting parse_unit_setting(std::string_view name, std::string_view text) {
  bool letters = std::all_of(name.begin(), name.end(),
                             [](unsigned char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
  if (name.size() < 3 || !letters)
    fail_invalid("annotation ", kPrefix, name, ": ", quoted(std::string(name)),
                 " is not the name of a systemd property");
  try {
    bool in_seconds = is_in_seconds(name);
    Value value = in_seconds ? microseconds(text) : TextReader(text).whole();
    UnitSetting setting{in_seconds ? cat(name.substr(0, name.size() - 3), "USec") : std::string(name), value.signature};
    setting.value = [value = std::move(value)](DbusWriter& out) { append(out, value); };
    return setting;
  } catch (const Error& e) {
    throw e.within(cat("annotation ", kPrefix, name));
  }
}

std::vector<UnitSetting> unit_settings(const std::map<std::string, std::string>& annotations) {
  std::vector<UnitSetting> settings;
  for (const auto& [key, text] : annotations)
    if (key.starts_with(kPrefix)) settings.push_back(parse_unit_setting(key.substr(kPrefix.size()), text));
  return settings;
}

}  // namespace hull::linux
