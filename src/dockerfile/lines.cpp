// SPDX-License-Identifier: Apache-2.0
#include "dockerfile/lines.h"

#include <algorithm>

#include "dockerfile/expand.h"
#include "dockerfile/words.h"

namespace hull::dockerfile {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string_view without_end(std::string_view line) {
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  return line;
}

bool is_comment(std::string_view line) {
  line = trim_leading_blanks(line);
  return !line.empty() && line.front() == '#';
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::optional<DirectiveScan::Directive> DirectiveScan::next(std::string_view line) {
  if (done_) return std::nullopt;
  done_ = true;  // until it turns out to be one
  if (!line.starts_with(comment_)) return std::nullopt;
  line = trim_leading_blanks(line.substr(comment_.size()));
  std::size_t end = 0;
  while (end < line.size() && (is_letter(line[end]) || (end > 0 && is_digit(line[end])))) ++end;
  Directive found{lower(line.substr(0, end)), {}};
  line = trim_leading_blanks(line.substr(end));
  if (line.empty() || line.front() != '=') return std::nullopt;
  found.value = trim_blanks(line.substr(1));
  if (found.value.empty()) return std::nullopt;
  if (found.name != "syntax" && found.name != "escape" && found.name != "check") return std::nullopt;
  if (std::find(seen_.begin(), seen_.end(), found.name) != seen_.end())
    fail_invalid("only one ", found.name, " parser directive can be used");
  seen_.push_back(found.name);
  done_ = false;
  return found;
}

LineReader::LineReader(std::string_view text) : rest_(text) {
  if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
}

LineReader::LineReader(std::string_view text, char escape) : rest_(text), escape_(escape) { directives_.stop(); }

std::optional<std::string_view> LineReader::raw_line() {
  if (rest_.empty()) return std::nullopt;
  const std::size_t end = rest_.find('\n');
  std::string_view line = rest_.substr(0, end == std::string_view::npos ? end : end + 1);
  rest_.remove_prefix(line.size());
  ++number_;
  return line;
}

bool LineReader::take_directive(std::string_view line) {
  try {
    auto directive = directives_.next(line);
    if (!directive) return false;
    if (directive->name == "escape") {
      if (directive->value != "\\" && directive->value != "`")
        fail_invalid("invalid escape token '", directive->value, "' does not match ` or \\");
      escape_ = directive->value.front();
    }
    return true;
  } catch (const SourceError&) {
    throw;
  } catch (const Error& error) {
    throw SourceError(error.message(), {number_, number_}, {number_, 1});
  }
}

// An escape character continues a line when only blanks follow it and no other one stands before it.
bool LineReader::take_continuation(std::string_view& line) const {
  std::size_t end = line.size();
  while (end > 0 && (line[end - 1] == ' ' || line[end - 1] == '\t')) --end;
  if (end == 0 || line[end - 1] != escape_) return false;
  if (end > 1 && line[end - 2] == escape_) return false;
  line = line.substr(0, end - 1);
  return true;
}

std::optional<LogicalLine> LineReader::next() {
  LogicalLine out;
  while (auto raw = raw_line()) {
    std::string_view whole = without_end(*raw);
    std::string_view line = trim_leading_blanks(whole);
    if (take_directive(line)) continue;
    if (is_comment(line)) {
      const std::string_view comment = trim_blanks(line.substr(1));
      if (comment.empty())
        comments_.clear();
      else
        comments_.emplace_back(comment);
      continue;
    }
    const int column = static_cast<int>(line.data() - whole.data()) + 1;
    bool goes_on = take_continuation(line);
    if (!goes_on && line.empty()) continue;
    out.lines = {number_, number_};
    out.pieces.push_back({0, {number_, column}});
    out.text = line;
    while (goes_on) {
      auto more = raw_line();
      if (!more) break;
      if (is_comment(*more)) continue;
      line = without_end(*more);
      if (trim_leading_blanks(line).empty()) {
        out.has_empty_continuation = true;
        continue;
      }
      goes_on = take_continuation(line);
      out.pieces.push_back({out.text.size(), {number_, 1}});
      out.text += line;
    }
    out.lines.last = number_;
    out.comments = std::exchange(comments_, {});
    return out;
  }
  return std::nullopt;
}

std::optional<Heredoc> parse_heredoc_word(std::string_view word) {
  Heredoc out;
  std::size_t at = 0;
  while (at < word.size() && is_digit(word[at])) ++at;
  out.descriptor = parse_number<unsigned>(word.substr(0, at)).value_or(0);
  if (word.substr(at, 2) != "<<") return std::nullopt;
  word.remove_prefix(at + 2);
  if (word.starts_with('-')) {
    out.strip_tabs = true;
    word.remove_prefix(1);
  }
  word = trim_leading_blanks(word);
  if (word.empty() || word.find('<') != std::string_view::npos) return std::nullopt;
  const ExpandOptions plain{.keep_unset = true};
  const auto names = expand_words(word, {}, plain);
  if (names.size() != 1) return std::nullopt;
  out.name = names.front();
  // A quote anywhere in the delimiter turns the document into plain text; quotes that are part of the name do not
  // count.
  const auto raw = expand_words(word, {}, {.keep_quotes = true, .keep_unset = true});
  auto quotes = [](std::string_view text) {
    return std::count_if(text.begin(), text.end(), [](char c) { return c == '\'' || c == '"'; });
  };
  out.expand = raw.size() == 1 && quotes(raw.front()) == quotes(out.name);
  return out;
}

std::vector<Heredoc> LineReader::read_heredocs(LogicalLine& line) {
  std::vector<Heredoc> documents;
  std::vector<std::string> words;
  try {
    words = expand_words(line.text, {}, {.keep_quotes = true, .keep_escapes = true, .keep_unset = true});
  } catch (const Error&) {
    return documents;  // quotes that only the shell understands: then `<<` is the shell's business, too
  }
  for (const std::string& word : words) {
    std::optional<Heredoc> document;
    try {
      document = parse_heredoc_word(word);
    } catch (const Error& error) {
      throw SourceError(error.message(), line.lines, position_of(line.pieces, line.text.find("<<")));
    }
    if (!document) continue;
    bool ended = false;
    while (auto raw = raw_line()) {
      std::string_view end = without_end(*raw);
      if (document->strip_tabs) end.remove_prefix(std::min(end.find_first_not_of('\t'), end.size()));
      if ((ended = end == document->name)) break;
      document->content += *raw;
    }
    if (!ended)
      throw SourceError(cat("unterminated heredoc"), {line.lines.first, number_},
                        position_of(line.pieces, line.text.find("<<")));
    documents.push_back(std::move(*document));
  }
  line.lines.last = number_;
  return documents;
}

Directives read_directives(std::string_view text) {
  Directives out;
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  int skipped = 0;
  if (text.starts_with("#!")) {
    const std::size_t end = text.find('\n');
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    skipped = 1;
  }
  auto scan_with = [&](std::string_view comment, bool only_syntax) {
    DirectiveScan scan(comment);
    std::string_view rest = text;
    for (int number = skipped + 1; !rest.empty(); ++number) {
      const std::size_t end = rest.find('\n');
      std::string_view line = without_end(rest.substr(0, end));
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
      std::optional<DirectiveScan::Directive> found;
      try {
        found = scan.next(line);
      } catch (const Error&) {
        return;
      }
      if (!found) return;
      if (found->name == "syntax") {
        out.syntax = found->value.substr(0, found->value.find(' '));
        out.syntax_lines = {number, number};
      } else if (found->name == "check" && !only_syntax) {
        out.check = found->value.substr(0, found->value.find(' '));
        out.check_lines = {number, number};
      } else if (found->name == "escape" && !only_syntax && skipped == 0 &&
                 (found->value == "\\" || found->value == "`")) {
        out.escape = found->value.front();
      }
    }
  };
  scan_with("#", false);
  if (out.syntax.empty()) scan_with("//", true);
  if (out.syntax.empty()) {
    if (auto syntax = syntax_of_json(text)) {
      out.syntax = *syntax;
      out.syntax_lines = {skipped, skipped};
    }
  }
  return out;
}

}  // namespace hull::dockerfile
