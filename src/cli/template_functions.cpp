// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "cli/template.h"
#include "cli/units.h"

namespace hull::cli::templates {
namespace {

// The class of values that can be compared with each other; kAny for those that cannot.
GoType::Kind basic_kind(const Term& term) {
  if (!term.valid()) return GoType::kAny;
  switch (term.kind()) {
    case GoType::kBool:
    case GoType::kReal:
    case GoType::kText: return term.kind();
    case GoType::kInteger:
    case GoType::kUnsigned: return GoType::kInteger;
    default: return GoType::kAny;
  }
}

Term concrete(const Term& term) {
  return term.valid() && term.type->kind == GoType::kAny ? dynamic_term(*term.value) : term;
}

[[noreturn]] void incompatible() { fail_invalid("incompatible types for comparison"); }

bool same(const Term& left, const Term& right) {
  Term a = concrete(left), b = concrete(right);
  GoType::Kind kind = basic_kind(a);
  if (kind != basic_kind(b)) {
    if (a.valid() && b.valid()) incompatible();
    return false;
  }
  switch (kind) {
    case GoType::kBool: return a.value->boolean() == b.value->boolean();
    case GoType::kInteger: return a.value->integer() == b.value->integer();
    case GoType::kReal: return a.value->real() == b.value->real();
    case GoType::kText: return a.value->text() == b.value->text();
    default: break;
  }
  if (a.is_nil() || b.is_nil()) return a.is_nil() == b.is_nil();
  if (a.kind() == GoType::kMap || a.kind() == GoType::kList)
    fail_invalid("non-comparable type ", go_text(b), ": ", b.type->name);
  return a.value == b.value && a.type == b.type;
}

bool less(const Term& left, const Term& right) {
  Term a = concrete(left), b = concrete(right);
  GoType::Kind kind = basic_kind(a), other = basic_kind(b);
  if (kind == GoType::kAny || other == GoType::kAny) fail_invalid("invalid type for comparison");
  if (kind != other) incompatible();
  switch (kind) {
    case GoType::kInteger: return a.value->integer() < b.value->integer();
    case GoType::kReal: return a.value->real() < b.value->real();
    case GoType::kText: return a.value->text() < b.value->text();
    default: fail_invalid("invalid type for comparison");
  }
}

bool less_or_same(const Term& a, const Term& b) { return less(a, b) || same(a, b); }

Term boolean(Scratch& scratch, bool value) { return scratch.keep(value, go_type("bool")); }

Term equal(Scratch& scratch, const Arguments& a) {
  if (a.size() < 2) fail_invalid("missing argument for comparison");
  for (std::size_t i = 1; i < a.size(); ++i)
    if (same(a[0], a[i])) return boolean(scratch, true);
  return boolean(scratch, false);
}

std::int64_t position(const Term& argument, std::size_t size) {
  Term at = concrete(argument);
  if (!at.valid()) fail_invalid("cannot index slice/array with nil");
  if (basic_kind(at) != GoType::kInteger) fail_invalid("cannot index slice/array with type ", at.type->name);
  std::int64_t number = at.value->integer();
  if (number < 0 || number > static_cast<std::int64_t>(size)) fail_invalid("index out of range: ", number);
  return number;
}

Term key_of_map(const Term& map, const Term& argument, Scratch& scratch) {
  Term key = concrete(argument);
  if (!key.valid()) fail_invalid("value is nil; should be of type string");
  if (key.kind() != GoType::kText) fail_invalid("value has type ", key.type->name, "; should be string");
  if (const Value* member = map.value->find_exact(key.value->text())) return {member, map.type->element};
  if (map.type->element->kind == GoType::kAny) return {};
  return scratch.keep(Value(), map.type->element);
}

Term index(Scratch& scratch, const Arguments& a) {
  Term item = concrete(a[0]);
  if (!item.valid()) fail_invalid("index of untyped nil");
  for (std::size_t i = 1; i < a.size(); ++i) {
    item = concrete(item);
    if (!item.valid() || (item.kind() == GoType::kPointer && item.is_nil())) fail_invalid("index of nil pointer");
    item = indirect(item);
    if (item.kind() == GoType::kMap) {
      item = key_of_map(item, a[i], scratch);
      continue;
    }
    bool text = item.kind() == GoType::kText;
    if (!text && item.kind() != GoType::kList) fail_invalid("can't index item of type ", item.type->name);
    std::size_t size = text ? item.value->text().size() : item.value->list().size();
    std::int64_t at = position(a[i], size);
    if (at == static_cast<std::int64_t>(size))
      fail_invalid(text ? "reflect: string index out of range" : "reflect: slice index out of range");
    auto offset = static_cast<std::size_t>(at);
    item = text ? scratch.keep(std::int64_t{static_cast<unsigned char>(item.value->text()[offset])}, go_type("uint8"))
                : element_of(item, offset);
  }
  return item;
}

Term slice(Scratch& scratch, const Arguments& a) {
  Term item = concrete(a[0]);
  if (!item.valid()) fail_invalid("slice of untyped nil");
  item = indirect(item);
  if (item.kind() == GoType::kPointer) fail_invalid("slice of nil pointer");
  if (a.size() > 4) fail_invalid("too many slice indexes: ", a.size() - 1);
  bool text = item.kind() == GoType::kText;
  if (text && a.size() == 4) fail_invalid("cannot 3-index slice a string");
  if (!text && item.kind() != GoType::kList) fail_invalid("can't slice item of type ", item.type->name);
  std::size_t size = text ? item.value->text().size() : item.value->list().size();
  std::int64_t bounds[3] = {0, static_cast<std::int64_t>(size), 0};
  for (std::size_t i = 1; i < a.size(); ++i) bounds[i - 1] = position(a[i], size);
  if (bounds[0] > bounds[1]) fail_invalid("invalid slice index: ", bounds[0], " > ", bounds[1]);
  if (a.size() == 4 && bounds[1] > bounds[2]) fail_invalid("invalid slice index: ", bounds[1], " > ", bounds[2]);
  auto from = static_cast<std::size_t>(bounds[0]), count = static_cast<std::size_t>(bounds[1] - bounds[0]);
  if (text) return scratch.keep(item.value->text().substr(from, count), item.type);
  const auto& list = item.value->list();
  return scratch.keep(Value::List(list.begin() + bounds[0], list.begin() + bounds[1]), item.type);
}

Term length(Scratch& scratch, const Arguments& a) {
  Term item = indirect(a[0]);
  if (!item.valid()) fail_invalid("len of untyped nil");
  std::size_t size = 0;
  switch (item.kind()) {
    case GoType::kText: size = item.value->text().size(); break;
    case GoType::kList: size = item.value->list().size(); break;
    case GoType::kMap: size = item.value->map().size(); break;
    case GoType::kPointer:
    case GoType::kAny: fail_invalid("len of nil pointer");
    default: fail_invalid("len of type ", item.type->name);
  }
  return scratch.keep(static_cast<std::int64_t>(size), go_type("int"));
}

std::string shown_argument(const Term& term) { return term.valid() ? go_text(term) : "<nil>"; }

// fmt.Sprint puts blanks only between two that are no texts, fmt.Sprintln between all.
std::string sprint(const Arguments& a, bool always_blank) {
  std::string out;
  auto is_text = [](const Term& term) { return term.valid() && concrete(term).kind() == GoType::kText; };
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (i && (always_blank || (!is_text(a[i]) && !is_text(a[i - 1])))) out += ' ';
    out += shown_argument(a[i]);
  }
  return out;
}

std::string printed_together(const Arguments& a) {
  if (a.size() == 1) {
    Term target = indirect(a[0]);
    return target.valid() ? go_text(target) : "<no value>";
  }
  return sprint(a, false);
}

Term formatted(Scratch& scratch, const Arguments& a) {
  return scratch.text(go_sprintf(a[0].value->text(), Arguments(a.begin() + 1, a.end())));
}

Term html(Scratch& scratch, const Arguments& a) {
  std::string out;
  for (char c : printed_together(a)) {
    switch (c) {
      case '\0': out += "\xEF\xBF\xBD"; break;
      case '"': out += "&#34;"; break;
      case '\'': out += "&#39;"; break;
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      default: out += c;
    }
  }
  return scratch.text(out);
}

Term javascript(Scratch& scratch, const Arguments& a) {
  std::string out;
  for (char c : printed_together(a)) {
    if (c == '\\' || c == '\'' || c == '"') {
      out += '\\';
      out += c;
    } else if ((c >= 0 && c < ' ') || c == '<' || c == '>' || c == '&' || c == '=') {
      out += "\\u00" + upper(to_hex(&c, 1));
    } else {
      out += c;
    }
  }
  return scratch.text(out);
}

Term url_query(Scratch& scratch, const Arguments& a) {
  std::string out;
  for (char c : printed_together(a)) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 std::string_view("-_.~").find(c) != std::string_view::npos;
    if (plain)
      out += c;
    else if (c == ' ')
      out += '+';
    else
      out += "%" + upper(to_hex(&c, 1));
  }
  return scratch.text(out);
}

