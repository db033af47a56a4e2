// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/error.h"
#include "base/fields.h"

// The binary form of structs that have a fields() list: values one after another, without names; integers
// as 8 bytes in the machine's order, texts and lists behind their 4-byte length. For two processes of one
// hull release on one machine (engine and shim): the version of the form is the first thing that their
// protocol compares.
namespace hull::wire {

class Writer {
 public:
  template <class Value>
  void operator()(std::string_view, Value& value, WhenEmpty = WhenEmpty::kWrite) {
    put(value);
  }
  std::string take() { return std::move(out_); }

 private:
  template <class Value>
  void put(Value& value) {
    using Plain = std::remove_cvref_t<Value>;
    if constexpr (std::is_enum_v<Plain>) {
      put_integer(static_cast<std::uint64_t>(value));
    } else if constexpr (std::integral<Plain>) {
      put_integer(static_cast<std::uint64_t>(value));
    } else if constexpr (std::floating_point<Plain>) {
      double number = value;
      out_.append(reinterpret_cast<const char*>(&number), sizeof number);
    } else {
      put_compound(value);
    }
  }
  void put_compound(std::string& text) {
    put_size(text.size());
    out_ += text;
  }
  template <class T>
  void put_compound(std::optional<T>& value) {
    put_integer(value.has_value());
    if (value) put(*value);
  }
  template <class T>
  void put_compound(std::vector<T>& list) {
    put_size(list.size());
    for (auto& item : list) put(item);
  }
  template <class T>
  void put_compound(std::map<std::string, T>& map) {
    put_size(map.size());
    for (auto& [key, value] : map) {
      put_size(key.size());
      out_ += key;
      put(value);
    }
  }
  template <class T>
  void put_compound(T& nested) {
    fields(*this, nested);
  }
  void put_integer(std::uint64_t value) { out_.append(reinterpret_cast<const char*>(&value), sizeof value); }
  void put_size(std::size_t size) {
    auto small = static_cast<std::uint32_t>(size);
    out_.append(reinterpret_cast<const char*>(&small), sizeof small);
  }
  std::string out_;
};

class Reader {
 public:
  explicit Reader(std::string_view in) : in_(in) {}
  template <class Value>
  void operator()(std::string_view, Value& value, WhenEmpty = WhenEmpty::kWrite) {
    get(value);
  }
  bool at_end() const { return in_.empty(); }

 private:
  template <class Value>
  void get(Value& value) {
    if constexpr (std::is_enum_v<Value> || std::integral<Value>) {
      value = static_cast<Value>(get_integer());
    } else if constexpr (std::floating_point<Value>) {
      double number;
      std::memcpy(&number, bytes(sizeof number).data(), sizeof number);
      value = number;
    } else {
      get_compound(value);
    }
  }
  void get_compound(std::string& text) { text = bytes(get_size()); }
  template <class T>
  void get_compound(std::optional<T>& value) {
    value.reset();
    if (get_integer()) get(value.emplace());
  }
  template <class T>
  void get_compound(std::vector<T>& list) {
    list.clear();
    for (auto left = get_size(); left > 0; --left) {
      T item{};
      get(item);
      list.push_back(std::move(item));
    }
  }
  template <class T>
  void get_compound(std::map<std::string, T>& map) {
    map.clear();
    for (auto left = get_size(); left > 0; --left) {
      std::string key(bytes(get_size()));
      get(map[key]);
    }
  }
  template <class T>
  void get_compound(T& nested) {
    fields(*this, nested);
  }
  std::uint64_t get_integer() {
    std::uint64_t value;
    std::memcpy(&value, bytes(sizeof value).data(), sizeof value);
    return value;
  }
  std::size_t get_size() {
    std::uint32_t value;
    std::memcpy(&value, bytes(sizeof value).data(), sizeof value);
    return value;
  }
  std::string_view bytes(std::size_t count) {
    if (count > in_.size()) fail(Kind::kInternal, "a message of hull's own protocol is shorter than it says");
    auto part = in_.substr(0, count);
    in_.remove_prefix(count);
    return part;
  }
  std::string_view in_;
};

template <class T>
std::string encode(const T& value) {
  Writer writer;
  // fields() lists references so that readers can use it too; a writer only looks.
  fields(writer, const_cast<T&>(value));
  return writer.take();
}

// Throws Error{kInternal} when `data` is shorter or longer than the struct.
template <class T>
T decode(std::string_view data) {
  Reader reader(data);
  T value{};
  fields(reader, value);
  if (!reader.at_end()) fail(Kind::kInternal, "a message of hull's own protocol is longer than it says");
  return value;
}

}  // namespace hull::wire
