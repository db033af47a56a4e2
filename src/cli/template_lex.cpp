// SPDX-License-Identifier: Apache-2.0
#include "cli/template_lex.h"

#include <algorithm>

#include "base/text.h"

namespace hull::cli::templates {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kKeywords[] = {"block", "break", "continue", "define",   "else",
                                          "end",   "if",    "range",    "template", "with"};
constexpr std::size_t kMarker = 2;  // the blank and the dash of "{{- " and " -}}"

bool is_blank(char c) { return kBlanks.find(c) != kBlanks.npos; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
// Bytes above 127 are parts of letters: names may have any of them.
bool is_word(char c) {
  return c == '_' || is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80);
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}

  std::vector<Token> run() {
    try {
      while (lex_text())
        while (lex_in_action()) {
        }
    } catch (const Mistake& mistake) {
      tokens_.push_back(mistake.token);
    }
    return std::move(tokens_);
  }

 private:
  struct Mistake {
    Token token;
  };
  [[noreturn]] void refuse(std::string message) const {
    throw Mistake{{TokenKind::kError, std::move(message), start_, line_}};
  }

  std::string_view rest() const { return source_.substr(at_); }
  char peek(std::size_t ahead = 0) const { return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0'; }
  bool ended() const { return at_ >= source_.size(); }

  void emit(TokenKind kind) {
    std::string_view text = source_.substr(start_, at_ - start_);
    std::size_t line = line_;
    line_ += static_cast<std::size_t>(std::ranges::count(text, '\n'));
    tokens_.push_back({kind, std::string(text), start_, line});
    start_ = at_;
  }
  void skip_to(std::size_t to) {
    line_ += static_cast<std::size_t>(std::ranges::count(source_.substr(start_, to - start_), '\n'));
    start_ = at_ = to;
  }

  bool opens_trimmed(std::size_t at) const {
    return at + 1 < source_.size() && source_[at] == '-' && is_blank(source_[at + 1]);
  }
  bool closes_trimmed() const { return is_blank(peek()) && peek(1) == '-' && rest().substr(kMarker).starts_with("}}"); }
  bool closes() const { return closes_trimmed() || rest().starts_with("}}"); }

  void skip_blanks() {
    auto next = source_.find_first_not_of(kBlanks, at_);
    skip_to(next == source_.npos ? source_.size() : next);
  }

  // The text up to "{{", which is taken too; false at the end of the source.
  bool lex_text() {
    auto open = source_.find("{{", at_);
    if (open == source_.npos) {
      at_ = source_.size();
      if (at_ > start_) emit(TokenKind::kText);
      tokens_.push_back({TokenKind::kEnd, "EOF", at_, line_});
      return false;
    }
    bool trims = opens_trimmed(open + 2);
    at_ = open;
    while (trims && at_ > start_ && is_blank(source_[at_ - 1])) --at_;
    if (at_ > start_) emit(TokenKind::kText);
    skip_to(open);
    std::size_t inside = open + 2 + (trims ? kMarker : 0);
    if (source_.substr(inside).starts_with("/*")) {
      skip_to(inside);
      lex_comment();
      return lex_text();
    }
    at_ = open + 2;
    emit(TokenKind::kOpen);
    skip_to(inside);
    depth_ = 0;
    return true;
  }

  void lex_comment() {
    auto end = source_.find("*/", at_ + 2);
    if (end == source_.npos) refuse("unclosed comment");
    at_ = end + 2;
    if (!closes()) refuse("comment ends before closing delimiter");
    bool trims = closes_trimmed();
    skip_to(at_ + 2 + (trims ? kMarker : 0));
    if (trims) skip_blanks();
  }

  // One token; false behind "}}".
  bool lex_in_action() {
    if (closes()) {
      if (depth_ > 0) refuse("unclosed left paren");
      bool trims = closes_trimmed();
      if (trims) skip_to(at_ + kMarker);
      at_ += 2;
      emit(TokenKind::kClose);
      if (trims) skip_blanks();
      return false;
    }
    if (ended()) refuse("unclosed action");
    lex_token(source_[at_]);
    return true;
  }

  void lex_token(char c) {
    if (is_blank(c)) {
      do ++at_;
      while (is_blank(peek()) && !closes_trimmed());
      return emit(TokenKind::kSpace);
    }
    if (c == '.' && at_ + 1 < source_.size() && !is_digit(peek(1))) return lex_name(TokenKind::kField, TokenKind::kDot);
    if (c == '$') return lex_name(TokenKind::kVariable, TokenKind::kVariable);
    if (c == '.' || c == '+' || c == '-' || is_digit(c)) return lex_number();
    if (is_word(c)) return lex_word();
    ++at_;
    switch (c) {
      case '=': return emit(TokenKind::kAssign);
      case '|': return emit(TokenKind::kPipe);
      case '"': return lex_quoted('"', TokenKind::kQuoted, "unterminated quoted string");
      case '\'': return lex_quoted('\'', TokenKind::kCharacter, "unterminated character constant");
      case '`': return lex_raw();
      case '(': ++depth_; return emit(TokenKind::kOpenParenthesis);
      case ')':
        if (--depth_ < 0) refuse("unexpected right paren");
        return emit(TokenKind::kCloseParenthesis);
      case ':':
        if (peek() != '=') refuse("expected :=");
        ++at_;
        return emit(TokenKind::kDeclare);
      default: break;
    }
    if (c < ' ' || c == '\x7f') refuse(cat("unrecognized character in action: ", code_point(c)));
    emit(TokenKind::kOther);
  }

  // "U+0026 '&'"
  static std::string code_point(char c) {
    std::string hex = upper(to_hex(&c, 1));
    bool shows = c > ' ' && c != '\x7f';
    return cat("U+00", hex, shows ? cat(" '", c, "'") : std::string());
  }

  bool at_terminator() const {
    return ended() || is_blank(peek()) || std::string_view(".,|:)(").find(peek()) != std::string_view::npos ||
           rest().starts_with("}}");
  }
  void need_terminator() const {
    if (!at_terminator()) refuse(cat("bad character ", code_point(peek())));
  }

  // Behind '.' or '$'.
  void lex_name(TokenKind named, TokenKind bare) {
    ++at_;
    if (at_terminator()) return emit(bare);
    while (is_word(peek())) ++at_;
    need_terminator();
    emit(named);
  }

  void lex_word() {
    while (is_word(peek())) ++at_;
    need_terminator();
    std::string_view word = source_.substr(start_, at_ - start_);
    bool keyword = std::ranges::find(kKeywords, word) != std::end(kKeywords);
    emit(keyword                             ? TokenKind::kKeyword
         : word == "true" || word == "false" ? TokenKind::kBool
         : word == "nil"                     ? TokenKind::kNil
                                             : TokenKind::kIdentifier);
  }

  bool accept(std::string_view set) {
    if (ended() || set.find(peek()) == set.npos) return false;
    ++at_;
    return true;
  }

  void lex_number() {
    accept("+-");
    std::string_view digits = "0123456789_";
    if (accept("0")) {
      if (accept("xX"))
        digits = "0123456789abcdefABCDEF_";
      else if (accept("oO"))
        digits = "01234567_";
      else if (accept("bB"))
        digits = "01_";
    }
    while (accept(digits)) {
    }
    if (accept("."))
      while (accept(digits)) {
      }
    if (digits.size() == 11 && accept("eE")) {
      accept("+-");
      while (accept(digits)) {
      }
    }
    if (is_word(peek()) && !ended()) {
      ++at_;
      refuse(cat("bad number syntax: ", quoted(source_.substr(start_, at_ - start_))));
    }
    emit(TokenKind::kNumber);
  }

  void lex_quoted(char quote, TokenKind kind, const char* unterminated) {
    for (; peek() != quote || ended(); ++at_) {
      if (peek() == '\\') ++at_;
      if (ended() || peek() == '\n') refuse(unterminated);
    }
    ++at_;
    emit(kind);
  }

  void lex_raw() {
    auto end = source_.find('`', at_);
    if (end == source_.npos) refuse("unterminated raw quoted string");
    at_ = end + 1;
    emit(TokenKind::kRawQuoted);
  }

  std::string_view source_;
  std::size_t at_ = 0, start_ = 0, line_ = 1;
  int depth_ = 0;  // of parentheses
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> lex(std::string_view source) { return Lexer(source).run(); }

}  // namespace hull::cli::templates
