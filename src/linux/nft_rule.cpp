// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>

#include <optional>

#include "base/error.h"
#include "base/text.h"
#include "linux/nftables.h"

namespace hull::linux {

namespace {

// Bits of the connection tracker (linux/netfilter/nf_conntrack_common.h): states are shifted by one, the first bit
// being "invalid".
constexpr std::uint32_t kEstablishedOrRelated = 1u << 1 | 1u << 2;
constexpr std::uint32_t kDestinationNat = 1u << 5;

// In the headers of IPv4 and IPv6.
std::uint32_t source_offset(bool is_v6) { return is_v6 ? 8 : 12; }
std::uint32_t destination_offset(bool is_v6) { return is_v6 ? 24 : 16; }
std::uint32_t address_size(bool is_v6) { return is_v6 ? 16 : 4; }
constexpr std::uint32_t kSourcePort = 0, kDestinationPort = 2;  // in TCP, UDP and SCTP
constexpr std::uint32_t kUdpChecksum = 6, kTcpChecksum = 16;

std::uint32_t number(std::uint32_t reg) { return NFT_REG32_00 + reg; }

std::string bytes_of(std::uint32_t value) { return {reinterpret_cast<const char*>(&value), sizeof value}; }

std::string port_bytes(std::uint16_t port) { return {static_cast<char>(port >> 8), static_cast<char>(port & 255)}; }
std::uint32_t checksum_offset(std::uint8_t protocol) { return protocol == IPPROTO_TCP ? kTcpChecksum : kUdpChecksum; }

std::uint32_t code_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kAccept: return NF_ACCEPT;
    case Verdict::kDrop: return NF_DROP;
    case Verdict::kReturn: return static_cast<std::uint32_t>(NFT_RETURN);
  }
  return NF_DROP;
}

std::optional<std::uint32_t> mark_number(std::string_view text) {
  bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
  return parse_number<std::uint32_t>(hexadecimal ? text.substr(2) : text, hexadecimal ? 16 : 10);
}

}  // namespace

PacketMark parse_packet_mark(std::string_view text) {
  auto [value, mask] = split_once(text, '/');
  auto number_of_value = mark_number(value), number_of_mask = mark_number(mask.value_or("0xffffffff"));
  if (!number_of_value || !number_of_mask)
    fail_invalid("invalid firewall mark ", hull::quoted(text), ": use a number, or VALUE/MASK as in 0x1/0x3");
  return {*number_of_value & *number_of_mask, *number_of_mask};
}

template <class Fill>
NftRule& NftRule::expression(std::string_view name, Fill&& fill) {
  batch_.nest(NFTA_LIST_ELEM, [&] {
    batch_.put_text(NFTA_EXPR_NAME, name);
    batch_.nest(NFTA_EXPR_DATA, fill);
  });
  return *this;
}

NftRule& NftRule::load_meta(std::uint32_t key, std::uint32_t reg) {
  return expression("meta", [&] { batch_.put_be32(NFTA_META_KEY, key).put_be32(NFTA_META_DREG, number(reg)); });
}

NftRule& NftRule::load_packet(std::uint32_t base, std::uint32_t offset, std::uint32_t size, std::uint32_t reg) {
  return expression("payload", [&] {
    batch_.put_be32(NFTA_PAYLOAD_DREG, number(reg)).put_be32(NFTA_PAYLOAD_BASE, base);
    batch_.put_be32(NFTA_PAYLOAD_OFFSET, offset).put_be32(NFTA_PAYLOAD_LEN, size);
  });
}

NftRule& NftRule::compare(bool equal, std::string_view bytes) {
  return expression("cmp", [&] {
    batch_.put_be32(NFTA_CMP_SREG, number(0)).put_be32(NFTA_CMP_OP, equal ? NFT_CMP_EQ : NFT_CMP_NEQ);
    batch_.nest(NFTA_CMP_DATA, [&] { batch_.put(NFTA_DATA_VALUE, bytes); });
  });
}

NftRule& NftRule::mask(std::string_view bits, std::uint32_t reg) {
  return expression("bitwise", [&] {
    batch_.put_be32(NFTA_BITWISE_SREG, number(reg)).put_be32(NFTA_BITWISE_DREG, number(0));
    batch_.put_be32(NFTA_BITWISE_LEN, static_cast<std::uint32_t>(bits.size()));
    batch_.nest(NFTA_BITWISE_MASK, [&] { batch_.put(NFTA_DATA_VALUE, bits); });
    batch_.nest(NFTA_BITWISE_XOR, [&] { batch_.put(NFTA_DATA_VALUE, std::string(bits.size(), '\0')); });
  });
}

NftRule& NftRule::interface(std::uint32_t key, std::string_view name, bool equal) {
  std::string padded(name.substr(0, IFNAMSIZ - 1));
  padded.resize(IFNAMSIZ);
  return load_meta(key, 0).compare(equal, padded);
}

