// SPDX-License-Identifier: Apache-2.0
#include "linux/nftables.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

namespace hull::linux {

namespace {

constexpr std::uint32_t kFieldBits = 6;  // of a type number in the type of a concatenation
constexpr std::size_t kTogether = 500;   // elements in one message: an attribute holds at most 64 KiB

std::uint16_t message_type(std::uint16_t type) { return static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | type); }

nfgenmsg family_header(std::uint8_t family = NFPROTO_IPV4) {
  nfgenmsg header{};
  header.nfgen_family = family;
  header.version = NFNETLINK_V0;
  return header;
}

nfgenmsg batch_header() {
  nfgenmsg header = family_header(NFPROTO_UNSPEC);
  header.res_id = htons(NFNL_SUBSYS_NFTABLES);
  return header;
}

std::uint32_t concatenation(const std::vector<NftTransaction::Field>& fields) {
  std::uint32_t type = 0;
  for (auto field : fields) type = type << kFieldBits | static_cast<std::uint32_t>(field);
  return type;
}

// Of what is compared, without the padding.
std::uint32_t size_of(NftTransaction::Field field) {
  using Field = NftTransaction::Field;
  switch (field) {
    case Field::kAddress: return 4;
    case Field::kAddress6:
    case Field::kInterface: return 16;
    case Field::kProtocol: return 1;
    case Field::kPort: return 2;
  }
  return 4;
}

std::uint32_t length_of(const std::vector<NftTransaction::Field>& fields) {
  std::uint32_t length = 0;
  for (auto field : fields)
    length += field == NftTransaction::Field::kAddress6 || field == NftTransaction::Field::kInterface ? 16 : 4;
  return length;
}

std::string_view family_name(std::uint8_t family) {
  switch (family) {
    case NFPROTO_IPV4: return "ip";
    case NFPROTO_IPV6: return "ip6";
    case NFPROTO_INET: return "inet";
    default: return "";
  }
}

}  // namespace

const std::uint16_t NftTransaction::kRuleExpressions = NFTA_RULE_EXPRESSIONS;

NftTransaction::NftTransaction(std::string table, bool is_v6) : table_(std::move(table)), is_v6_(is_v6) {
  batch_.message(NFNL_MSG_BATCH_BEGIN, 0, batch_header());
}

void NftTransaction::begin(std::uint16_t type, std::uint16_t flags) {
  write_elements();
  write_header(type, flags, is_v6_);
}

void NftTransaction::write_header(std::uint16_t type, std::uint16_t flags, bool is_v6) {
  batch_.message(message_type(type), static_cast<std::uint16_t>(flags | NLM_F_ACK),
                 family_header(is_inet_ ? NFPROTO_INET
                               : is_v6  ? NFPROTO_IPV6
                                        : NFPROTO_IPV4));
}

void NftTransaction::add_table() {
  begin(NFT_MSG_NEWTABLE, NLM_F_CREATE);
  batch_.put_text(NFTA_TABLE_NAME, table_).put_be32(NFTA_TABLE_FLAGS, 0);
}

void NftTransaction::delete_table() {
  begin(NFT_MSG_DELTABLE, 0);
  batch_.put_text(NFTA_TABLE_NAME, table_);
}

void NftTransaction::add_set(std::string_view name, const std::vector<Field>& key) {
  begin(NFT_MSG_NEWSET, NLM_F_CREATE);
  batch_.put_text(NFTA_SET_TABLE, table_).put_text(NFTA_SET_NAME, name);
  batch_.put_be32(NFTA_SET_FLAGS, 0).put_be32(NFTA_SET_KEY_TYPE, concatenation(key));
  batch_.put_be32(NFTA_SET_KEY_LEN, length_of(key)).put_be32(NFTA_SET_ID, ++sets_);
}

