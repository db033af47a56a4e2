// SPDX-License-Identifier: Apache-2.0
#include "cli/live_screen.h"

#include <unistd.h>

#include "base/text.h"
#include "cli/output.h"
#include "cli/terminal.h"

namespace hull::cli {

LiveScreen::LiveScreen() : in_place_(is_terminal(STDOUT_FILENO)) {}

std::string cut_at(const std::string& line, std::size_t columns) {
  std::size_t seen = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\x1b') {
      while (i < line.size() && !((line[i] >= 'a' && line[i] <= 'z') || (line[i] >= 'A' && line[i] <= 'Z'))) ++i;
      continue;
    }
    if ((line[i] & 0xC0) != 0x80 && seen++ == columns) return line.substr(0, i);
  }
  return line;
}

void LiveScreen::draw(const std::string& text) {
  if (!in_place_) {
    print(first_ ? text : "\n" + text);
    first_ = false;
    return;
  }
  WindowSize size = window_size(STDOUT_FILENO);
  std::size_t width = size.columns ? size.columns : 80, rows = size.rows ? size.rows : 24, row = 0;
  // Home; every line over the old one; nothing below the last.
  std::string drawn = first_ ? "\x1b[2J\x1b[H" : "\x1b[H";
  for (std::string_view line : split(text, '\n')) {
    if (++row >= rows) break;
    drawn += cut_at(std::string(line), width) + "\x1b[K\n";
  }
  print(drawn + "\x1b[J");
  first_ = false;
}

}  // namespace hull::cli
