// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "linux/ip_address.h"
#include "linux/netlink_socket.h"

// nf_tables over nfnetlink, without libnftables: that costs 2.3 MiB of memory once used, and 20 times the time for a
// map element. Tables are of family `ip` or `ip6`.
namespace hull::linux {

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

// Changes to one table (or to the two of one name, for IPv4 and IPv6) that happen together or not at all.
class NftTransaction {
 public:
  explicit NftTransaction(std::string table, bool is_v6 = false);
  // Whether the changes that follow are for the table of family ip6, or that of ip.
  void select(bool is_v6) {
    is_v6_ = is_v6;
    is_inet_ = false;
  }
  void select_inet() { is_inet_ = true; }  // one for both

  void add_table();
  void delete_table();  // it must exist
  // Concatenated keys and values; each field is padded to 4 bytes. The numbers are the types that nft(8) prints by.
  enum class Field : std::uint32_t { kAddress = 7, kAddress6 = 8, kProtocol = 12, kPort = 13, kInterface = 41 };
  void add_set(std::string_view name, const std::vector<Field>& key);
  void add_map(std::string_view name, const std::vector<Field>& key, const std::vector<Field>& value);
  // The same for keys whose fields may each be a range, from one value to another; Linux 5.6.
  void add_range_map(std::string_view name, const std::vector<Field>& key, const std::vector<Field>& value);
  void add_chain(std::string_view name);
  enum class Hook : std::uint32_t { kPrerouting = 0, kInput = 1, kForward = 2, kOutput = 3, kPostrouting = 4 };
  void add_base_chain(std::string_view name, std::string_view type, Hook hook, std::int32_t priority);
  template <class Fill>
  void add_rule(std::string_view chain, Fill&& fill) {
    begin_rule(chain);
    batch_.nest(kRuleExpressions, [&] { fill(NftRule(batch_, is_v6_)); });
  }
  // Those of one set that follow each other travel together: ten thousand are a dozen messages.
  // `key_end`: of an element of a range map.
  void add_element(std::string_view map, std::string_view key, std::string_view value = {},
                   std::string_view key_end = {});
  void delete_element(std::string_view map, std::string_view key, std::string_view key_end = {});

  // Throws Error{kInternal, errno}; nothing has changed then. A transaction is committed once.
  void commit(NetlinkSocket& socket);

 private:
  static const std::uint16_t kRuleExpressions;
  void begin(std::uint16_t type, std::uint16_t flags);
  void begin_rule(std::string_view chain);
  void begin_map(std::string_view name, std::uint32_t flags, const std::vector<Field>& key,
                 const std::vector<Field>& value);
  struct Elements {
    std::uint16_t type = 0, flags = 0;
    bool is_v6 = false;
    std::string map;
    struct One {
      std::string key, value, key_end;
    };
    std::vector<One> content;
  };
  void element(Elements where, Elements::One one);
  void write_elements();  // those that wait
  void write_header(std::uint16_t type, std::uint16_t flags, bool is_v6);

  std::string table_;
  bool is_v6_, is_inet_ = false;
  Elements waiting_;
  std::uint32_t sets_ = 0;
  NetlinkBatch batch_;
};

bool nft_table_exists(NetlinkSocket& socket, const std::string& table, bool is_v6 = false);
bool nft_inet_table_exists(NetlinkSocket& socket, const std::string& table);
struct NftChain {
  std::string family, table, name;  // "ip", "filter", "FORWARD"
  bool drops_forwarded = false;     // a base chain of the forward hook that drops what no rule accepts
};
std::vector<NftChain> nft_chains(NetlinkSocket& socket);
// Whether any rule of a table has `text` in it, as the name of an interface for example.
bool nft_table_mentions(NetlinkSocket& socket, const NftChain& chain, const std::string& text);

}  // namespace hull::linux