Term joined(Scratch& scratch, const Arguments& a) {
  std::vector<std::string> parts;
  for (const Value& item : a[0].value->list()) parts.push_back(shown_argument(dynamic_term(item)));
  return scratch.text(join(parts, a[1].value->text()));
}

Term split_text(Scratch& scratch, const Arguments& a) {
  Value out = Value::empty_list();
  const std::string &text = a[0].value->text(), &separator = a[1].value->text();
  if (separator.empty()) {
    // Into characters.
    for (std::size_t i = 0, size; i < text.size(); i += size) {
      for (size = 1; i + size < text.size() && (text[i + size] & 0xC0) == 0x80;) ++size;
      out.push(text.substr(i, size));
    }
    return scratch.keep(std::move(out), go_type("[]string"));
  }
  std::size_t from = 0;
  for (std::size_t at; (at = text.find(separator, from)) != std::string::npos; from = at + separator.size())
    out.push(text.substr(from, at - from));
  out.push(text.substr(from));
  return scratch.keep(std::move(out), go_type("[]string"));
}

Term title(Scratch& scratch, const Arguments& a) {
  std::string out = a[0].value->text();
  auto in_word = [](char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80);
  };
  for (char before = ' '; char& c : out) {
    if (!in_word(before) && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    before = c;
  }
  return scratch.text(out);
}

