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

#include "base/error.h"
#include "base/fields.h"
#include "oci/json_value.h"

// Part of oci/json.h: JSON to structs.
namespace hull::json_detail {

// Where a value is in its document: a list that leads up from it. Text is made of it only when the value is wrong.
class Path {
 public:
  explicit Path(std::string_view document = {}) : name_(document) {}
  Path(const Path& above, std::string_view member) : above_(&above), name_(member) {}
  Path(const Path& above, std::size_t item) : above_(&above), item_(item) {}

  // "linux.namespaces[2].type"; empty for a document without a name.
  std::string text() const {
    if (!above_) return std::string(name_);
    std::string before = above_->text();
    if (item_ != kNoItem) return cat(before, "[", item_, "]");
    return before.empty() ? std::string(name_) : cat(before, ".", name_);
  }

 private:
  static constexpr auto kNoItem = static_cast<std::size_t>(-1);
  const Path* above_ = nullptr;
  std::string_view name_;
  std::size_t item_ = kNoItem;
};

class Reader {
 public:
  Reader(const Json& in, const Path& path) : in_(in), path_(path) {}

  template <class Value>
  void operator()(std::string_view name, Value& value, WhenEmpty = WhenEmpty::kWrite) {
    if (const Json* found = find(name)) read(*found, value, Path(path_, name));
  }

  template <class Value>
  static void read(const Json& in, Value& value, const Path& path) {
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
  static void read_compound(const Json& in, std::optional<T>& value, const Path& path) {
    read(in, value.emplace(), path);
  }
  template <class T>
  static void read_compound(const Json& in, std::vector<T>& list, const Path& path) {
    if (!in.is_array()) wrong_type(in, path, "an array");
    list.clear();
    list.reserve(in.size());
    for (const Json& item : in) {
      T one{};
      read(item, one, Path(path, list.size()));
      list.push_back(std::move(one));
    }
  }
  template <class T>
  static void read_compound(const Json& in, std::map<std::string, T>& map, const Path& path) {
    if (!in.is_object()) wrong_type(in, path, "an object");
    map.clear();
    for (const auto& [key, value] : in.get_ref<const Json::object_t&>()) read(value, map[key], Path(path, key));
  }
  template <class T>
  static void read_compound(const Json& in, T& nested, const Path& path) {
    if (!in.is_object()) wrong_type(in, path, "an object");
    Reader reader(in, path);
    fields(reader, nested);
  }

  template <class Number>
  static Number integer(const Json& in, const Path& path) {
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
    fail_invalid("invalid JSON: ", path.text(), ": ", in.dump(), " is out of range");
  }

  const Json* find(std::string_view name) const {
    const Json* similar = nullptr;
    for (const auto& [key, value] : in_.get_ref<const Json::object_t&>()) {
      if (key.size() != name.size()) continue;
      if (key == name) return &value;
      if (!similar && equals_ignoring_case(key, name)) similar = &value;
    }
    return similar;
  }
  [[noreturn]] static void wrong_type(const Json& in, const Path& path, std::string_view wanted) {
    std::string place = path.text();
    fail_invalid("invalid JSON: ", place.empty() ? "the value" : place, ": expected ", wanted, ", got ",
                 std::string_view(in.type_name()));
  }

  const Json& in_;
  const Path& path_;
};

}  // namespace hull::json_detail
