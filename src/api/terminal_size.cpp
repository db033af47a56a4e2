// SPDX-License-Identifier: Apache-2.0
#include "api/terminal_size.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"

namespace hull::api {

std::uint32_t terminal_size(const Query& query, std::string_view name, std::string_view what) {
  std::string text = query.get(name);
  if (auto value = parse_number<std::uint32_t>(text)) return *value;
  std::string_view number = text;
  if (number.starts_with('-')) number.remove_prefix(1);  // a number all the same
  bool digits = !number.empty() && std::ranges::all_of(number, [](char c) { return c >= '0' && c <= '9'; });
  fail_invalid("invalid resize ", what, " ", hull::quoted(text), ": ",
               digits ? "value out of range" : "invalid syntax");
}

}  // namespace hull::api
