// SPDX-License-Identifier: Apache-2.0
#include "cli/table.h"

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace hull::cli {

std::size_t text_columns(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string shortened(std::string_view text, std::size_t width) {
  if (text_columns(text) <= width) return std::string(text);
  std::size_t end = 0;
  for (std::size_t seen = 0; end < text.size(); ++end)
    if ((text[end] & 0xC0) != 0x80 && seen++ == width - 1) break;
  return cat(text.substr(0, end), "…");
}

std::string fitted(std::string_view text, std::size_t width, const std::vector<std::string_view>& whole) {
  constexpr std::size_t kGap = 3, kLeastColumn = 10;
  std::vector<std::vector<std::string_view>> lines;
  for (std::string_view line : split(text, '\n')) lines.push_back(split(line, '\t'));
  std::vector<std::size_t> widths(lines[0].size()), least(lines[0].size());
  for (std::size_t i = 0; i < widths.size(); ++i) {
    for (const auto& line : lines)
      if (i < line.size()) widths[i] = std::max(widths[i], text_columns(line[i]));
    bool keep = std::ranges::find(whole, lines[0][i]) != whole.end();
    least[i] = keep ? widths[i] : std::min(widths[i], std::max(text_columns(lines[0][i]), kLeastColumn - kGap));
  }
  auto total = [&] {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < widths.size(); ++i)
      sum += i + 1 < widths.size() ? std::max(widths[i] + kGap, kLeastColumn) : widths[i];
    return sum;
  };
  while (total() > width) {
    // The widest column that can still give.
    std::size_t widest = widths.size();
    for (std::size_t i = 0; i < widths.size(); ++i)
      if (widths[i] > least[i] && (widest == widths.size() || widths[i] > widths[widest])) widest = i;
    if (widest == widths.size()) break;
    --widths[widest];
  }
  std::string out;
  for (std::size_t line = 0; line < lines.size(); ++line) {
    if (line) out += '\n';
    for (std::size_t i = 0; i < lines[line].size(); ++i)
      out += cat(i ? "\t" : "", i < widths.size() ? shortened(lines[line][i], widths[i]) : std::string(lines[line][i]));
  }
  return out;
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
