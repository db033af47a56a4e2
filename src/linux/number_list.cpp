// SPDX-License-Identifier: Apache-2.0
#include "linux/number_list.h"

#include "base/error.h"

namespace hull::linux {

std::vector<unsigned> parse_number_list(std::string_view list, std::string_view field) {
  constexpr unsigned kHighest = 8191;
  std::vector<unsigned> numbers;
  for (std::string_view range : split(list, ',')) {
    auto [first_text, last_text] = split_once(trim(range), '-');
    auto first = parse_number<unsigned>(first_text), last = parse_number<unsigned>(last_text.value_or(first_text));
    if (!first || !last || *last > kHighest || *first > *last)
      fail_invalid(field, ": cannot read the list of processors or nodes ", quoted(list));
    for (unsigned number = *first; number <= *last; ++number) numbers.push_back(number);
  }
  return numbers;
}

}  // namespace hull::linux
