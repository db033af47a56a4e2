// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// How the text behind an instruction's word falls into pieces: blanks, quoted words, flags, JSON arrays, comma lists.
namespace hull::dockerfile {

// The bytes of the blank (Unicode's White_Space) at `at`; 0 when there is none.
std::size_t blank_width(std::string_view text, std::size_t at);
std::string_view trim_blanks(std::string_view text);
std::string_view trim_leading_blanks(std::string_view text);
// The bytes of the UTF-8 character at `at`, 1 for a byte that is none.
std::size_t character_width(std::string_view text, std::size_t at);

// Split at runs of blanks (ASCII only, as BuildKit does here), quotes mean nothing. "" is no word.
std::vector<std::string> split_blanks(std::string_view text);
// The first such word, and what follows the blanks behind it; empty optional when nothing does.
std::pair<std::string_view, std::optional<std::string_view>> split_first_word(std::string_view text);

// Words of ENV, LABEL and ARG: quotes hold blanks together and stay in the word, as escapes do.
std::vector<std::string> quoted_words(std::string_view text, char escape);

// The leading words that begin with "--", without quotes and escapes, and what follows them. A lone "--" ends them.
struct Flagged {
  std::vector<std::string> flags;
  std::string_view rest;
};
Flagged split_flags(std::string_view text, char escape);

// A JSON array of strings. kOther: valid JSON array with something else in it, which Docker refuses; kNone: anything
// else, which is shell form.
enum class JsonForm : unsigned char { kNone, kStrings, kOther };
JsonForm parse_json_strings(std::string_view text, std::vector<std::string>& out);

// The member "syntax" of a JSON object, where it is a text: `{"syntax": "docker/dockerfile:1"}`.
std::optional<std::string> syntax_of_json(std::string_view text);

// "a,b" with CSV quoting ("a,b" is one field, "" a quote in it). Throws Error{kInvalidArgument}.
std::vector<std::string> split_csv(std::string_view text);

// true, false, 1, 0, t, f and their capital forms, as Go's strconv.ParseBool.
std::optional<bool> parse_bool(std::string_view text);

}  // namespace hull::dockerfile
