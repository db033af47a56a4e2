// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/value.h"

// The Go types that the docker CLI decodes the engine's answers into. Templates see those, not the JSON: their fields
// have other names, are there when the JSON leaves them out, and print in their order.
namespace hull::cli {

struct GoType;

struct GoField {
  std::string name;  // as templates call it
  std::string json;  // as the JSON calls it
  bool left_out_when_empty = false;
  bool embedded = false;  // its fields are those of the structure around it, too
  const GoType* type = nullptr;
};

struct GoType {
  enum Kind : unsigned char { kAny, kBool, kInteger, kUnsigned, kReal, kText, kTime, kList, kMap, kStruct, kPointer };
  Kind kind = kAny;
  std::string name;                 // "container.State", "[]string", "*container.Health"
  const GoType* element = nullptr;  // of a list, a map or a pointer
  std::vector<GoField> fields;      // of a structure
  bool is_row = false;              // a line of a listing: every field that it has is a text

  // Structures behind pointers, and everything else as it is.
  const GoType* target() const { return kind == kPointer ? element : this; }
  // The field of a structure, also one of an embedded structure; nullptr when there is none.
  const GoField* field(std::string_view field_name) const;
};

// A type by its name. Throws Error{kInternal} for one that the table does not have.
const GoType* go_type(std::string_view name);
// The type of what is a value of no declared type: "string", "map[string]interface {}", …
const GoType* dynamic_type(const Value& value);

// A value, and the type that it is seen as. Without a value it is what Go calls an invalid one ("<no value>").
struct Term {
  const Value* value = nullptr;
  const GoType* type = nullptr;

  bool valid() const { return value != nullptr; }
  bool is_nil() const;  // invalid, or a pointer, list, map or interface that leads nowhere
  GoType::Kind kind() const { return type->kind; }
};

// The member of a structure. The term is the zero value of its type when the JSON has no such member.
Term member_of(const Term& structure, const GoField& field);
// What a pointer leads to; the same for everything else.
Term indirect(Term term);
// A term of the type that its value has: the end of an interface.
Term dynamic_term(const Value& value);
// The elements of a list, and those of a map in the order of its keys.
Term element_of(const Term& list, std::size_t at);

// encoding/json's text of it, without HTML escapes: members of structures in their order, keys of maps sorted.
std::string go_json(const Term& term);
// JSON with <, > and & as \u003c, \u003e and \u0026, as Go writes it where nobody asks it not to.
std::string html_safe(std::string_view json);
// time.Time's text of an RFC 3339 time: "2026-01-02 03:04:05.5 +0000 UTC".
std::string go_time(std::string_view text);
// fmt's "%v".
std::string go_text(const Term& term);
// fmt.Sprintf: `verb` with what stands between '%' and it.
std::string go_sprintf(std::string_view format, const std::vector<Term>& arguments);
// Go's notation of a text, between double quotes.
std::string go_quoted(std::string_view text);

}  // namespace hull::cli
