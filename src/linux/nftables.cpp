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
                 family_header(is_v6 ? NFPROTO_IPV6 : NFPROTO_IPV4));
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

void NftTransaction::add_map(std::string_view name, const std::vector<Field>& key, const std::vector<Field>& value) {
  begin(NFT_MSG_NEWSET, NLM_F_CREATE);
  batch_.put_text(NFTA_SET_TABLE, table_).put_text(NFTA_SET_NAME, name);
  batch_.put_be32(NFTA_SET_FLAGS, NFT_SET_MAP);
  batch_.put_be32(NFTA_SET_KEY_TYPE, concatenation(key)).put_be32(NFTA_SET_KEY_LEN, length_of(key));
  batch_.put_be32(NFTA_SET_DATA_TYPE, concatenation(value)).put_be32(NFTA_SET_DATA_LEN, length_of(value));
  batch_.put_be32(NFTA_SET_ID, ++sets_);
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

void NftTransaction::element(Elements where, std::string_view key, std::string_view value) {
  bool fits = waiting_.type == where.type && waiting_.is_v6 == where.is_v6 && waiting_.map == where.map &&
              waiting_.content.size() < kTogether;
  if (!fits) {
    write_elements();
    waiting_ = std::move(where);
  }
  waiting_.content.emplace_back(key, value);
}

void NftTransaction::write_elements() {
  if (waiting_.content.empty()) return;
  Elements elements = std::exchange(waiting_, {});
  write_header(elements.type, elements.flags, elements.is_v6);
  batch_.put_text(NFTA_SET_ELEM_LIST_TABLE, table_).put_text(NFTA_SET_ELEM_LIST_SET, elements.map);
  batch_.nest(NFTA_SET_ELEM_LIST_ELEMENTS, [&] {
    for (const auto& [key, value] : elements.content)
      batch_.nest(NFTA_LIST_ELEM, [&] {
        batch_.nest(NFTA_SET_ELEM_KEY, [&] { batch_.put(NFTA_DATA_VALUE, key); });
        if (!value.empty()) batch_.nest(NFTA_SET_ELEM_DATA, [&] { batch_.put(NFTA_DATA_VALUE, value); });
      });
  });
}

void NftTransaction::add_element(std::string_view map, std::string_view key, std::string_view value) {
  element({NFT_MSG_NEWSETELEM, NLM_F_CREATE, is_v6_, std::string(map), {}}, key, value);
}

void NftTransaction::delete_element(std::string_view map, std::string_view key) {
  element({NFT_MSG_DELSETELEM, 0, is_v6_, std::string(map), {}}, key, {});
}

void NftTransaction::commit(NetlinkSocket& socket) {
  write_elements();
  batch_.message(NFNL_MSG_BATCH_END, 0, batch_header());
  socket.execute(batch_, cat("change the firewall table ", table_));
}

bool nft_table_exists(NetlinkSocket& socket, const std::string& table, bool is_v6) {
  NetlinkBatch batch;
  batch.message(message_type(NFT_MSG_GETTABLE), NLM_F_ACK, family_header(is_v6 ? NFPROTO_IPV6 : NFPROTO_IPV4))
      .put_text(NFTA_TABLE_NAME, table);
  auto outcome = socket.try_execute(batch).front();
  if (outcome.code && outcome.code != ENOENT) throw_errno("look for the firewall table", table, outcome.code);
  return outcome.code == 0;
}

std::vector<std::string> forward_chains_that_drop(NetlinkSocket& socket, const std::string& own) {
  NetlinkBatch batch;
  batch.message(message_type(NFT_MSG_GETCHAIN), NLM_F_DUMP, family_header(NFPROTO_UNSPEC));
  std::vector<std::string> found;
  socket.dump(batch, "list the firewall's chains", [&](const nlmsghdr& message) {
    std::string table, name;
    std::uint32_t policy = NF_ACCEPT, hook = NF_INET_NUMHOOKS;
    for_each_attribute(attributes_of(message, sizeof(nfgenmsg)), [&](std::uint16_t type, std::string_view content) {
      switch (type) {
        case NFTA_CHAIN_TABLE: table = text_of(content); break;
        case NFTA_CHAIN_NAME: name = text_of(content); break;
        case NFTA_CHAIN_POLICY: policy = be32_of(content); break;
        case NFTA_CHAIN_HOOK:
          for_each_attribute(content, [&](std::uint16_t key, std::string_view value) {
            if (key == NFTA_HOOK_HOOKNUM) hook = be32_of(value);
          });
          break;
        default: break;
      }
    });
    auto family = family_name(static_cast<const nfgenmsg*>(NLMSG_DATA(&message))->nfgen_family);
    if (!family.empty() && hook == NF_INET_FORWARD && policy == NF_DROP && table != own)
      found.push_back(cat(family, " ", table, " ", name));
  });
  return found;
}

}  // namespace hull::linux