NftRule& NftRule::from_interface(std::string_view name, bool equal) { return interface(NFT_META_IIFNAME, name, equal); }
NftRule& NftRule::to_interface(std::string_view name, bool equal) { return interface(NFT_META_OIFNAME, name, equal); }

NftRule& NftRule::address_in(std::uint32_t offset, const IpAddress& network, int prefix_length, bool inside) {
  load_packet(NFT_PAYLOAD_NETWORK_HEADER, offset, address_size(is_v6_), 0);
  IpAddress bits = IpAddress::any(is_v6_).filled(0).masked(prefix_length);
  return mask(bits.bytes()).compare(inside, network.masked(prefix_length).bytes());
}

NftRule& NftRule::source_in(const IpAddress& network, int prefix_length) {
  return address_in(source_offset(is_v6_), network, prefix_length, true);
}

NftRule& NftRule::destination_in(const IpAddress& network, int prefix_length, bool inside) {
  return address_in(destination_offset(is_v6_), network, prefix_length, inside);
}

NftRule& NftRule::protocol_is(std::uint8_t number) {
  return load_protocol(0).compare(true, std::string(1, static_cast<char>(number)));
}

NftRule& NftRule::port_is(std::uint32_t offset, std::uint16_t port) {
  return load_packet(NFT_PAYLOAD_TRANSPORT_HEADER, offset, sizeof port, 0).compare(true, port_bytes(port));
}
NftRule& NftRule::source_port_is(std::uint16_t port) { return port_is(kSourcePort, port); }
NftRule& NftRule::destination_port_is(std::uint16_t port) { return port_is(kDestinationPort, port); }

