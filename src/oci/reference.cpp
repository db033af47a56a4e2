// SPDX-License-Identifier: Apache-2.0
#include "oci/reference.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"

// The grammar is that of github.com/distribution/reference; written out by hand because a regular expression
// engine in the static binaries would cost more than all of this.
namespace hull::oci {

namespace {

constexpr std::string_view kDefaultDomain = "docker.io";
constexpr std::string_view kOldDefaultDomain = "index.docker.io";
constexpr std::string_view kOfficialPrefix = "library/";
constexpr std::size_t kLongestPath = 255, kLongestTag = 128, kHexDigits = 64;

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return is_lower(c) || is_upper(c) || is_digit(c) || c == '_'; }
bool is_lower_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }
bool is_id(std::string_view text) { return text.size() == kHexDigits && std::ranges::all_of(text, is_lower_hex); }

// Letters and digits, dashes only inside.
bool is_domain_component(std::string_view text) {
  auto alphanumeric = [](char c) { return is_lower(c) || is_upper(c) || is_digit(c); };
  return !text.empty() && alphanumeric(text.front()) && alphanumeric(text.back()) &&
         std::ranges::all_of(text, [&](char c) { return alphanumeric(c) || c == '-'; });
}

bool is_bracketed_address(std::string_view text) {
  return text.size() > 2 && text.front() == '[' && text.back() == ']' &&
         std::ranges::all_of(text.substr(1, text.size() - 2),
                             [](char c) { return is_lower_hex(c) || (c >= 'A' && c <= 'F') || c == ':'; });
}

bool is_domain(std::string_view text) {
  if (auto colon = text.rfind(':'); colon != text.npos && text.back() != ']') {
    auto port = text.substr(colon + 1);
    if (port.empty() || !std::ranges::all_of(port, is_digit)) return false;
    text = text.substr(0, colon);
  }
  if (is_bracketed_address(text)) return true;
  return std::ranges::all_of(split(text, '.'), is_domain_component);
}

// Lower-case letters and digits, joined by one '.', one or two '_', or any number of '-'.
bool is_path_component(std::string_view text) {
  auto plain = [](char c) { return is_lower(c) || is_digit(c); };
  if (text.empty() || !plain(text.front()) || !plain(text.back())) return false;
  for (std::size_t at = 0; at < text.size();) {
    if (plain(text[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && text[end] == text[at]) ++end;
    std::size_t count = end - at;
    bool fits = text[at] == '-' || (text[at] == '.' && count == 1) || (text[at] == '_' && count <= 2);
    if (!fits || !plain(text[end])) return false;
    at = end;
  }
  return true;
}

bool is_tag(std::string_view text) {
  return !text.empty() && text.size() <= kLongestTag && is_word(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_word(c) || c == '.' || c == '-'; });
}

// The first component is a domain only when it cannot be mistaken for a user's name.
std::pair<std::string, std::string> split_domain(std::string_view text) {
  auto [first, rest] = split_once(text, '/');
  bool has_domain =
      rest && (first.find_first_of(".:") != first.npos || first == "localhost" || std::ranges::any_of(first, is_upper));
  std::string domain(has_domain ? first : kDefaultDomain);
  std::string remainder(has_domain ? *rest : text);
  if (domain == kOldDefaultDomain) domain = kDefaultDomain;
  if (domain == kDefaultDomain && remainder.find('/') == remainder.npos) remainder.insert(0, kOfficialPrefix);
  return {std::move(domain), std::move(remainder)};
}

[[noreturn]] void refuse() { fail_invalid("invalid reference format"); }

std::string check_digest(std::string_view text) {
  auto [algorithm, hex] = split_once(text, ':');
  if (!hex || algorithm.empty() || hex->size() < 32 || !std::ranges::all_of(*hex, is_lower_hex)) refuse();
  if (algorithm != "sha256") fail_invalid("unsupported digest algorithm");
  if (hex->size() != kHexDigits) fail_invalid("invalid checksum digest length");
  return std::string(text);
}

}  // namespace

Reference Reference::parse(std::string_view text) {
  if (is_id(text)) fail_invalid("invalid repository name (", text, "), cannot specify 64-byte hexadecimal strings");
  auto [domain, remainder] = split_domain(text);
  std::string_view name_and_tag = remainder;
  Reference result;
  result.domain = domain;

  std::string_view remote = split_once(remainder, ':').first;
  if (std::ranges::any_of(remote, is_upper))
    fail_invalid("invalid reference format: repository name (", remote, ") must be lowercase");

  if (auto at = name_and_tag.find('@'); at != name_and_tag.npos) {
    result.digest = check_digest(name_and_tag.substr(at + 1));
    name_and_tag = name_and_tag.substr(0, at);
  }
  auto [path, tag] = split_once(name_and_tag, ':');
  if (tag) {
    if (!is_tag(*tag)) refuse();
    result.tag = *tag;
  }
  if (!is_domain(domain) || !std::ranges::all_of(split(path, '/'), is_path_component)) refuse();
  if (path.size() > kLongestPath) fail_invalid("repository name must not be more than 255 characters");
  result.path = path;
  return result;
}

std::string Reference::canonical_name() const { return cat(domain, "/", path); }

std::string Reference::familiar_name() const {
  if (domain != kDefaultDomain) return canonical_name();
  std::string_view short_path = path;
  // "library/a/b" has no shorter form: without its first part it would be another repository.
  if (short_path.starts_with(kOfficialPrefix) && short_path.find('/', kOfficialPrefix.size()) == short_path.npos)
    short_path.remove_prefix(kOfficialPrefix.size());
  // Without its domain, "docker.io/a.b/c" would be read as c of the registry a.b.
  if (split_domain(short_path) != std::pair(domain, path)) return canonical_name();
  return std::string(short_path);
}

namespace {
std::string with_version(std::string name, const Reference& reference) {
  if (!reference.tag.empty()) name += cat(":", reference.tag);
  if (!reference.digest.empty()) name += cat("@", reference.digest);
  if (reference.tag.empty() && reference.digest.empty()) name += ":latest";
  return name;
}
}  // namespace

std::string Reference::canonical() const { return with_version(canonical_name(), *this); }
std::string Reference::familiar() const { return with_version(familiar_name(), *this); }

bool is_digest(std::string_view text) { return text.starts_with("sha256:") && is_id(text.substr(7)); }

}  // namespace hull::oci
