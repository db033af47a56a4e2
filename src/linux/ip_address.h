// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hull::linux {

// An IPv4 or IPv6 address. Ordered by number within a family, IPv4 first; the default is 0.0.0.0.
class IpAddress {
 public:
  IpAddress() = default;
  static IpAddress v4(std::uint32_t number);                     // 0x7f000001: 127.0.0.1
  static IpAddress of_bytes(std::string_view bytes);             // 4 or 16, in network order; 0.0.0.0 for another size
  static std::optional<IpAddress> parse(std::string_view text);  // strict notation (inet_pton(3))
  static IpAddress any(bool is_v6);

  std::string text() const;
  bool is_v6() const { return is_v6_; }
  int width() const { return is_v6_ ? 128 : 32; }  // bits
  int family() const;                              // AF_INET, AF_INET6
  std::string_view bytes() const { return {reinterpret_cast<const char*>(bytes_.data()), is_v6_ ? 16u : 4u}; }

  bool is_any() const;         // 0.0.0.0 or ::
  bool is_loopback() const;    // 127.0.0.0/8 or ::1
  bool is_link_local() const;  // 169.254.0.0/16 or fe80::/10

  IpAddress plus(std::uint64_t count) const;  // wraps around at the end of the family
  IpAddress masked(int prefix_length) const;  // the first address of its network
  IpAddress filled(int prefix_length) const;  // the last one: broadcast in IPv4

  auto operator<=>(const IpAddress&) const = default;

 private:
  bool is_v6_ = false;
  std::array<std::uint8_t, 16> bytes_{};
};

// An IPv4 or IPv6 address in strict notation (inet_pton(3)): no leading zeros, no zone, no brackets.
bool is_ip_address(const std::string& text);
bool is_ip6_address(const std::string& text);
// "02:42:ac:11:00:02": six octets, not a group address.
bool is_mac_address(const std::string& text);

}  // namespace hull::linux
