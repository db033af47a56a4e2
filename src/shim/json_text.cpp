// SPDX-License-Identifier: Apache-2.0
#include "shim/json_text.h"

#include <array>
#include <cstdint>

namespace hull::shim {

namespace {

// Bytes that go through as they are.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (int byte = 0x20; byte < 0x80; ++byte) plain[static_cast<std::size_t>(byte)] = true;
  for (char special : {'"', '\\', '<', '>', '&'}) plain[static_cast<unsigned char>(special)] = false;
  return plain;
}();

unsigned char byte_at(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

std::size_t announced_length(unsigned char lead) {
  if (lead >= 0xc2 && lead <= 0xdf) return 2;
  if (lead >= 0xe0 && lead <= 0xef) return 3;
  if (lead >= 0xf0 && lead <= 0xf4) return 4;
  return 1;
}

// The length of the valid character at the start of `text` (whose first byte is not ASCII); 0 when there is none.
std::size_t character_length(std::string_view text) {
  unsigned char lead = byte_at(text, 0);
  std::size_t length = announced_length(lead);
  if (length == 1 || text.size() < length) return 0;
  unsigned char second = byte_at(text, 1);
  // Overlong forms, surrogates and what is beyond U+10FFFF show in the second byte.
  unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (std::size_t i = 2; i < length; ++i)
    if ((byte_at(text, i) & 0xc0) != 0x80) return 0;
  return length;
}

void append_escaped(std::string& out, unsigned char byte) {
  constexpr char kHex[] = "0123456789abcdef";
  switch (byte) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    default:
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
  }
}

// Appends what stands at the start of `text`, which is not plain, and says how many bytes that was.
std::size_t append_special(std::string& out, std::string_view text) {
  unsigned char byte = byte_at(text, 0);
  if (byte < 0x80) {
    append_escaped(out, byte);
    return 1;
  }
  std::size_t length = character_length(text);
  if (length == 0) {
    out += "\\ufffd";
    return 1;
  }
  std::string_view character = text.substr(0, length);
  if (character == "\xe2\x80\xa8") {
    out += "\\u2028";
  } else if (character == "\xe2\x80\xa9") {
    out += "\\u2029";
  } else {
    out += character;
  }
  return length;
}

}  // namespace

void append_json_text(std::string& out, std::string_view text) {
  while (!text.empty()) {
    std::size_t plain = 0;
    while (plain < text.size() && kPlain[byte_at(text, plain)]) ++plain;
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (!text.empty()) text.remove_prefix(append_special(out, text));
  }
}

std::size_t whole_characters(std::string_view text) {
  for (std::size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    unsigned char byte = byte_at(text, text.size() - back);
    if ((byte & 0xc0) == 0x80) continue;
    bool is_cut = announced_length(byte) > back;
    return is_cut && text.size() > back ? text.size() - back : text.size();
  }
  return text.size();
}

}  // namespace hull::shim
