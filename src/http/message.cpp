// SPDX-License-Identifier: Apache-2.0
#include "http/message.h"

#include "base/error.h"
#include "base/text.h"

namespace hull::http {

std::string_view Request::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (equals_ignoring_case(key, name)) return value;
  return {};
}

// Clients of Docker may leave out "Connection: Upgrade", and expect the answer to an upgrade all the same.
bool Request::wants_upgrade() const { return !header("Upgrade").empty(); }

std::string Request::read_all(std::size_t limit) {
  std::string body;
  char buffer[16384];
  while (std::size_t size = read(buffer, sizeof buffer)) {
    if (body.size() + size > limit) fail_invalid("the body of the request is longer than ", limit, " bytes");
    body.append(buffer, size);
  }
  return body;
}

std::string docker_refusal(int, std::string_view message) { return cat("{\"message\":", hull::quoted(message), "}\n"); }

std::string percent_decoded(std::string_view text, bool plus_is_blank) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      auto value = i + 2 < text.size() ? parse_number<unsigned>(text.substr(i + 1, 2), 16) : std::nullopt;
      if (!value) fail_invalid("invalid URL escape ", hull::quoted(text.substr(i, 3)));
      out += static_cast<char>(*value);
      i += 2;
    } else {
      out += plus_is_blank && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

}  // namespace hull::http
