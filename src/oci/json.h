// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/fields.h"

// JSON of structs that have a fields() list. Reading is as forgiving as Go's encoding/json, which every
// client was written against: unknown keys are skipped, null and missing are the empty value, keys match
// without regard to case when there is no exact match. A value of the wrong type is refused with the path
// of its field. Heavy header: include it in .cpp files only, and in few.
namespace hull {

using Json = nlohmann::ordered_json;

namespace json_detail {

template <class T>
concept HasToJson = requires(const T& value) {
  json_of(value);
};

class Writer {
 public:
  template <class Value>
  void operator()(std::string_view name, Value& value, WhenEmpty when_empty = WhenEmpty::kWrite) {
    if (when_empty != WhenEmpty::kWrite && is_empty(value)) {
      if (when_empty == WhenEmpty::kNull) out[std::string(name)] = nullptr;
      return;
    }
    out[std::string(name)] = write(value);
  }
  Json out = Json::object();

  template <class Value>
  static Json write(Value& value) {
    using Plain = std::remove_cvref_t<Value>;
    if constexpr (std::same_as<Plain, Json>) {
      return value;
    } else if constexpr (std::is_enum_v<Plain>) {
      return std::string(to_string(value));
    } else if constexpr (std::is_arithmetic_v<Plain> || std::same_as<Plain, std::string>) {
      return value;
    } else {
      return write_compound(value);
    }
  }

 private:
  template <class T>
  static Json write_compound(std::optional<T>& value) {
    return value ? write(*value) : Json(nullptr);
  }
  template <class T>
  static Json write_compound(std::vector<T>& list) {
    Json out = Json::array();
    for (auto&& item : list) {
      T copy = item;
      out.push_back(write(copy));
    }
    return out;
  }
  template <class T>
  static Json write_compound(std::map<std::string, T>& map) {
    Json out = Json::object();
    // Its keys differ already; operator[] would compare each with all before it.
    auto& members = out.get_ref<Json::object_t&>();
    members.reserve(map.size());
    for (auto& [key, value] : map) members.emplace_back(key, write(value));
    return out;
  }
  template <class T>
  static Json write_compound(T& nested) {
    Writer writer;
    fields(writer, nested);
    return std::move(writer.out);
  }

  template <class T>
  static bool is_empty(const T& value) {
    if constexpr (std::is_arithmetic_v<T>)
      return value == T{};
    else if constexpr (std::is_enum_v<T>)
      return value == T{};
    else if constexpr (requires { value.has_value(); })
      return !value.has_value();
    else if constexpr (requires { value.empty(); })
      return value.empty();
    else {
      Writer writer;
      fields(writer, const_cast<T&>(value));
      return writer.out.empty();
    }
  }
};

class Reader {
 public:
  Reader(const Json& in, std::string path) : in_(in), path_(std::move(path)) {}

  template <class Value>
  void operator()(std::string_view name, Value& value, WhenEmpty = WhenEmpty::kWrite) {
    if (const Json* found = find(name)) read(*found, value, path_.empty() ? std::string(name) : cat(path_, ".", name));
  }

  template <class Value>
  static void read(const Json& in, Value& value, const std::string& path) {
    if (in.is_null()) {
      value = Value{};
    } else if constexpr (std::same_as<Value, Json>) {
      value = in;
    } else if constexpr (std::same_as<Value, bool>) {
      if (!in.is_boolean()) wrong_type(in, path, "a boolean");
      value = in.get<bool>();
    } else if constexpr (std::integral<Value>) {
      value = integer<Value>(in, path);
    } else if constexpr (std::floating_point<Value>) {
      if (!in.is_number()) wrong_type(in, path, "a number");
      value = in.get<Value>();
    } else if constexpr (std::same_as<Value, std::string>) {
      if (!in.is_string()) wrong_type(in, path, "a string");
      value = in.get<std::string>();
    } else if constexpr (std::is_enum_v<Value>) {
      if (!in.is_string()) wrong_type(in, path, "a string");
      value = from_string(in.get_ref<const std::string&>(), std::type_identity<Value>{});
    } else {
      read_compound(in, value, path);
    }
  }

 private:
  template <class T>
  static void read_compound(const Json& in, std::optional<T>& value, const std::string& path) {
    read(in, value.emplace(), path);
  }
  template <class T>
  static void read_compound(const Json& in, std::vector<T>& list, const std::string& path) {
    if (!in.is_array()) wrong_type(in, path, "an array");
    list.clear();
    for (const Json& item : in) {
      T one{};
      read(item, one, cat(path, "[", list.size(), "]"));
      list.push_back(std::move(one));
    }
  }
  template <class T>
  static void read_compound(const Json& in, std::map<std::string, T>& map, const std::string& path) {
    if (!in.is_object()) wrong_type(in, path, "an object");
    map.clear();
    for (const auto& [key, value] : in.items()) read(value, map[key], cat(path, ".", key));
  }
  template <class T>
  static void read_compound(const Json& in, T& nested, const std::string& path) {
    if (!in.is_object()) wrong_type(in, path, "an object");
    Reader reader(in, path);
    fields(reader, nested);
  }

  template <class Number>
  static Number integer(const Json& in, const std::string& path) {
    if (in.is_number_unsigned()) {
      auto value = in.get<std::uint64_t>();
      if (std::in_range<Number>(value)) return static_cast<Number>(value);
    } else if (in.is_number_integer()) {
      auto value = in.get<std::int64_t>();
      if (std::in_range<Number>(value)) return static_cast<Number>(value);
    } else if (in.is_number_float()) {
      // JavaScript clients write 1e9 for a thousand million; whole numbers are fine however they are written.
      auto value = in.get<double>();
      if (value >= static_cast<double>(std::numeric_limits<Number>::min()) && value <= 9.007199254740992e15 &&
          value == static_cast<double>(static_cast<std::int64_t>(value)) &&
          std::in_range<Number>(static_cast<std::int64_t>(value)))
        return static_cast<Number>(static_cast<std::int64_t>(value));
    } else {
      wrong_type(in, path, "a whole number");
    }
    fail_invalid("invalid JSON: ", path, ": ", in.dump(), " is out of range");
  }

  const Json* find(std::string_view name) const {
    auto exact = in_.find(name);
    if (exact != in_.end()) return &*exact;
    for (const auto& [key, value] : in_.items())
      if (equals_ignoring_case(key, name)) return &value;
    return nullptr;
  }
  [[noreturn]] static void wrong_type(const Json& in, const std::string& path, std::string_view wanted) {
    fail_invalid("invalid JSON: ", path.empty() ? "the value" : path, ": expected ", wanted, ", got ",
                 std::string_view(in.type_name()));
  }

  const Json& in_;
  std::string path_;
};

}  // namespace json_detail

template <class T>
Json to_json(const T& value) {
  // fields() lists references so that readers can use it too; a writer only looks.
  return json_detail::Writer::write(const_cast<T&>(value));
}

// Throws Error{kInvalidArgument} with the path of the field that does not fit.
template <class T>
T from_json(const Json& in) {
  T value{};
  json_detail::Reader::read(in, value, {});
  return value;
}

// Text to JSON. Throws Error{kInvalidArgument} "invalid JSON: …" as Docker words it.
Json parse_json(std::string_view text);
// JSON to text: no blanks, no HTML escapes; bytes that are not UTF-8 become U+FFFD.
std::string dump_json(const Json& value);

}  // namespace hull
