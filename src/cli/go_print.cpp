// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/text.h"
#include "cli/go_format.h"
#include "cli/go_type.h"
#include "cli/template.h"

namespace hull::cli {
namespace {

constexpr std::string_view kZeroTime = "0001-01-01T00:00:00Z";

bool is_empty(const Term& term) {
  switch (term.type->kind) {
    case GoType::kBool: return !term.value->boolean();
    case GoType::kInteger:
    case GoType::kUnsigned:
    case GoType::kReal: return term.value->real() == 0;
    case GoType::kText: return term.value->text().empty();
    case GoType::kList: return term.value->list().empty();
    case GoType::kMap: return term.value->map().empty();
    case GoType::kAny:
    case GoType::kPointer: return term.value->is_null();
    default: return false;
  }
}

std::vector<const std::pair<std::string, Value>*> sorted_members(const Value& map) {
  std::vector<const std::pair<std::string, Value>*> members;
  for (const auto& member : map.map())
    if (!member.first.starts_with(kHidden)) members.push_back(&member);
  std::ranges::sort(members, {}, [](const auto* member) -> const std::string& { return member->first; });
  return members;
}

void append_json(std::string& out, const Term& term);

void append_members(std::string& out, const Term& structure, bool& first) {
  for (const GoField& field : structure.type->fields) {
    if (field.json == "-") continue;
    Term member = member_of(structure, field);
    if (field.embedded) {
      member.type = member.type->target();
      append_members(out, member, first);
      continue;
    }
    if (field.left_out_when_empty && is_empty(member)) continue;
    out += cat(std::exchange(first, false) ? "" : ",", to_json(Value(field.json)), ":");
    append_json(out, member);
  }
}

void append_map_json(std::string& out, const Term& map) {
  out += '{';
  for (bool first = true; const auto* member : sorted_members(*map.value)) {
    out += cat(std::exchange(first, false) ? "" : ",", to_json(Value(member->first)), ":");
    append_json(out, {&member->second, map.type->element});
  }
  out += '}';
}

void append_json(std::string& out, const Term& term) {
  const Value& value = *term.value;
  switch (term.type->kind) {
    case GoType::kStruct: {
      out += '{';
      bool first = true;
      append_members(out, term, first);
      out += '}';
      return;
    }
    case GoType::kMap:
      if (value.is_null()) break;
      return append_map_json(out, term);
    case GoType::kList:
      if (value.is_null()) break;
      out += '[';
      for (std::size_t i = 0; i < value.list().size(); ++i) {
        if (i) out += ',';
        append_json(out, element_of(term, i));
      }
      out += ']';
      return;
    case GoType::kPointer:
    case GoType::kAny:
      if (value.is_null()) break;
      return append_json(out, indirect(term));
    case GoType::kTime: out += to_json(Value(value.is_text() ? std::string_view(value.text()) : kZeroTime)); return;
    case GoType::kText: out += value.is_null() ? "\"\"" : to_json(value); return;
    case GoType::kBool: out += value.boolean() ? "true" : "false"; return;
    default: out += value.is_null() ? "0" : to_json(value); return;
  }
  out += "null";
}

}  // namespace

std::string go_json(const Term& term) {
  std::string out;
  append_json(out, term);
  return term.type->is_row ? html_safe(out) : out;
}

std::string html_safe(std::string_view json) {
  std::string out;
  for (char c : json) {
    if (c == '<' || c == '>' || c == '&')
      out += "\\u00" + to_hex(&c, 1);
    else
      out += c;
  }
  return out;
}

// "2026-01-02T03:04:05.5+02:00" as time.Time prints: "2026-01-02 03:04:05.5 +0200 +0200", or "… +0000 UTC".
std::string go_time(std::string_view text) {
  if (text.empty()) text = kZeroTime;
  auto day_end = text.find('T');
  auto zone_at = text.find_first_of("Z+-", day_end == text.npos ? 0 : day_end);
  if (day_end == text.npos || zone_at == text.npos) return std::string(text);
  std::string clock(text.substr(day_end + 1, zone_at - day_end - 1));
  if (clock.find('.') != clock.npos) {
    clock.erase(clock.find_last_not_of('0') + 1);
    if (clock.ends_with('.')) clock.pop_back();
  }
  std::string zone(text.substr(zone_at));
  std::erase(zone, ':');
  return cat(text.substr(0, day_end), " ", clock, " ", zone == "Z" ? std::string("+0000 UTC") : cat(zone, " ", zone));
}

std::string go_text(const Term& term) { return GoFormat().text(term); }

std::string go_quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    auto known = std::string_view("\a\b\f\n\r\t\v\\\"").find(c);
    if (c && known != std::string_view::npos) {
      out += '\\';
      out += "abfnrtv\\\""[known];
    } else if (byte < 0x20 || byte == 0x7F) {
      out += "\\x" + to_hex(&c, 1);
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string go_real(double number, char verb, int precision) {
  char digits[400];
  auto form = verb == 'e' || verb == 'E'   ? std::chars_format::scientific
              : verb == 'f' || verb == 'F' ? std::chars_format::fixed
                                           : std::chars_format::general;
  double size = std::fabs(number);
  // The shortest text that is this very number; an exponent only for what is very large or small.
  if (form == std::chars_format::general && precision < 0)
    form = size != 0 && (size < 1e-4 || size >= 1e21) ? std::chars_format::scientific : std::chars_format::fixed;
  auto end = precision < 0 ? std::to_chars(digits, digits + sizeof digits, number, form).ptr
                           : std::to_chars(digits, digits + sizeof digits, number, form, precision).ptr;
  std::string out(digits, end);
  return verb == 'E' || verb == 'G' ? upper(out) : out;
}

std::string GoFormat::scalar(const Term& term) const {
  const Value& value = *term.value;
  switch (term.type->kind) {
    case GoType::kBool: return boolean(term);
    case GoType::kInteger:
    case GoType::kUnsigned: return integer(term);
    case GoType::kReal: return real(term);
    case GoType::kTime:
      return verb == 'v' || verb == 's' ? go_time(value.text()) : quoted_or_bad(term, go_time(value.text()));
    case GoType::kText:
      // A number that was read without knowing its type is its digits.
      return text_value(term, value.is_text() || value.is_null() ? value.text() : to_json(value));
    default: return {};
  }
}

std::string GoFormat::text(const Term& given, int depth) const {
  if (!given.valid()) return nothing();
  Term term = given;
  if (term.type->kind == GoType::kAny) {
    term = dynamic_term(*term.value);
    if (!term.valid()) return nothing();
  }
  switch (term.type->kind) {
    case GoType::kPointer: {
      if (term.is_nil()) return nothing();
      Term target = indirect(term);
      bool whole = target.kind() == GoType::kStruct || target.kind() == GoType::kMap || target.kind() == GoType::kList;
      return (whole ? "&" : "") + text(target, depth + 1);
    }
    case GoType::kStruct: return structure(term, depth);
    case GoType::kList: {
      std::string out = "[";
      for (std::size_t i = 0; i < term.value->list().size(); ++i)
        out += cat(i ? " " : "", text(element_of(term, i), depth + 1));
      return out + "]";
    }
    case GoType::kMap: {
      std::string out = "map[";
      for (bool first = true; const auto* member : sorted_members(*term.value)) {
        Value key(member->first);
        out += cat(std::exchange(first, false) ? "" : " ", text({&key, go_type("string")}, depth + 1), ":",
                   text({&member->second, term.type->element}, depth + 1));
      }
      return out + "]";
    }
    default: return scalar(term);
  }
}

std::string GoFormat::structure(const Term& term, int depth) const {
  std::string out = "{";
  for (bool first = true; const GoField& field : term.type->fields) {
    Term member = member_of(term, field);
    std::string name = names ? field.name + ":" : std::string();
    out += cat(std::exchange(first, false) ? "" : " ", name, text(member, depth + 1));
  }
  return out + "}";
}

}  // namespace hull::cli
