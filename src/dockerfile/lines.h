// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dockerfile/instruction.h"
#include "dockerfile/parse.h"

// From the lines of a file to instructions on one line each: directives, comments, continuations, documents.
namespace hull::dockerfile {

// Recognises the directives on top of a file, line by line. The first line that is none ends it for good.
class DirectiveScan {
 public:
  struct Directive {
    std::string name, value;  // name in lower case
  };
  explicit DirectiveScan(std::string_view comment = "#") : comment_(comment) {}
  void stop() { done_ = true; }
  // `line` without its end. Throws Error{kInvalidArgument} when a name comes a second time.
  std::optional<Directive> next(std::string_view line);

 private:
  std::string_view comment_;
  std::vector<std::string> seen_;
  bool done_ = false;
};

struct LogicalLine {
  std::string text;  // without the escape characters at line ends and without comments
  std::vector<Piece> pieces;
  Lines lines;
  std::vector<std::string> comments;
  bool has_empty_continuation = false;
};

class LineReader {
 public:
  explicit LineReader(std::string_view text);
  // Without directives: an instruction that does not come from a file of its own.
  LineReader(std::string_view text, char escape);

  // Empty at the end of the file. Throws SourceError for a directive that is wrong.
  std::optional<LogicalLine> next();
  // Adds the documents that `line` announces from the lines that follow, and corrects line.lines.last. Throws
  // SourceError when one has no end.
  std::vector<Heredoc> read_heredocs(LogicalLine& line);

  char escape() const { return escape_; }
  int line() const { return number_; }  // of the line read last

 private:
  std::optional<std::string_view> raw_line();  // with its end
  bool take_directive(std::string_view line);
  bool take_continuation(std::string_view& line) const;  // cuts the escape off; false when there is none

  std::string_view rest_;
  int number_ = 0;
  char escape_ = '\\';
  DirectiveScan directives_;
  std::vector<std::string> comments_;
};

// `<<EOF`, `3<<-"EOF"` as one word: its description without content. Empty for every other word. Throws
// Error{kInvalidArgument} when its quotes do not match.
std::optional<Heredoc> parse_heredoc_word(std::string_view word);

}  // namespace hull::dockerfile
