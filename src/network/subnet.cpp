// SPDX-License-Identifier: Apache-2.0
#include "network/subnet.h"

#include <algorithm>

#include "base/error.h"
#include "base/id.h"

namespace hull::network {

namespace {

// A random network of the range for private use (RFC 4193), "fd" and 40 random bits, subnet 0.
Subnet unique_local_subnet() {
  std::string digits = random_hex(5);
  auto address =
      IpAddress::parse(cat("fd", digits.substr(0, 2), ":", digits.substr(2, 4), ":", digits.substr(6, 4), "::"));
  return {*address, 64};
}

std::optional<Subnet> first_piece(const PoolSource& source, const std::vector<Subnet>& taken) {
  int spread = source.size - source.base.prefix_length;
  std::uint64_t pieces = spread >= 24 ? 1u << 24 : std::uint64_t{1} << spread;
  Subnet piece{source.base.first(), source.size};
  for (std::uint64_t i = 0; i < pieces; ++i) {
    auto in_the_way = std::ranges::find_if(taken, [&](const Subnet& other) { return other.overlaps(piece); });
    if (in_the_way == taken.end()) return piece;
    piece.address = piece.last().plus(1);
    if (!source.base.contains(piece.address)) break;
  }
  return std::nullopt;
}

}  // namespace

std::string Subnet::text() const { return cat(address.text(), "/", prefix_length); }

std::optional<Subnet> parse_subnet(std::string_view text) {
  auto [first, second] = split_once(text, '/');
  auto address = IpAddress::parse(first);
  auto length = second ? parse_number<int>(*second) : std::nullopt;
  if (!address || !length || *length < 0 || *length > address->width()) return std::nullopt;
  return Subnet{*address, *length};
}

std::vector<PoolSource> default_pool_sources() {
  std::vector<PoolSource> sources;
  for (std::uint32_t second = 17; second <= 31; ++second)
    sources.push_back({{IpAddress::v4(172u << 24 | second << 16), 16}, 16});
  sources.push_back({{IpAddress::v4(192u << 24 | 168u << 16), 16}, 20});
  return sources;
}

PoolSource parse_pool_source(std::string_view text) {
  PoolSource source;
  bool based = false;
  for (auto field : split(text, ',')) {
    auto [name, value] = split_once(field, '=');
    if (name == "base" && value) {
      auto base = parse_subnet(*value);
      if (!base) fail_invalid("invalid base pool ", quoted(*value), ": use a subnet as 10.10.0.0/16");
      source.base = base->network();
      based = true;
    } else if (name == "size" && value) {
      source.size = parse_number<int>(*value).value_or(0);
    } else {
      fail_invalid("invalid default address pool ", quoted(text), ": use base=SUBNET,size=PREFIX");
    }
  }
  if (!based || source.size < source.base.prefix_length || source.size > source.base.address.width())
    fail_invalid("invalid default address pool ", quoted(text),
                 ": the size is the length of a prefix, not shorter than that of the base");
  return source;
}

Subnet private_subnet_of(std::string_view name) {
  std::uint64_t value = 14695981039346656037u;  // FNV-1a
  for (unsigned char c : name) value = (value ^ c) * 1099511628211u;
  std::string bytes(16, '\0');
  bytes[0] = static_cast<char>(0xfd);
  for (std::size_t i = 1; i < 6; ++i) bytes[i] = static_cast<char>(value >> 8 * i);
  return {IpAddress::of_bytes(bytes), 64};
}

Subnet first_free_subnet(const std::vector<PoolSource>& sources, bool is_v6, const std::vector<Subnet>& taken,
                         int length) {
  constexpr int kShortestOfOurs = 48;  // what a random network of RFC 4193 has
  bool any = false;
  for (PoolSource source : sources) {
    if (source.base.is_v6() != is_v6) continue;
    any = true;
    if (length != 0 && length < source.base.prefix_length) continue;
    if (length != 0) source.size = length;
    if (auto piece = first_piece(source, taken)) return *piece;
  }
  if (is_v6 && !any && (length == 0 || length >= kShortestOfOurs)) {
    Subnet ours = unique_local_subnet();
    return {ours.address, length == 0 ? ours.prefix_length : length};
  }
  fail_invalid("all predefined address pools have been fully subnetted");
}

}  // namespace hull::network
