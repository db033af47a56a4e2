// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hull::cli::templates {

enum class TokenKind : unsigned char {
  kError,  // text is the message
  kEnd,
  kText,
  kOpen,
  kClose,
  kSpace,
  kAssign,
  kDeclare,
  kPipe,
  kOpenParenthesis,
  kCloseParenthesis,
  kDot,
  kField,
  kVariable,
  kIdentifier,
  kKeyword,
  kBool,
  kNil,
  kNumber,
  kCharacter,
  kQuoted,
  kRawQuoted,
  kOther,  // a character that nothing begins with
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
  std::size_t position = 0, line = 1;
};

// All tokens, up to the end or the first mistake. Comments are gone, texts are trimmed.
std::vector<Token> lex(std::string_view source);

}  // namespace hull::cli::templates
