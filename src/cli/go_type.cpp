// SPDX-License-Identifier: Apache-2.0
#include "cli/go_type.h"

#include <map>
#include <memory>

#include "base/error.h"
#include "base/text.h"
#include "cli/go_type_table.h"

namespace hull::cli {
namespace {

struct Scalar {
  std::string_view name;
  GoType::Kind kind;
};
constexpr Scalar kScalars[] = {
    {"interface {}", GoType::kAny},     {"bool", GoType::kBool},        {"int", GoType::kInteger},
    {"int64", GoType::kInteger},        {"int32", GoType::kInteger},    {"uint", GoType::kUnsigned},
    {"uint64", GoType::kUnsigned},      {"uint32", GoType::kUnsigned},  {"uint16", GoType::kUnsigned},
    {"uint8", GoType::kUnsigned},       {"float64", GoType::kReal},     {"float32", GoType::kReal},
    {"string", GoType::kText},          {"json.Number", GoType::kText}, {"time.Time", GoType::kTime},
    {"time.Duration", GoType::kInteger}};

// Types are made when somebody asks for them: a command line needs few or none.
class Types {
 public:
  const GoType* find(std::string_view name) {
    if (auto known = types_.find(name); known != types_.end()) return known->second.get();
    auto made = std::make_unique<GoType>();
    GoType* type = made.get();
    type->name = name;
    types_.emplace(std::string(name), std::move(made));  // before its fields: types may lead back to themselves
    define(*type, name);
    return type;
  }

 private:
  void define(GoType& type, std::string_view text) {
    for (const Scalar& scalar : kScalars)
      if (scalar.name == text) {
        type.kind = scalar.kind;
        return;
      }
    if (text.starts_with('*')) return contain(type, GoType::kPointer, text.substr(1));
    if (text.starts_with('[')) return contain(type, GoType::kList, text.substr(text.find(']') + 1));  // arrays, too
    if (text == "struct {}") {
      type.kind = GoType::kStruct;
      return;
    }
    if (text.starts_with("map[")) return contain(type, GoType::kMap, text.substr(text.find(']') + 1));
    std::string_view definition = definition_of(text);
    if (definition.starts_with('=')) {
      const GoType& under = *find(definition.substr(1));
      type.kind = under.kind;
      type.element = under.element;
      type.fields = under.fields;
      return;
    }
    type.kind = GoType::kStruct;
    for (std::string_view field : split(definition, ';'))
      if (!field.empty()) type.fields.push_back(parse_field(field));
  }

  void contain(GoType& type, GoType::Kind kind, std::string_view element) {
    type.kind = kind;
    type.element = find(element);
  }

  // "Name type", "Name:json type" and "Name,json type" (which is left out when it is empty); "+Name type" is embedded.
  GoField parse_field(std::string_view text) {
    GoField field;
    if (text.starts_with('+')) {
      field.embedded = true;
      text.remove_prefix(1);
    }
    auto [names, type] = split_once(text, ' ');
    auto end = names.find_first_of(":,");
    field.name = names.substr(0, end);
    if (end != names.npos) {
      field.left_out_when_empty = names[end] == ',';
      field.json = names.substr(end + 1);
    }
    if (field.json.empty()) field.json = field.name;
    field.type = find(*type);
    return field;
  }

  // What follows the name on its line of the table: "{…}" without its braces, or "=type".
  static std::string_view definition_of(std::string_view name) {
    for (std::string_view table : go_type_tables())
      for (std::string_view line : split(table, '\n')) {
        if (!line.starts_with(name)) continue;
        std::string_view rest = line.substr(name.size());
        if (rest.starts_with('=')) return rest;
        if (rest.starts_with('{') && rest.ends_with('}')) return rest.substr(1, rest.size() - 2);
      }
    fail(Kind::kInternal, "there is no type ", quoted(name), " in the table of types");
  }

  std::map<std::string, std::unique_ptr<GoType>, std::less<>> types_;
};

const Value kNull;

}  // namespace

const GoType* go_type(std::string_view name) {
  static Types types;
  return types.find(name);
}

const GoType* dynamic_type(const Value& value) {
  if (value.is_map()) return go_type("map[string]interface {}");
  if (value.is_list()) return go_type("[]interface {}");
  if (value.is_text()) return go_type("string");
  if (value.is_bool()) return go_type("bool");
  if (value.is_integer()) return go_type("int64");
  if (value.is_real()) return go_type("float64");
  return go_type("interface {}");
}

const GoField* GoType::field(std::string_view field_name) const {
  for (const GoField& one : fields)
    if (one.name == field_name) return &one;
  for (const GoField& one : fields)
    if (one.embedded)
      if (const GoField* inner = one.type->target()->field(field_name)) return inner;
  return nullptr;
}

bool Term::is_nil() const {
  if (!value) return true;
  bool can_be = type->kind == GoType::kAny || type->kind == GoType::kPointer || type->kind == GoType::kList ||
                type->kind == GoType::kMap;
  return can_be && value->is_null();
}

Term member_of(const Term& structure, const GoField& field) {
  if (field.embedded) return {structure.value, field.type};
  const Value* value = structure.value->find(field.json);
  return {value ? value : &kNull, field.type};
}

Term indirect(Term term) {
  while (term.valid() && !term.value->is_null()) {
    if (term.type->kind == GoType::kPointer)
      term.type = term.type->element;
    else if (term.type->kind == GoType::kAny)
      return dynamic_term(*term.value);
    else
      break;
  }
  return term;
}

Term dynamic_term(const Value& value) {
  if (value.is_null()) return {};
  return {&value, dynamic_type(value)};
}

Term element_of(const Term& list, std::size_t at) { return {&list.value->list()[at], list.type->element}; }

}  // namespace hull::cli
