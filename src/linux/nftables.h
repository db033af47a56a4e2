// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "linux/netlink_socket.h"
#include "linux/nft_rule.h"

// nf_tables over nfnetlink, without libnftables: that costs 2.3 MiB of memory once used, and 20 times the time for a
// map element. Tables are of family `ip` or `ip6`.
namespace hull::linux {

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
  void delete_rules(std::string_view chain);  // all of them
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
  bool sees_forwarded = false;      // a base chain of the forward hook
  bool drops_forwarded = false;     // such a one whose policy drops what no rule accepts
};
std::vector<NftChain> nft_chains(NetlinkSocket& socket);
// Whether any rule of a table has `text` in it, as the name of an interface for example.
bool nft_table_mentions(NetlinkSocket& socket, const NftChain& chain, const std::string& text);

}  // namespace hull::linux
