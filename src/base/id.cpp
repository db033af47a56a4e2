// SPDX-License-Identifier: Apache-2.0
#include "base/id.h"

#include <sys/random.h>

#include <algorithm>
#include <vector>

#include "base/error.h"

namespace hull {

std::string random_hex(std::size_t count) {
  std::vector<unsigned char> bytes(count);
  // Up to 256 bytes getrandom never returns short, and never fails once the pool is initialised.
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(count)) throw_errno("getrandom");
  return to_hex(bytes.data(), bytes.size());
}

std::string random_id() {
  for (;;) {
    std::string id = random_hex(32);
    if (!parse_number<unsigned long>(id.substr(0, 12))) return id;
  }
}

std::string short_id(std::string_view id) { return std::string(id.substr(0, 12)); }

bool looks_like_id_prefix(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace hull
