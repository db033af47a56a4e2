// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace hull::cli {

// A text that is drawn again and again at the same place of a terminal: over the old one, line by line, so that nothing
// flickers. Lines are cut at the terminal's width, and what is below its last row is left out. Where standard output is
// no terminal, each text is printed below the last, behind an empty line.
class LiveScreen {
 public:
  LiveScreen();
  bool in_place() const { return in_place_; }
  void draw(const std::string& text);

 private:
  bool in_place_;
  bool first_ = true;
};

// The first `columns` columns of a line; escape sequences take none.
std::string cut_at(const std::string& line, std::size_t columns);

}  // namespace hull::cli