void NftTransaction::begin_map(std::string_view name, std::uint32_t flags, const std::vector<Field>& key,
                               const std::vector<Field>& value) {
  begin(NFT_MSG_NEWSET, NLM_F_CREATE);
  batch_.put_text(NFTA_SET_TABLE, table_).put_text(NFTA_SET_NAME, name);
  batch_.put_be32(NFTA_SET_FLAGS, flags);
  batch_.put_be32(NFTA_SET_KEY_TYPE, concatenation(key)).put_be32(NFTA_SET_KEY_LEN, length_of(key));
  batch_.put_be32(NFTA_SET_DATA_TYPE, concatenation(value)).put_be32(NFTA_SET_DATA_LEN, length_of(value));
  batch_.put_be32(NFTA_SET_ID, ++sets_);
}

void NftTransaction::add_map(std::string_view name, const std::vector<Field>& key, const std::vector<Field>& value) {
  begin_map(name, NFT_SET_MAP, key, value);
}

void NftTransaction::add_range_map(std::string_view name, const std::vector<Field>& key,
                                   const std::vector<Field>& value) {
  begin_map(name, NFT_SET_MAP | NFT_SET_INTERVAL | NFT_SET_CONCAT, key, value);
  batch_.nest(NFTA_SET_DESC, [&] {
    batch_.nest(NFTA_SET_DESC_CONCAT, [&] {
      for (Field field : key) batch_.nest(NFTA_LIST_ELEM, [&] { batch_.put_be32(NFTA_SET_FIELD_LEN, size_of(field)); });
    });
  });
}

void NftTransaction::add_chain(std::string_view name) {
  begin(NFT_MSG_NEWCHAIN, NLM_F_CREATE);
  batch_.put_text(NFTA_CHAIN_TABLE, table_).put_text(NFTA_CHAIN_NAME, name);
}

void NftTransaction::add_base_chain(std::string_view name, std::string_view type, Hook hook, std::int32_t priority) {
  add_chain(name);
  batch_.nest(NFTA_CHAIN_HOOK, [&] {
    batch_.put_be32(NFTA_HOOK_HOOKNUM, static_cast<std::uint32_t>(hook));
    batch_.put_be32(NFTA_HOOK_PRIORITY, static_cast<std::uint32_t>(priority));
  });
  batch_.put_be32(NFTA_CHAIN_POLICY, NF_ACCEPT).put_text(NFTA_CHAIN_TYPE, type);
}

