// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hull::cli {

struct Columns {
  std::size_t least = 10;  // width of a column at least
  std::size_t gap = 3;     // blanks behind its widest cell
};

// Lines whose cells are separated by tabs, with the cells below each other. As in Go's tabwriter, a column is made of
// consecutive lines that have a cell there, and what follows the last tab of a line is not part of any.
std::string aligned(std::string_view text, Columns columns = {});

// "abc…" of at most `width` characters.
std::string shortened(std::string_view text, std::size_t width);

// aligned() for a terminal of `width` columns. Where that is too narrow, empty columns are left out and the longest
// cells are shortened ("busyb…"), never those below the headings in `whole`, those below `first` before all others, and
// those below `last` at the very end.
std::string fitted(std::string_view text, std::size_t width, const std::vector<std::string_view>& whole,
                   const std::vector<std::string_view>& first, const std::vector<std::string_view>& last);

// Characters, not bytes.
std::size_t text_columns(std::string_view text);

}  // namespace hull::cli