Term padded(Scratch& scratch, const Arguments& a) {
  if (a[0].value->text().empty()) return a[0];
  auto blanks = [](const Term& count) {
    if (count.value->integer() < 0) fail_invalid("strings: negative Repeat count");
    return std::string(static_cast<std::size_t>(count.value->integer()), ' ');
  };
  return scratch.text(cat(blanks(a[1]), a[0].value->text(), blanks(a[2])));
}

Term truncated(Scratch& scratch, const Arguments& a) {
  std::int64_t size = a[1].value->integer();
  if (size < 0) fail_invalid("runtime error: slice bounds out of range [:", size, "]");
  return scratch.text(a[0].value->text().substr(0, static_cast<std::size_t>(size)));
}

using Args = const Arguments&;
constexpr std::size_t kAny = Function::kAny;
constexpr Function kFunctions[] = {
    {"and", 1, kAny, "v", [](Scratch&, Args a) { return a.back(); }},  // these two are the runner's
    {"or", 1, kAny, "v", [](Scratch&, Args a) { return a.back(); }},
    {"not", 1, 1, "v", [](Scratch& s, Args a) { return boolean(s, !truth(a[0])); }},
    {"eq", 1, kAny, "v", equal},
    {"ne", 2, 2, "v", [](Scratch& s, Args a) { return boolean(s, !same(a[0], a[1])); }},
    {"lt", 2, 2, "v", [](Scratch& s, Args a) { return boolean(s, less(a[0], a[1])); }},
    {"le", 2, 2, "v", [](Scratch& s, Args a) { return boolean(s, less_or_same(a[0], a[1])); }},
    {"gt", 2, 2, "v", [](Scratch& s, Args a) { return boolean(s, !less_or_same(a[0], a[1])); }},
    {"ge", 2, 2, "v", [](Scratch& s, Args a) { return boolean(s, !less(a[0], a[1])); }},
    {"index", 1, kAny, "v", index},
    {"slice", 1, kAny, "v", slice},
    {"len", 1, 1, "v", length},
    {"print", 0, kAny, "v", [](Scratch& s, Args a) { return s.text(sprint(a, false)); }},
    {"println", 0, kAny, "v", [](Scratch& s, Args a) { return s.text(sprint(a, true) + "\n"); }},
    {"printf", 1, kAny, "sv", formatted},
    {"html", 0, kAny, "v", html},
    {"js", 0, kAny, "v", javascript},
    {"urlquery", 0, kAny, "v", url_query},
    {"call", 1, kAny, "v", [](Scratch&, Args) -> Term { fail_invalid("call of nil"); }},
    {"json", 1, 1, "v", [](Scratch& s, Args a) { return s.text(a[0].valid() ? go_json(a[0]) : "null"); }},
    {"join", 2, 2, "ls", joined},
    {"split", 2, 2, "s", split_text},
    {"title", 1, 1, "s", title},
    {"lower", 1, 1, "s", [](Scratch& s, Args a) { return s.text(lower(a[0].value->text())); }},
    {"upper", 1, 1, "s", [](Scratch& s, Args a) { return s.text(upper(a[0].value->text())); }},
    {"pad", 3, 3, "sii", padded},
    {"truncate", 2, 2, "si", truncated},
};

}  // namespace

const Function* find_function(std::string_view name) {
  auto found = std::ranges::find(kFunctions, name, &Function::name);
  return found == std::end(kFunctions) ? nullptr : found;
}

}  // namespace hull::cli::templates
