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

namespace {

using Lines = std::vector<std::vector<std::string_view>>;

// Takes out the columns that have a heading and nothing else.
void drop_empty_columns(Lines& lines) {
  for (std::size_t i = lines[0].size(); i-- > 0;) {
    bool empty = std::ranges::all_of(lines.begin() + 1, lines.end(),
                                     [&](const auto& line) { return i >= line.size() || line[i].empty(); });
    if (!empty) continue;
    for (auto& line : lines)
      if (i < line.size()) line.erase(line.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

}  // namespace

std::string fitted(std::string_view text, std::size_t width, const std::vector<std::string_view>& whole,
                   const std::vector<std::string_view>& first, const std::vector<std::string_view>& last) {
  constexpr Columns kNarrow{.least = 0, .gap = 2};
  constexpr std::size_t kLeastCell = 7;
  if (std::string usual = aligned(text);
      std::ranges::all_of(split(usual, '\n'), [&](std::string_view line) { return text_columns(line) <= width; }))
    return usual;
  Lines lines;
  for (std::string_view line : split(text, '\n')) lines.push_back(split(line, '\t'));
  if (lines.size() > 2) drop_empty_columns(lines);
  std::vector<std::size_t> widths(lines[0].size());
  for (const auto& line : lines)
    for (std::size_t i = 0; i < std::min(widths.size(), line.size()); ++i)
      widths[i] = std::max(widths[i], text_columns(line[i]));
  auto total = [&] {
    std::size_t sum = kNarrow.gap * (widths.size() - 1);
    for (std::size_t one : widths) sum += one;
    return sum;
  };
  auto has = [](const auto& list, std::string_view heading) { return std::ranges::find(list, heading) != list.end(); };
  enum { kFirst, kMost, kAll };
  for (int step : {kFirst, kMost, kAll})
    while (total() > width) {
      // The widest column that can still give.
      std::size_t widest = widths.size();
      for (std::size_t i = 0; i < widths.size(); ++i) {
        std::size_t least = std::max(text_columns(lines[0][i]), kLeastCell);
        bool gives = widths[i] > least && !has(whole, lines[0][i]) &&
                     (step == kFirst ? has(first, lines[0][i]) : step == kAll || !has(last, lines[0][i]));
        if (gives && (widest == widths.size() || widths[i] > widths[widest])) widest = i;
      }
      if (widest == widths.size()) break;
      --widths[widest];
    }
  std::string out;
  for (std::size_t line = 0; line < lines.size(); ++line) {
    if (line) out += '\n';
    for (std::size_t i = 0; i < lines[line].size(); ++i)
      out += cat(i ? "\t" : "", i < widths.size() ? shortened(lines[line][i], widths[i]) : std::string(lines[line][i]));
  }
  return aligned(out, kNarrow);
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
