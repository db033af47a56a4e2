// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/fields.h"
#include "oci/json_value.h"

// Part of oci/json.h: structs to JSON.
namespace hull::json_detail {

class Writer {
 public:
  template <class Value>
  void operator()(std::string_view name, Value& value, WhenEmpty when_empty = WhenEmpty::kWrite) {
    if (when_empty != WhenEmpty::kWrite && is_empty(value)) {
      if (when_empty == WhenEmpty::kNull) add(name, nullptr);
      return;
    }
    add(name, write(value));
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
  // The fields of a struct differ already; operator[] would compare each with all before it. A list that grows copies
  // what is in it, whole documents: its names cannot be moved.
  void add(std::string_view name, Json value) {
    constexpr std::size_t kUsual = 16;
    auto& members = out.get_ref<Json::object_t&>();
    if (members.empty()) members.reserve(kUsual);
    members.emplace_back(std::string(name), std::move(value));
  }
  template <class T>
  static Json write_compound(std::optional<T>& value) {
    return value ? write(*value) : Json(nullptr);
  }
  template <class T>
  static Json write_compound(std::vector<T>& list) {
    Json out = Json::array();
    out.get_ref<Json::array_t&>().reserve(list.size());
    for (auto&& item : list) {
      if constexpr (std::same_as<T, bool>)
        out.push_back(static_cast<bool>(item));
      else
        out.push_back(write(item));
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

}  // namespace hull::json_detail
