// SPDX-License-Identifier: Apache-2.0
#include "linux/ip_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>

#include "base/text.h"

namespace hull::linux {

IpAddress IpAddress::v4(std::uint32_t number) {
  IpAddress address;
  for (int i = 0; i < 4; ++i)
    address.bytes_[static_cast<unsigned>(i)] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  return address;
}

IpAddress IpAddress::of_bytes(std::string_view bytes) {
  IpAddress address;
  if (bytes.size() != 4 && bytes.size() != 16) return address;
  address.is_v6_ = bytes.size() == 16;
  std::ranges::copy(bytes, reinterpret_cast<char*>(address.bytes_.data()));
  return address;
}

IpAddress IpAddress::any(bool is_v6) {
  IpAddress address;
  address.is_v6_ = is_v6;
  return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  std::string terminated(text);
  IpAddress address;
  address.is_v6_ = text.find(':') != text.npos;
  if (::inet_pton(address.family(), terminated.c_str(), address.bytes_.data()) != 1) return std::nullopt;
  return address;
}

std::string IpAddress::text() const {
  char buffer[INET6_ADDRSTRLEN] = "";
  ::inet_ntop(family(), bytes_.data(), buffer, sizeof buffer);
  return buffer;
}

int IpAddress::family() const { return is_v6_ ? AF_INET6 : AF_INET; }

bool IpAddress::is_any() const { return *this == any(is_v6_); }

bool IpAddress::is_loopback() const { return is_v6_ ? *this == any(true).plus(1) : bytes_[0] == 127; }

bool IpAddress::is_link_local() const {
  return is_v6_ ? bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80 : bytes_[0] == 169 && bytes_[1] == 254;
}

IpAddress IpAddress::plus(std::uint64_t count) const {
  IpAddress sum = *this;
  for (std::size_t i = bytes().size(); i-- > 0 && count > 0;) {
    count += sum.bytes_[i];
    sum.bytes_[i] = static_cast<std::uint8_t>(count);
    count >>= 8;
  }
  return sum;
}

IpAddress IpAddress::masked(int prefix_length) const {
  IpAddress network = *this;
  for (int bit = prefix_length; bit < width(); ++bit)
    network.bytes_[static_cast<unsigned>(bit) / 8] &= static_cast<std::uint8_t>(~(0x80u >> bit % 8));
  return network;
}

IpAddress IpAddress::filled(int prefix_length) const {
  IpAddress last = *this;
  for (int bit = prefix_length; bit < width(); ++bit)
    last.bytes_[static_cast<unsigned>(bit) / 8] |= static_cast<std::uint8_t>(0x80u >> bit % 8);
  return last;
}

bool is_ip_address(const std::string& text) { return IpAddress::parse(text).has_value(); }

bool is_ip6_address(const std::string& text) {
  auto address = IpAddress::parse(text);
  return address && address->is_v6();
}

bool is_mac_address(const std::string& text) {
  auto octets = split(text, ':');
  if (octets.size() != 6) return false;
  for (std::string_view octet : octets)
    if (octet.size() != 2 || !parse_number<std::uint8_t>(octet, 16)) return false;
  return (*parse_number<std::uint8_t>(octets[0], 16) & 1) == 0;
}

}  // namespace hull::linux
