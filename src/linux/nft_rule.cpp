// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "linux/nftables.h"

namespace hull::linux {

namespace {

// Bits of the connection tracker (linux/netfilter/nf_conntrack_common.h): states are shifted by one, the first bit
// being "invalid".
constexpr std::uint32_t kEstablishedOrRelated = 1u << 1 | 1u << 2;
constexpr std::uint32_t kDestinationNat = 1u << 5;

constexpr std::uint32_t kSourceOffset = 12, kDestinationOffset = 16;  // in the IPv4 header
constexpr std::uint32_t kPortOffset = 2;                              // of the destination port, in TCP, UDP and SCTP

std::uint32_t number(std::uint32_t reg) { return NFT_REG32_00 + reg; }

std::string bytes_of(std::uint32_t value) { return {reinterpret_cast<const char*>(&value), sizeof value}; }

std::uint32_t code_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kAccept: return NF_ACCEPT;
    case Verdict::kDrop: return NF_DROP;
    case Verdict::kReturn: return static_cast<std::uint32_t>(NFT_RETURN);
  }
  return NF_DROP;
}

}  // namespace

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

NftRule& NftRule::mask(std::string_view bits) {
  return expression("bitwise", [&] {
    batch_.put_be32(NFTA_BITWISE_SREG, number(0)).put_be32(NFTA_BITWISE_DREG, number(0));
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

NftRule& NftRule::address_in(std::uint32_t offset, std::uint32_t network, int prefix_length, bool inside) {
  std::uint32_t bits = prefix_length == 0 ? 0 : ~std::uint32_t{0} << (32 - prefix_length);
  load_packet(NFT_PAYLOAD_NETWORK_HEADER, offset, sizeof network, 0);
  return mask(bytes_of(htonl(bits))).compare(inside, bytes_of(htonl(network & bits)));
}

NftRule& NftRule::source_in(std::uint32_t network, int prefix_length) {
  return address_in(kSourceOffset, network, prefix_length, true);
}

NftRule& NftRule::destination_in(std::uint32_t network, int prefix_length, bool inside) {
  return address_in(kDestinationOffset, network, prefix_length, inside);
}

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

NftRule& NftRule::load_destination(std::uint32_t reg) {
  return load_packet(NFT_PAYLOAD_NETWORK_HEADER, kDestinationOffset, sizeof(std::uint32_t), reg);
}
NftRule& NftRule::load_protocol(std::uint32_t reg) { return load_meta(NFT_META_L4PROTO, reg); }
NftRule& NftRule::load_destination_port(std::uint32_t reg) {
  return load_packet(NFT_PAYLOAD_TRANSPORT_HEADER, kPortOffset, sizeof(std::uint16_t), reg);
}

NftRule& NftRule::look_up(std::string_view map, std::uint32_t key, std::uint32_t value) {
  return expression("lookup", [&] {
    batch_.put_text(NFTA_LOOKUP_SET, map).put_be32(NFTA_LOOKUP_SREG, number(key));
    batch_.put_be32(NFTA_LOOKUP_DREG, number(value));
  });
}

NftRule& NftRule::redirect(std::uint32_t address, std::uint32_t port) {
  return expression("nat", [&] {
    batch_.put_be32(NFTA_NAT_TYPE, NFT_NAT_DNAT).put_be32(NFTA_NAT_FAMILY, NFPROTO_IPV4);
    batch_.put_be32(NFTA_NAT_REG_ADDR_MIN, number(address)).put_be32(NFTA_NAT_REG_PROTO_MIN, number(port));
  });
}

NftRule& NftRule::masquerade() {
  return expression("masq", [] {});
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
