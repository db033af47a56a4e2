// SPDX-License-Identifier: Apache-2.0
#include "dockerfile/source.h"

#include <algorithm>
#include <numeric>

namespace hull::dockerfile {

Position position_of(const std::vector<Piece>& pieces, std::size_t offset) {
  auto next = std::upper_bound(pieces.begin(), pieces.end(), offset,
                               [](std::size_t at, const Piece& piece) { return at < piece.offset; });
  if (next == pieces.begin()) return pieces.empty() ? Position{} : pieces.front().start;
  const Piece& piece = *std::prev(next);
  return {piece.start.line, piece.start.column + static_cast<int>(offset - piece.offset)};
}

Position locate(const std::vector<Piece>& pieces, std::string_view text, std::string_view word) {
  std::size_t at = word.empty() ? std::string_view::npos : text.find(word);
  if (at == std::string_view::npos && word.starts_with("--")) at = text.find(word.substr(0, word.find('=')));
  return position_of(pieces, at == std::string_view::npos ? 0 : at);
}

SourceError::SourceError(std::string reason, Lines lines, Position position, bool prefix)
    : Error(Kind::kInvalidArgument,
            prefix ? cat("dockerfile parse error on line ", lines.first, ": ", reason) : std::string(reason)),
      reason_(std::move(reason)),
      lines_(lines),
      position_(position) {}

namespace {

std::string numbered(int number) {
  std::string digits = std::to_string(number);
  return cat(" ", std::string(digits.size() < 3 ? 3 - digits.size() : 0, ' '), digits, " | ");
}

// A caret below `column` of `line`; tabs stay tabs so that it lines up.
std::string caret(std::string_view line, int column) {
  std::string out = "     |     ";
  const auto count = std::min(line.size(), static_cast<std::size_t>(column - 1));
  for (char c : line.substr(0, count))
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) out += c == '\t' ? '\t' : ' ';
  return out + "^\n";
}

}  // namespace

std::string excerpt(std::string_view source, std::string_view file, Lines lines, Position position) {
  const auto all = split(source, '\n');
  const int count = static_cast<int>(all.size());
  if (lines.first < 1 || lines.first > count) return {};
  int start = lines.first, end = std::clamp(lines.last, lines.first, count);
  // Some lines around it, as many as BuildKit shows.
  const int wanted = end == start ? 4 : 2;
  for (int shown = 0; shown < wanted; ++shown) {
    if (start > 1) --start, ++shown;
    if (end != count) ++end, ++shown;
  }
  std::string out = cat(file, ":", lines.first, "\n--------------------\n");
  for (int number = start; number <= end; ++number) {
    std::string_view line = all[static_cast<std::size_t>(number - 1)];
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    const bool marked = number >= lines.first && number <= std::max(lines.last, lines.first);
    out += cat(numbered(number), marked ? ">>>" : "   ", " ", line, "\n");
    if (number == position.line && position.column > 0) out += caret(line, position.column);
  }
  return out + "--------------------\n";
}

namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string_view>& options, bool ignore_case) {
  constexpr std::size_t kTooFar = 3;
  constexpr std::size_t kLongest = 64;  // nobody mistypes more than that, and the distance costs length times length
  if (word.size() > kLongest) return {};
  const std::string wanted = ignore_case ? lower(word) : std::string(word);
  std::string found;
  std::size_t best = kTooFar;
  for (std::string_view option : options) {
    const std::string candidate = ignore_case ? lower(option) : std::string(option);
    if (candidate == wanted) return {};
    const std::size_t distance = edit_distance(wanted, candidate);
    if (distance >= best) continue;
    best = distance;
    found = !ignore_case || word == lower(word) ? candidate : word == upper(word) ? upper(option) : candidate;
  }
  return found;
}

std::string suggestion(std::string_view word, const std::vector<std::string_view>& options, bool ignore_case) {
  const std::string found = nearest(word, options, ignore_case);
  return found.empty() ? std::string() : cat(" (did you mean ", found, "?)");
}

}  // namespace hull::dockerfile
