// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dockerfile/body.h"

namespace hull::dockerfile {

// The flags of one instruction: which there may be, and what was given.
class Flags {
 public:
  enum class Type : unsigned char { kText, kSwitch, kList };
  struct Known {
    std::string_view name;
    Type type = Type::kText;
  };

  // Throws Problem in BuildKit's words: "unknown flag: --frm (did you mean from?)".
  Flags(const std::vector<std::string>& given, std::initializer_list<Known> known);

  std::string text(std::string_view name, std::string_view otherwise = {}) const;
  bool is_on(std::string_view name) const { return given_switch(name).value_or(false); }
  std::optional<bool> given_switch(std::string_view name) const;
  std::vector<std::string> list(std::string_view name) const;
  std::vector<std::string> used() const;  // each name once

 private:
  struct Given {
    std::string_view name;
    std::string value;
  };
  std::vector<Given> given_;
};

}  // namespace hull::dockerfile
