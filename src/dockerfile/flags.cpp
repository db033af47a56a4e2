// SPDX-License-Identifier: Apache-2.0
#include "dockerfile/flags.h"

#include <algorithm>

#include "base/text.h"

namespace hull::dockerfile {

Flags::Flags(const std::vector<std::string>& given, std::initializer_list<Known> known) {
  for (const std::string& flag : given) {
    const auto [dashed, value] = split_once(flag, '=');
    const std::string_view name = dashed.substr(2);
    const auto* found = std::find_if(known.begin(), known.end(), [&](const Known& one) { return one.name == name; });
    if (found == known.end()) {
      std::vector<std::string_view> names;
      for (const Known& one : known) names.push_back(one.name);
      throw Problem{cat("unknown flag: ", dashed, suggestion(name, names)), std::string(dashed)};
    }
    const bool again = std::any_of(given_.begin(), given_.end(), [&](const Given& one) { return one.name == name; });
    if (again && found->type != Type::kList)
      throw Problem{cat("duplicate flag specified: ", dashed), std::string(dashed)};
    std::string text(value.value_or(""));
    if (found->type == Type::kSwitch) {
      if (value && text.empty()) throw Problem{cat("missing a value on flag: ", dashed), std::string(dashed)};
      text = text.empty() ? "true" : lower(text);
      if (text != "true" && text != "false")
        throw Problem{cat("expecting boolean value for flag ", dashed, ", not: ", *value), std::string(dashed)};
    } else if (!value) {
      throw Problem{cat("missing a value on flag: ", dashed), std::string(dashed)};
    }
    given_.push_back({found->name, std::move(text)});
  }
}

std::string Flags::text(std::string_view name, std::string_view otherwise) const {
  for (const Given& one : given_)
    if (one.name == name) return one.value;
  return std::string(otherwise);
}

std::optional<bool> Flags::given_switch(std::string_view name) const {
  for (const Given& one : given_)
    if (one.name == name) return one.value == "true";
  return std::nullopt;
}

std::vector<std::string> Flags::list(std::string_view name) const {
  std::vector<std::string> out;
  for (const Given& one : given_)
    if (one.name == name) out.push_back(one.value);
  return out;
}

std::vector<std::string> Flags::used() const {
  std::vector<std::string> out;
  for (const Given& one : given_)
    if (std::find(out.begin(), out.end(), one.name) == out.end()) out.emplace_back(one.name);
  return out;
}

}  // namespace hull::dockerfile