NftRule& NftRule::destination_is_local() {
  expression("fib", [&] {
    batch_.put_be32(NFTA_FIB_DREG, number(0)).put_be32(NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
    batch_.put_be32(NFTA_FIB_FLAGS, NFTA_FIB_F_DADDR);
  });
  return compare(true, bytes_of(RTN_LOCAL));
}

NftRule& NftRule::any_of(std::uint32_t connection_key, std::uint32_t bits) {
  expression("ct", [&] { batch_.put_be32(NFTA_CT_KEY, connection_key).put_be32(NFTA_CT_DREG, number(0)); });
  return mask(bytes_of(bits)).compare(false, bytes_of(0));
}

NftRule& NftRule::connection_is_established() { return any_of(NFT_CT_STATE, kEstablishedOrRelated); }
NftRule& NftRule::connection_was_redirected() { return any_of(NFT_CT_STATUS, kDestinationNat); }

NftRule& NftRule::has_mark(const PacketMark& mark_of_packet) {
  return load_meta(NFT_META_MARK, 0).mask(bytes_of(mark_of_packet.mask)).compare(true, bytes_of(mark_of_packet.value));
}

NftRule& NftRule::load_in_interface(std::uint32_t reg) { return load_meta(NFT_META_IIFNAME, reg); }
NftRule& NftRule::load_out_interface(std::uint32_t reg) { return load_meta(NFT_META_OIFNAME, reg); }
NftRule& NftRule::load_interfaces(std::uint32_t in, std::uint32_t out) {
  return load_in_interface(in).load_out_interface(out);
}
NftRule& NftRule::load_destination(std::uint32_t reg) {
  return load_packet(NFT_PAYLOAD_NETWORK_HEADER, destination_offset(is_v6_), address_size(is_v6_), reg);
}
NftRule& NftRule::load_source(std::uint32_t reg) {
  return load_packet(NFT_PAYLOAD_NETWORK_HEADER, source_offset(is_v6_), address_size(is_v6_), reg);
}
NftRule& NftRule::load_protocol(std::uint32_t reg) { return load_meta(NFT_META_L4PROTO, reg); }
NftRule& NftRule::load_destination_port(std::uint32_t reg) {
  return load_packet(NFT_PAYLOAD_TRANSPORT_HEADER, kDestinationPort, sizeof(std::uint16_t), reg);
}

NftRule& NftRule::look_up(std::string_view map, std::uint32_t key, std::uint32_t value) {
  return expression("lookup", [&] {
    batch_.put_text(NFTA_LOOKUP_SET, map).put_be32(NFTA_LOOKUP_SREG, number(key));
    batch_.put_be32(NFTA_LOOKUP_DREG, number(value));
  });
}

NftRule& NftRule::is_in(std::string_view set, std::uint32_t key, bool inside) {
  return expression("lookup", [&] {
    batch_.put_text(NFTA_LOOKUP_SET, set).put_be32(NFTA_LOOKUP_SREG, number(key));
    if (!inside) batch_.put_be32(NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
  });
}

NftRule& NftRule::redirect(std::uint32_t address, std::uint32_t port) {
  return expression("nat", [&] {
    batch_.put_be32(NFTA_NAT_TYPE, NFT_NAT_DNAT).put_be32(NFTA_NAT_FAMILY, is_v6_ ? NFPROTO_IPV6 : NFPROTO_IPV4);
    batch_.put_be32(NFTA_NAT_REG_ADDR_MIN, number(address)).put_be32(NFTA_NAT_REG_PROTO_MIN, number(port));
  });
}

NftRule& NftRule::redirect(std::uint32_t address) {
  return expression("nat", [&] {
    batch_.put_be32(NFTA_NAT_TYPE, NFT_NAT_DNAT).put_be32(NFTA_NAT_FAMILY, is_v6_ ? NFPROTO_IPV6 : NFPROTO_IPV4);
    batch_.put_be32(NFTA_NAT_REG_ADDR_MIN, number(address));
  });
}

NftRule& NftRule::masquerade() {
  return expression("masq", [] {});
}

NftRule& NftRule::load_value(std::string_view bytes, std::uint32_t reg) {
  return expression("immediate", [&] {
    batch_.put_be32(NFTA_IMMEDIATE_DREG, number(reg));
    batch_.nest(NFTA_IMMEDIATE_DATA, [&] { batch_.put(NFTA_DATA_VALUE, bytes); });
  });
}

NftRule& NftRule::translate_source(const IpAddress& address) {
  return load_value(address.bytes(), 0).expression("nat", [&] {
    batch_.put_be32(NFTA_NAT_TYPE, NFT_NAT_SNAT).put_be32(NFTA_NAT_FAMILY, is_v6_ ? NFPROTO_IPV6 : NFPROTO_IPV4);
    batch_.put_be32(NFTA_NAT_REG_ADDR_MIN, number(0));
  });
}

NftRule& NftRule::set_port(std::uint32_t offset, std::uint16_t port, std::uint32_t checksum) {
  return load_value(port_bytes(port), 0).expression("payload", [&] {
    batch_.put_be32(NFTA_PAYLOAD_SREG, number(0)).put_be32(NFTA_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER);
    batch_.put_be32(NFTA_PAYLOAD_OFFSET, offset).put_be32(NFTA_PAYLOAD_LEN, sizeof port);
    batch_.put_be32(NFTA_PAYLOAD_CSUM_TYPE, NFT_PAYLOAD_CSUM_INET).put_be32(NFTA_PAYLOAD_CSUM_OFFSET, checksum);
  });
}
NftRule& NftRule::set_source_port(std::uint8_t protocol, std::uint16_t port) {
  return set_port(kSourcePort, port, checksum_offset(protocol));
}
NftRule& NftRule::set_destination_port(std::uint8_t protocol, std::uint16_t port) {
  return set_port(kDestinationPort, port, checksum_offset(protocol));
}

NftRule& NftRule::set_address(std::uint32_t offset, const IpAddress& address) {
  return load_value(address.bytes(), 0).expression("payload", [&] {
    batch_.put_be32(NFTA_PAYLOAD_SREG, number(0)).put_be32(NFTA_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
    batch_.put_be32(NFTA_PAYLOAD_OFFSET, offset).put_be32(NFTA_PAYLOAD_LEN, address_size(is_v6_));
    // The header of IPv6 has no checksum, but that of the transport layer covers its addresses.
    batch_.put_be32(NFTA_PAYLOAD_CSUM_TYPE, NFT_PAYLOAD_CSUM_NONE);
    batch_.put_be32(NFTA_PAYLOAD_CSUM_FLAGS, NFT_PAYLOAD_L4CSUM_PSEUDOHDR);
  });
}
NftRule& NftRule::set_source(const IpAddress& address) { return set_address(source_offset(is_v6_), address); }
NftRule& NftRule::set_destination(const IpAddress& address) { return set_address(destination_offset(is_v6_), address); }

NftRule& NftRule::is_within(std::uint32_t reg, const IpAddress& network, int prefix_length) {
  IpAddress bits = IpAddress::any(is_v6_).filled(0).masked(prefix_length);
  return mask(bits.bytes(), reg).compare(true, network.masked(prefix_length).bytes());
}

NftRule& NftRule::do_not_track() {
  return expression("notrack", [] {});
}

NftRule& NftRule::verdict(Verdict verdict) {
  return expression("immediate", [&] {
    batch_.put_be32(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    batch_.nest(NFTA_IMMEDIATE_DATA,
                [&] { batch_.nest(NFTA_DATA_VERDICT, [&] { batch_.put_be32(NFTA_VERDICT_CODE, code_of(verdict)); }); });
  });
}

NftRule& NftRule::jump(std::string_view chain) {
  return expression("immediate", [&] {
    batch_.put_be32(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    batch_.nest(NFTA_IMMEDIATE_DATA, [&] {
      batch_.nest(NFTA_DATA_VERDICT, [&] {
        batch_.put_be32(NFTA_VERDICT_CODE, static_cast<std::uint32_t>(NFT_JUMP)).put_text(NFTA_VERDICT_CHAIN, chain);
      });
    });
  });
}

}  // namespace hull::linux
