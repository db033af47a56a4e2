// SPDX-License-Identifier: Apache-2.0
#include "cli/table.h"

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace hull::cli {

std::size_t text_columns(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string aligned(std::string_view text, Columns columns) {
  std::vector<std::vector<std::string_view>> lines;
  for (std::string_view line : split(text, '\n')) lines.push_back(split(line, '\t'));
  std::vector<std::vector<std::size_t>> widths(lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) widths[i].resize(lines[i].size(), 0);
  for (std::size_t i = 0; i < lines.size(); ++i)
    for (std::size_t column = 0; column + 1 < lines[i].size(); ++column) {
      if (widths[i][column]) continue;  // set by an earlier line of the same block
      std::size_t end = i, width = columns.least;
      for (; end < lines.size() && column + 1 < lines[end].size(); ++end)
        width = std::max(width, text_columns(lines[end][column]) + columns.gap);
      for (std::size_t line = i; line < end; ++line) widths[line][column] = width;
    }
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i) out += '\n';
    for (std::size_t column = 0; column < lines[i].size(); ++column) {
      std::string_view cell = lines[i][column];
      out += cell;
      if (column + 1 < lines[i].size()) out.append(widths[i][column] - text_columns(cell), ' ');
    }
  }
  return out;
}

}  // namespace hull::cli