void NftTransaction::begin_rule(std::string_view chain) {
  begin(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
  batch_.put_text(NFTA_RULE_TABLE, table_).put_text(NFTA_RULE_CHAIN, chain);
}

void NftTransaction::delete_rules(std::string_view chain) {
  begin(NFT_MSG_DELRULE, 0);
  batch_.put_text(NFTA_RULE_TABLE, table_).put_text(NFTA_RULE_CHAIN, chain);
}

void NftTransaction::element(Elements where, Elements::One one) {
  bool fits = waiting_.type == where.type && waiting_.is_v6 == where.is_v6 && waiting_.map == where.map &&
              waiting_.content.size() < kTogether;
  if (!fits) {
    write_elements();
    waiting_ = std::move(where);
  }
  waiting_.content.push_back(std::move(one));
}

void NftTransaction::write_elements() {
  if (waiting_.content.empty()) return;
  Elements elements = std::exchange(waiting_, {});
  write_header(elements.type, elements.flags, elements.is_v6);
  batch_.put_text(NFTA_SET_ELEM_LIST_TABLE, table_).put_text(NFTA_SET_ELEM_LIST_SET, elements.map);
  auto put_value = [&](std::uint16_t attribute, const std::string& value) {
    if (!value.empty()) batch_.nest(attribute, [&] { batch_.put(NFTA_DATA_VALUE, value); });
  };
  batch_.nest(NFTA_SET_ELEM_LIST_ELEMENTS, [&] {
    for (const auto& one : elements.content)
      batch_.nest(NFTA_LIST_ELEM, [&] {
        put_value(NFTA_SET_ELEM_KEY, one.key);
        put_value(NFTA_SET_ELEM_KEY_END, one.key_end);
        put_value(NFTA_SET_ELEM_DATA, one.value);
      });
  });
}

void NftTransaction::add_element(std::string_view map, std::string_view key, std::string_view value,
                                 std::string_view key_end) {
  element({NFT_MSG_NEWSETELEM, NLM_F_CREATE, is_v6_, std::string(map), {}},
          {std::string(key), std::string(value), std::string(key_end)});
}

void NftTransaction::delete_element(std::string_view map, std::string_view key, std::string_view key_end) {
  element({NFT_MSG_DELSETELEM, 0, is_v6_, std::string(map), {}}, {std::string(key), {}, std::string(key_end)});
}

void NftTransaction::commit(NetlinkSocket& socket) {
  write_elements();
  batch_.message(NFNL_MSG_BATCH_END, 0, batch_header());
  socket.execute(batch_, cat("change the firewall table ", table_));
}

namespace {

bool table_exists(NetlinkSocket& socket, const std::string& table, std::uint8_t family) {
  NetlinkBatch batch;
  batch.message(message_type(NFT_MSG_GETTABLE), NLM_F_ACK, family_header(family)).put_text(NFTA_TABLE_NAME, table);
  auto outcome = socket.try_execute(batch).front();
  if (outcome.code && outcome.code != ENOENT) throw_errno("look for the firewall table", table, outcome.code);
  return outcome.code == 0;
}

}  // namespace

bool nft_table_exists(NetlinkSocket& socket, const std::string& table, bool is_v6) {
  return table_exists(socket, table, is_v6 ? NFPROTO_IPV6 : NFPROTO_IPV4);
}

bool nft_inet_table_exists(NetlinkSocket& socket, const std::string& table) {
  return table_exists(socket, table, NFPROTO_INET);
}

std::vector<NftChain> nft_chains(NetlinkSocket& socket) {
  NetlinkBatch batch;
  batch.message(message_type(NFT_MSG_GETCHAIN), NLM_F_DUMP, family_header(NFPROTO_UNSPEC));
  std::vector<NftChain> found;
  socket.dump(batch, "list the firewall's chains", [&](const nlmsghdr& message) {
    NftChain chain;
    std::uint32_t policy = NF_ACCEPT, hook = NF_INET_NUMHOOKS;
    for_each_attribute(attributes_of(message, sizeof(nfgenmsg)), [&](std::uint16_t type, std::string_view content) {
      switch (type) {
        case NFTA_CHAIN_TABLE: chain.table = text_of(content); break;
        case NFTA_CHAIN_NAME: chain.name = text_of(content); break;
        case NFTA_CHAIN_POLICY: policy = be32_of(content); break;
        case NFTA_CHAIN_HOOK:
          for_each_attribute(content, [&](std::uint16_t key, std::string_view value) {
            if (key == NFTA_HOOK_HOOKNUM) hook = be32_of(value);
          });
          break;
        default: break;
      }
    });
    chain.family = family_name(static_cast<const nfgenmsg*>(NLMSG_DATA(&message))->nfgen_family);
    chain.sees_forwarded = hook == NF_INET_FORWARD;
    chain.drops_forwarded = chain.sees_forwarded && policy == NF_DROP;
    if (!chain.family.empty()) found.push_back(std::move(chain));
  });
  return found;
}

bool nft_table_mentions(NetlinkSocket& socket, const NftChain& chain, const std::string& text) {
  std::uint8_t family = NFPROTO_INET;
  for (std::uint8_t one : {std::uint8_t{NFPROTO_IPV4}, std::uint8_t{NFPROTO_IPV6}})
    if (family_name(one) == chain.family) family = one;
  NetlinkBatch batch;
  batch.message(message_type(NFT_MSG_GETRULE), NLM_F_DUMP, family_header(family));
  batch.put_text(NFTA_RULE_TABLE, chain.table);
  bool found = false;
  socket.dump(batch, "list the firewall's rules", [&](const nlmsghdr& message) {
    std::string_view bytes(reinterpret_cast<const char*>(&message), message.nlmsg_len);
    // The kernel of old does not look at the table's name in a dump.
    found = found || (bytes.find(chain.table) != bytes.npos && bytes.find(text) != bytes.npos);
  });
  return found;
}

}  // namespace hull::linux
