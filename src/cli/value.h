// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace hull::cli {

// A JSON document in memory: what the engine answered, what is sent to it, and what templates are run on.
// Light on purpose, and with a parser of its own: a command line should not take longer than the engine.
class Value {
 public:
  using List = std::vector<Value>;
  using Map = std::vector<std::pair<std::string, Value>>;  // in the order of the document

  Value() = default;
  Value(std::nullptr_t) {}
  Value(bool value) : data_(value) {}
  Value(std::int64_t value) : data_(value) {}
  Value(int value) : data_(std::int64_t{value}) {}
  Value(double value) : data_(value) {}
  Value(std::string value) : data_(std::move(value)) {}
  Value(std::string_view value) : data_(std::string(value)) {}
  Value(const char* value) : data_(std::string(value)) {}
  Value(List value) : data_(std::move(value)) {}
  Value(Map value) : data_(std::move(value)) {}
  static Value empty_list() { return Value(List{}); }
  static Value empty_map() { return Value(Map{}); }
  // ["a", "b"]; `null_when_empty` is what Go writes for a list that nobody touched.
  static Value texts(const std::vector<std::string>& items, bool null_when_empty = false);

  bool is_null() const { return std::holds_alternative<std::monostate>(data_); }
  bool is_bool() const { return std::holds_alternative<bool>(data_); }
  bool is_integer() const { return std::holds_alternative<std::int64_t>(data_); }
  bool is_real() const { return std::holds_alternative<double>(data_); }
  bool is_text() const { return std::holds_alternative<std::string>(data_); }
  bool is_list() const { return std::holds_alternative<List>(data_); }
  bool is_map() const { return std::holds_alternative<Map>(data_); }

  // The content, or the empty value of the wanted type when this is something else.
  bool boolean() const;
  std::int64_t integer() const;
  double real() const;
  const std::string& text() const;
  const List& list() const;
  const Map& map() const;

  // The member of a map: by its exact name, then without regard to case. Null value when there is none.
  const Value& operator[](std::string_view name) const;
  const Value* find(std::string_view name) const;        // nullptr when there is none
  const Value* find_exact(std::string_view name) const;  // the same, with regard to case

  // Adds or replaces a member; makes this a map first when it is null.
  Value& set(std::string_view name, Value value);
  // Appends to a list; makes this a list first when it is null.
  void push(Value value);

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Map> data_;
};

// JSON text to a value. Throws Error{kInvalidArgument} for what is no JSON.
Value parse_value(std::string_view json);
// A value as JSON, without blanks, keys in their order, without HTML escapes.
std::string to_json(const Value& value);
// The same JSON text with line breaks and `indent` before each level; bytes of values stay as they are.
std::string indent_json(std::string_view json, std::string_view indent);

}  // namespace hull::cli
