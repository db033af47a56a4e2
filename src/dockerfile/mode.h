// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace hull::dockerfile {

// The value of --chmod: octal, or symbolic as chmod(1) has it: "u=rwX,go=rX", "g=u", "+x", "a-w,u+s".
class ModeChange {
 public:
  // Throws Error{kInvalidArgument} "invalid chmod parameter: '8'. it should be octal string and between 0 and 07777".
  static ModeChange parse(std::string_view text);

  // The permission bits, 0 to 07777, that a file with the bits `mode` gets. `X` gives execute to directories, and to
  // files that had it for anybody before.
  std::uint32_t apply(std::uint32_t mode, bool is_directory) const;

 private:
  struct Step {
    char what;           // '+' and '-' with `bits`; 'X'; 'u', 'g' or 'o' are copied from
    std::uint32_t bits;  // for copies: of the classes that are copied to
    char operation = 0;  // of a copy: '+', '-' or '='
  };
  bool parse_clauses(std::string_view text);
  std::vector<Step> steps_;
};

}  // namespace hull::dockerfile
