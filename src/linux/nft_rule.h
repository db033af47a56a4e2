// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "linux/ip_address.h"
#include "linux/netlink_socket.h"

namespace hull::linux {

// Of a packet (SO_MARK in socket(7)): the bits of `mask` are those of `value`.
struct PacketMark {
  std::uint32_t value = 0, mask = ~0u;
};
// "1", "0x1/0x3". Error{kInvalidArgument} for anything else.
PacketMark parse_packet_mark(std::string_view text);

enum class Verdict : unsigned char { kAccept, kDrop, kReturn };

// The expressions of one rule, in order, written straight into a message. They are the kernel's own instructions
// (`nft --debug=netlink` prints them); a comparison that does not hold ends the rule. Registers are 4 bytes wide,
// numbered from 0; wider values take several.
class NftRule {
 public:
  NftRule(NetlinkBatch& batch, bool is_v6) : batch_(batch), is_v6_(is_v6) {}

  NftRule& from_interface(std::string_view name, bool equal = true);  // iifname
  NftRule& to_interface(std::string_view name, bool equal = true);    // oifname
  NftRule& source_in(const IpAddress& network, int prefix_length);
  NftRule& destination_in(const IpAddress& network, int prefix_length, bool inside = true);
  NftRule& protocol_is(std::uint8_t number);
  NftRule& source_port_is(std::uint16_t port);
  NftRule& destination_port_is(std::uint16_t port);
  NftRule& destination_is_local();       // an address of this host
  NftRule& connection_is_established();  // or related
  NftRule& connection_was_redirected();  // destination NAT was done
  NftRule& has_mark(const PacketMark& mark);

  NftRule& load_interfaces(std::uint32_t in,
                           std::uint32_t out);  // their names, 4 registers each; "" where there is none
  NftRule& load_in_interface(std::uint32_t reg);
  NftRule& load_out_interface(std::uint32_t reg);
  NftRule& load_destination(std::uint32_t reg);  // address: 1 register, 4 for IPv6
  NftRule& load_source(std::uint32_t reg);       // the same
  NftRule& load_protocol(std::uint32_t reg);     // of the transport layer
  NftRule& load_destination_port(std::uint32_t reg);
  NftRule& look_up(std::string_view map, std::uint32_t key, std::uint32_t value);  // ends the rule when not found
  NftRule& is_in(std::string_view set, std::uint32_t key, bool inside = true);
  NftRule& redirect(std::uint32_t address, std::uint32_t port);  // destination NAT to the values in these registers
  NftRule& redirect(std::uint32_t address);                      // the same, to the same port
  NftRule& masquerade();
  NftRule& translate_source(const IpAddress& address);  // source NAT
  // Write the ports of the packet itself, with its checksum; no connection is tracked for that.
  NftRule& set_source_port(std::uint8_t protocol, std::uint16_t port);
  NftRule& set_destination_port(std::uint8_t protocol, std::uint16_t port);
  // Write an address of the packet itself, of IPv6, with the checksum of the transport layer.
  NftRule& set_source(const IpAddress& address);
  NftRule& set_destination(const IpAddress& address);
  NftRule& is_within(std::uint32_t reg, const IpAddress& network, int prefix_length);  // an address that was loaded
  NftRule& do_not_track();
  NftRule& verdict(Verdict verdict);
  NftRule& jump(std::string_view chain);

 private:
  NftRule& interface(std::uint32_t key, std::string_view name, bool equal);
  NftRule& address_in(std::uint32_t offset, const IpAddress& network, int prefix_length, bool inside);
  NftRule& load_value(std::string_view bytes, std::uint32_t reg);
  NftRule& set_port(std::uint32_t offset, std::uint16_t port, std::uint32_t checksum);
  NftRule& port_is(std::uint32_t offset, std::uint16_t port);
  NftRule& load_packet(std::uint32_t base, std::uint32_t offset, std::uint32_t size, std::uint32_t reg);
  NftRule& load_meta(std::uint32_t key, std::uint32_t reg);
  NftRule& compare(bool equal, std::string_view bytes);         // with register 0
  NftRule& mask(std::string_view bits, std::uint32_t reg = 0);  // into register 0
  NftRule& set_address(std::uint32_t offset, const IpAddress& address);
  NftRule& any_of(std::uint32_t connection_key, std::uint32_t bits);
  template <class Fill>
  NftRule& expression(std::string_view name, Fill&& fill);

  NetlinkBatch& batch_;
  bool is_v6_;
};

}  // namespace hull::linux
