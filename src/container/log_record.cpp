// SPDX-License-Identifier: Apache-2.0
#include "container/log_record.h"

#include <cstring>

#include "base/text.h"

namespace hull::container {

namespace {

constexpr std::string_view kText = "{\"log\":\"";
constexpr std::string_view kStream = ",\"stream\":\"";
constexpr std::string_view kTime = "\"time\":\"";

void append_utf8(std::string& out, unsigned code) {
  auto put = [&](unsigned byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

std::optional<unsigned> hex4(std::string_view text) {
  return text.size() < 4 ? std::nullopt : parse_number<unsigned>(text.substr(0, 4), 16);
}

// "\uD83D\uDE00" is one character; `at` is behind the "\u". False when it is not four digits.
bool decode_unicode(std::string_view text, std::size_t& at, std::string& out) {
  auto high = hex4(text.substr(at));
  if (!high) return false;
  at += 4;
  unsigned code = *high;
  if (code >= 0xd800 && code < 0xdc00 && text.substr(at).starts_with("\\u")) {
    auto low = hex4(text.substr(at + 2));
    if (low && *low >= 0xdc00 && *low < 0xe000) {
      code = 0x10000 + ((code - 0xd800) << 10) + (*low - 0xdc00);
      at += 6;
    }
  }
  append_utf8(out, code >= 0xd800 && code < 0xe000 ? 0xfffd : code);
  return true;
}

// What stands for the character behind a backslash, 0 when nothing does.
char unescaped(char c) {
  switch (c) {
    case 'n': return '\n';
    case 't': return '\t';
    case 'r': return '\r';
    case 'b': return '\b';
    case 'f': return '\f';
    case '"':
    case '\\':
    case '/': return c;
    default: return 0;
  }
}

// Decodes a JSON string up to its closing quote; the position behind that, or npos when it is torn.
std::size_t decode_string(std::string_view text, std::size_t at, std::string& out) {
  while (at < text.size()) {
    std::size_t plain = at;
    while (plain < text.size() && text[plain] != '"' && text[plain] != '\\') ++plain;
    out.append(text, at, plain - at);
    at = plain;
    if (at >= text.size()) break;
    if (text[at] == '"') return at + 1;
    if (++at >= text.size()) break;
    if (text[at] == 'u') {
      if (!decode_unicode(text, ++at, out)) break;
    } else if (char c = unescaped(text[at++])) {
      out += c;
    } else {
      break;
    }
  }
  return std::string_view::npos;
}

// {"a":"b","c":"d"} behind "attrs": texts only, as Docker writes them.
void read_attributes(std::string_view line, StringMap& attributes) {
  constexpr std::string_view kAttributes = "\"attrs\":{";
  auto at = line.find(kAttributes);
  if (at == line.npos) return;
  at += kAttributes.size();
  while (at < line.size() && line[at] == '"') {
    std::string key, value;
    at = decode_string(line, at + 1, key);
    if (at == line.npos || !line.substr(at).starts_with(":\"")) return;
    at = decode_string(line, at + 2, value);
    if (at == line.npos) return;
    attributes[key] = value;
    if (at < line.size() && line[at] == ',') ++at;
  }
}

}  // namespace

bool parse_json_record(std::string_view line, LogRecord& record, bool with_attributes) {
  record.text.clear();
  record.attributes.clear();
  if (!line.starts_with(kText) || !line.ends_with('}')) return false;
  auto at = decode_string(line, kText.size(), record.text);
  if (at == std::string_view::npos) return false;
  line.remove_prefix(at);
  if (!line.starts_with(kStream)) return false;
  line.remove_prefix(kStream.size());
  record.is_stderr = line.starts_with("stderr\"");
  if (with_attributes) read_attributes(line, record.attributes);
  auto time = line.rfind(kTime);
  if (time == std::string_view::npos) return false;
  line.remove_prefix(time + kTime.size());
  auto parsed = parse_rfc3339(line.substr(0, line.find('"')));
  if (!parsed) return false;
  record.time = *parsed;
  return true;
}

bool ends_message(std::string_view line) {
  // The text cannot hold an unescaped quote, so that this is the end of the text wherever it is found.
  constexpr std::string_view kEnd = "\\n\",\"stream\":\"";
  const void* found = ::memmem(line.data(), line.size(), kEnd.data(), kEnd.size());
  if (found == nullptr) return false;
  // A backslash before it would make it a backslash and an "n".
  std::size_t at = static_cast<std::size_t>(static_cast<const char*>(found) - line.data()), backslashes = 0;
  while (backslashes < at && line[at - backslashes - 1] == '\\') ++backslashes;
  return backslashes % 2 == 0;
}

}  // namespace hull::container
