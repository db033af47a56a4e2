// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

// Places in the text of a Dockerfile, and errors that know theirs.
namespace hull::dockerfile {

// Lines and columns count from 1, columns in bytes. Line 0: nowhere in particular.
struct Position {
  int line = 0, column = 0;
  bool operator==(const Position&) const = default;
};

// The lines that an instruction takes up, both included; its heredocs are part of it.
struct Lines {
  int first = 0, last = 0;
  bool operator==(const Lines&) const = default;
};

// An instruction's text is put together from several lines; a piece says where the bytes from `offset` on come from.
struct Piece {
  std::size_t offset = 0;
  Position start;
};

// Where the byte `offset` of a text that was put together from `pieces` stands in the file.
Position position_of(const std::vector<Piece>& pieces, std::size_t offset);

// Where `word` stands in such a text. A flag that is written differently ("--a=\"b\"" for "--a=b") is found by its
// name; what is not found at all is at the start.
Position locate(const std::vector<Piece>& pieces, std::string_view text, std::string_view word);

// What is wrong with a Dockerfile, and where. message() is what the clients of Docker show:
// "dockerfile parse error on line 3: unknown instruction: FRM (did you mean FROM?)".
class SourceError : public Error {
 public:
  // `reason` is the part behind "on line N: ". With `prefix` false message() is the reason alone.
  SourceError(std::string reason, Lines lines, Position position, bool prefix = true);

  const std::string& reason() const noexcept { return reason_; }
  Lines lines() const noexcept { return lines_; }
  Position position() const noexcept { return position_; }  // column 0: the whole lines

 private:
  std::string reason_;
  Lines lines_;
  Position position_;
};

// The lines around a place as BuildKit's clients print them, and under the column a caret:
//
//   Dockerfile:3
//   --------------------
//      1 |     FROM busybox
//      2 |
//      3 | >>> RUM true
//        |     ^
//      4 |     CMD ["sh"]
//   --------------------
//
// `position` may have column 0: no caret. Long runs of lines are cut in the middle.
std::string excerpt(std::string_view source, std::string_view file, Lines lines, Position position = {});

// " (did you mean FROM?)" for the option nearest to `word`, when fewer than three letters differ; "" otherwise, and
// when `word` is one of the options. Without case the suggestion takes the word's case.
std::string suggestion(std::string_view word, const std::vector<std::string_view>& options, bool ignore_case = false);
// The option itself instead of the remark; "" when none is near.
std::string nearest(std::string_view word, const std::vector<std::string_view>& options, bool ignore_case = false);

}  // namespace hull::dockerfile
