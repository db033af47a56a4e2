// SPDX-License-Identifier: Apache-2.0
#include "registry_server/grammar.h"

#include <algorithm>

#include "base/text.h"

namespace hull::registry_server {

namespace {

constexpr std::size_t kLongestName = 255, kLongestTag = 128, kUuid = 36;
constexpr std::size_t kMostSpans = 256;  // of one request: more are somebody who wants to keep us busy

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_plain(char c) { return is_lower(c) || is_digit(c); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }

// Letters and digits, joined by one '.', one or two '_', or any number of '-'.
bool is_component(std::string_view text) {
  if (text.empty() || !is_plain(text.front()) || !is_plain(text.back())) return false;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && text[end] == text[at]) ++end;
    std::size_t count = end - at;
    if (!is_plain(text[at])) {
      bool joins = text[at] == '-' || (text[at] == '.' && count == 1) || (text[at] == '_' && count <= 2);
      if (!joins || !is_plain(text[end])) return false;
    }
    at = end;
  }
  return true;
}

std::size_t hex_digits(Algorithm algorithm) { return algorithm == Algorithm::kSha256 ? 64 : 128; }

// "5-9", "5-" or "-5". Empty when it is no range; a size of 0 when nothing of the file is in it.
std::optional<Span> parse_span(std::string_view text, std::uint64_t size) {
  auto [first, last] = split_once(text, '-');
  if (!last) return std::nullopt;
  if (first.empty()) {
    auto suffix = parse_number<std::uint64_t>(*last);
    if (!suffix) return std::nullopt;
    std::uint64_t length = std::min(*suffix, size);
    return Span{size - length, length};
  }
  auto begin = parse_number<std::uint64_t>(first);
  if (!begin) return std::nullopt;
  std::uint64_t end = size;  // exclusive
  if (!last->empty()) {
    auto number = parse_number<std::uint64_t>(*last);
    if (!number) return std::nullopt;
    if (*number < size) end = *number + 1;
  }
  if (*begin >= end) return Span{};
  return Span{*begin, end - *begin};
}

}  // namespace

bool is_repository_name(std::string_view text) {
  return text.size() <= kLongestName && std::ranges::all_of(split(text, '/'), is_component);
}

bool is_tag(std::string_view text) {
  auto word = [](char c) { return is_plain(c) || is_upper(c) || c == '_'; };
  return !text.empty() && text.size() <= kLongestTag && word(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return word(c) || c == '.' || c == '-'; });
}

bool is_upload_id(std::string_view text) {
  if (text.size() != kUuid) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

std::string_view to_string(Algorithm algorithm) { return algorithm == Algorithm::kSha256 ? "sha256" : "sha512"; }

std::optional<Algorithm> parse_algorithm(std::string_view text) {
  for (Algorithm algorithm : {Algorithm::kSha256, Algorithm::kSha512})
    if (text == to_string(algorithm)) return algorithm;
  return std::nullopt;
}

std::string Digest::text() const { return cat(to_string(algorithm), ":", hex); }

std::optional<Digest> parse_digest(std::string_view text) {
  auto [name, hex] = split_once(text, ':');
  auto algorithm = parse_algorithm(name);
  if (!algorithm || !hex || hex->size() != hex_digits(*algorithm) || !std::ranges::all_of(*hex, is_hex))
    return std::nullopt;
  return Digest{*algorithm, std::string(*hex)};
}

bool means_digest(std::string_view text) { return text.find(':') != text.npos; }

RangeRequest parse_range(std::string_view header, std::uint64_t size) {
  RangeRequest request;
  auto [unit, set] = split_once(header, '=');
  if (!set || !equals_ignoring_case(trim(unit), "bytes")) return request;
  auto parts = split(*set, ',');
  if (parts.size() > kMostSpans) return request;
  std::uint64_t total = 0;
  for (std::string_view part : parts) {
    auto span = parse_span(trim(part), size);
    if (!span) return {};
    if (span->size == 0) continue;
    total += span->size;
    request.spans.push_back(*span);
  }
  // Ranges that overlap so much that the whole would be shorter: section 14.2 lets us ignore them.
  if (request.spans.size() > 1 && total > size) return {};
  request.asked = true;
  return request;
}

std::optional<Span> parse_chunk_range(std::string_view header) {
  auto [first, last] = split_once(header, '-');
  if (!last) return std::nullopt;
  auto begin = parse_number<std::uint64_t>(first), end = parse_number<std::uint64_t>(*last);
  if (!begin || !end || *end < *begin || *end - *begin == UINT64_MAX) return std::nullopt;
  return Span{*begin, *end - *begin + 1};
}

}  // namespace hull::registry_server
