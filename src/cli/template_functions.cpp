// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "cli/table.h"
#include "cli/template.h"
#include "cli/units.h"

namespace hull::cli::templates {
namespace {

using Arguments = std::vector<Value>;

int compare(const Value& a, const Value& b) {
  if (a.is_text() && b.is_text()) return a.text().compare(b.text());
  if ((a.is_integer() || a.is_real()) && (b.is_integer() || b.is_real()))
    return a.real() < b.real() ? -1 : a.real() > b.real();
  if (a.is_bool() && b.is_bool()) return a.boolean() - b.boolean();
  if (a.is_null() || b.is_null()) return a.is_null() && b.is_null() ? 0 : 1;
  fail_invalid("incompatible types for comparison");
}

Value equal(const Arguments& a) {
  return std::any_of(a.begin() + 1, a.end(), [&](const Value& one) { return compare(a[0], one) == 0; });
}

Value index(const Arguments& a) {
  const Value* value = &a[0];
  static const Value kNull;
  for (std::size_t i = 1; i < a.size(); ++i) {
    if (value->is_null()) fail_invalid("index of untyped nil");
    if (value->is_map()) {
      const Value* member = value->find_exact(a[i].text());
      value = member ? member : &kNull;
    } else if (value->is_list()) {
      std::int64_t at = a[i].integer(), size = static_cast<std::int64_t>(value->list().size());
      if (at < 0 || at >= size) fail_invalid("index out of range: ", at);
      value = &value->list()[static_cast<std::size_t>(at)];
    } else {
      fail_invalid("can't index item of type ", value->is_text() ? "string" : "interface {}");
    }
  }
  return *value;
}

Value length(const Arguments& a) {
  if (a[0].is_text()) return static_cast<std::int64_t>(a[0].text().size());
  if (a[0].is_map()) return static_cast<std::int64_t>(a[0].map().size());
  if (a[0].is_list()) return static_cast<std::int64_t>(a[0].list().size());
  fail_invalid("len of type ", printed(a[0]));
}

std::string go_quoted(const Value& value) { return value.is_text() ? to_json(value) : printed(value); }

// %[flags][width][.precision]verb for the verbs that formats use.
Value formatted(const Arguments& a) {
  std::string out, format = a[0].text();
  std::size_t next = 1;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      out += format[i];
      continue;
    }
    auto end = format.find_first_not_of("0123456789.+- #", i + 1);
    if (end == std::string::npos) return out + "%!(NOVERB)";
    std::string_view layout = std::string_view(format).substr(i + 1, end - i - 1);
    char verb = format[i = end];
    if (verb == '%') {
      out += '%';
      continue;
    }
    if (next >= a.size()) {
      out += cat("%!", verb, "(MISSING)");
      continue;
    }
    const Value& value = a[next++];
    bool left = layout.starts_with('-'), zeros = layout.starts_with('0');
    auto [width_text, precision_text] =
        split_once(layout.substr(layout.find_first_not_of("+- #0") == layout.npos ? layout.size()
                                                                                  : layout.find_first_not_of("+- #0")),
                   '.');
    std::string text = verb == 'q' ? go_quoted(value) : printed(value);
    if (verb == 'f')
      text = fixed(value.real(), parse_number<int>(precision_text.value_or("6")).value_or(6));
    else if (verb == 'x' && value.is_integer()) {
      char digits[20];
      text.assign(digits, std::to_chars(digits, digits + sizeof digits, value.integer(), 16).ptr);
    } else if (precision_text && value.is_text()) {
      text.resize(std::min<std::size_t>(text.size(), parse_number<std::size_t>(*precision_text).value_or(0)));
    }
    std::size_t width = parse_number<std::size_t>(width_text).value_or(0), have = text_columns(text);
    std::string fill(width > have ? width - have : 0, zeros ? '0' : ' ');
    out += left ? text + fill : fill + text;
  }
  return out;
}

Value joined(const Arguments& a) {
  std::vector<std::string> parts;
  for (const Value& item : a[0].list()) parts.push_back(printed(item));
  return join(parts, a[1].text());
}

Value split_text(const Arguments& a) {
  Value out = Value::empty_list();
  const std::string &text = a[0].text(), &separator = a[1].text();
  std::size_t from = 0;
  for (std::size_t at; !separator.empty() && (at = text.find(separator, from)) != std::string::npos;
       from = at + separator.size())
    out.push(text.substr(from, at - from));
  out.push(text.substr(from));
  return out;
}

Value title(const Arguments& a) {
  std::string out = a[0].text();
  for (bool start = true; char& c : out) {
    if (start && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    start = c == ' ';
  }
  return out;
}

Value padded(const Arguments& a) {
  if (a[0].text().empty()) return a[0];
  auto blanks = [](const Value& count) {
    return std::string(static_cast<std::size_t>(std::max<std::int64_t>(count.integer(), 0)), ' ');
  };
  return cat(blanks(a[1]), a[0].text(), blanks(a[2]));
}

Value truncated(const Arguments& a) {
  auto size = static_cast<std::size_t>(std::max<std::int64_t>(a[1].integer(), 0));
  return a[0].text().substr(0, size);
}

Value without_hidden(const Value& value) {
  if (!value.is_map()) return value;
  Value out = Value::empty_map();
  for (const auto& [key, item] : value.map())
    if (!key.starts_with(kHidden)) out.set(key, item);
  return out;
}

Value printed_line(const Arguments& a, std::string_view end, bool always_blank) {
  std::string out;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (i && (always_blank || !(a[i].is_text() || a[i - 1].is_text()))) out += ' ';
    out += printed(a[i]);
  }
  return cat(out, end);
}

