// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What the distribution specification calls <name>, <tag>, <digest> and <range>. Everything that a client sends and
// that ends up in a file name passes through here.
namespace hull::registry_server {

// "[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*" and the same again behind slashes, at most 255 characters.
bool is_repository_name(std::string_view text);
// "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}".
bool is_tag(std::string_view text);
bool is_upload_id(std::string_view text);  // a UUID in lower case

enum class Algorithm : unsigned char { kSha256, kSha512 };
std::string_view to_string(Algorithm algorithm);
std::optional<Algorithm> parse_algorithm(std::string_view text);

// The name of content: an algorithm that we know, and as many lower-case hexadecimal digits as it makes.
struct Digest {
  Algorithm algorithm = Algorithm::kSha256;
  std::string hex;

  std::string text() const;  // "sha256:…"
  auto operator<=>(const Digest&) const = default;
};
std::optional<Digest> parse_digest(std::string_view text);
// Whether it looks like a digest, well-formed or not: no tag has a colon.
bool means_digest(std::string_view text);

// A part of a file: `size` bytes from `offset` on.
struct Span {
  std::uint64_t offset = 0, size = 0;
  std::uint64_t last() const { return offset + size - 1; }
  auto operator<=>(const Span&) const = default;
};
// A Range header (RFC 9110, section 14.2) for a file of `size` bytes.
struct RangeRequest {
  bool asked = false;       // false: no header, or one that is to be ignored (other units, broken syntax)
  std::vector<Span> spans;  // asked and empty: not satisfiable
};
RangeRequest parse_range(std::string_view header, std::uint64_t size);

// The Content-Range of a chunk as the specification has it: "0-1023", both ends inclusive.
std::optional<Span> parse_chunk_range(std::string_view header);

}  // namespace hull::registry_server