Value slice(const Arguments& a) {
  auto size = static_cast<std::int64_t>(a[0].is_text() ? a[0].text().size() : a[0].list().size());
  std::int64_t from = a.size() > 1 ? a[1].integer() : 0, to = a.size() > 2 ? a[2].integer() : size;
  if (from < 0 || to > size || from > to) fail_invalid("index out of range: ", to > size ? to : from);
  if (a[0].is_text()) return a[0].text().substr(static_cast<std::size_t>(from), static_cast<std::size_t>(to - from));
  return Value::List(a[0].list().begin() + from, a[0].list().begin() + to);
}

struct Function {
  std::string_view name;
  std::size_t least, most;  // arguments
  Value (*call)(const Arguments& arguments);
};

constexpr std::size_t kAny = static_cast<std::size_t>(-1);
constexpr Function kFunctions[] = {
    {"and", 1, kAny, [](const Arguments& a) { return a.back(); }},
    {"or", 1, kAny, [](const Arguments& a) { return a.back(); }},
    {"not", 1, 1, [](const Arguments& a) -> Value { return !truth(a[0]); }},
    {"eq", 2, kAny, equal},
    {"ne", 2, 2, [](const Arguments& a) -> Value { return compare(a[0], a[1]) != 0; }},
    {"lt", 2, 2, [](const Arguments& a) -> Value { return compare(a[0], a[1]) < 0; }},
    {"le", 2, 2, [](const Arguments& a) -> Value { return compare(a[0], a[1]) <= 0; }},
    {"gt", 2, 2, [](const Arguments& a) -> Value { return compare(a[0], a[1]) > 0; }},
    {"ge", 2, 2, [](const Arguments& a) -> Value { return compare(a[0], a[1]) >= 0; }},
    {"index", 1, kAny, index},
    {"slice", 1, 3, slice},
    {"len", 1, 1, length},
    {"print", 0, kAny, [](const Arguments& a) { return printed_line(a, "", false); }},
    {"println", 0, kAny, [](const Arguments& a) { return printed_line(a, "\n", true); }},
    {"printf", 1, kAny, formatted},
    {"json", 1, 1, [](const Arguments& a) -> Value { return to_json(without_hidden(a[0])); }},
    {"join", 2, 2, joined},
    {"split", 2, 2, split_text},
    {"title", 1, 1, title},
    {"lower", 1, 1, [](const Arguments& a) -> Value { return lower(a[0].text()); }},
    {"upper", 1, 1, [](const Arguments& a) -> Value { return upper(a[0].text()); }},
    {"pad", 3, 3, padded},
    {"truncate", 2, 2, truncated},
    {"table", 1, 1, [](const Arguments& a) { return a[0]; }},
};

const Function* find(std::string_view name) {
  auto found = std::ranges::find(kFunctions, name, &Function::name);
  return found == std::end(kFunctions) ? nullptr : found;
}

void append(std::string& out, const Value& value, bool top) {
  if (value.is_null()) {
    out += top ? "<no value>" : "<nil>";
  } else if (value.is_text()) {
    out += value.text();
  } else if (value.is_list()) {
    out += '[';
    for (bool first = true; const Value& item : value.list()) {
      if (!std::exchange(first, false)) out += ' ';
      append(out, item, false);
    }
    out += ']';
  } else if (value.is_map()) {
    auto members = value.map();
    std::ranges::sort(members, {}, &std::pair<std::string, Value>::first);
    out += "map[";
    for (bool first = true; const auto& [key, item] : members) {
      if (key.starts_with(kHidden)) continue;
      if (!std::exchange(first, false)) out += ' ';
      out += cat(key, ":");
      append(out, item, false);
    }
    out += ']';
  } else {
    out += to_json(value);
  }
}

}  // namespace

bool is_function(std::string_view name) { return find(name) != nullptr; }

std::optional<Value> call_function(std::string_view name, const std::vector<Value>& arguments) {
  const Function* function = find(name);
  if (!function) return std::nullopt;
  if (arguments.size() < function->least || arguments.size() > function->most)
    fail_invalid("wrong number of args for ", name, ": want ", function->least, " got ", arguments.size());
  return function->call(arguments);
}

bool truth(const Value& value) {
  if (value.is_bool()) return value.boolean();
  if (value.is_integer() || value.is_real()) return value.real() != 0;
  if (value.is_text()) return !value.text().empty();
  return !value.list().empty() || !value.map().empty();
}

std::string printed(const Value& value) {
  std::string out;
  append(out, value, true);
  return out;
}

}  // namespace hull::cli::templates
