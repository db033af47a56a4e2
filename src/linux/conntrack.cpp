// SPDX-License-Identifier: Apache-2.0
#include "linux/conntrack.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "linux/netlink_socket.h"

namespace hull::linux {

namespace {

struct Flow {
  std::uint8_t family = AF_INET;
  std::string tuple, id;  // CTA_TUPLE_ORIG and CTA_ID as the kernel wrote them
  std::uint8_t protocol = 0;
  std::uint16_t destination_port = 0;
};

std::uint16_t message_type(std::uint16_t type) { return static_cast<std::uint16_t>(NFNL_SUBSYS_CTNETLINK << 8 | type); }
nfgenmsg header_of(std::uint8_t family) {
  nfgenmsg header{};
  header.nfgen_family = family;
  header.version = NFNETLINK_V0;
  return header;
}

void read_tuple(Flow& flow) {
  for_each_attribute(flow.tuple, [&](std::uint16_t type, std::string_view content) {
    if (type != CTA_TUPLE_PROTO) return;
    for_each_attribute(content, [&](std::uint16_t key, std::string_view value) {
      if (key == CTA_PROTO_NUM && !value.empty()) flow.protocol = static_cast<std::uint8_t>(value[0]);
      if (key == CTA_PROTO_DST_PORT && value.size() >= 2)
        flow.destination_port = static_cast<std::uint16_t>(static_cast<unsigned char>(value[0]) << 8 |
                                                           static_cast<unsigned char>(value[1]));
    });
  });
}

std::vector<Flow> list_flows(NetlinkSocket& socket, std::uint8_t family) {
  NetlinkBatch batch;
  batch.message(message_type(IPCTNL_MSG_CT_GET), NLM_F_DUMP, header_of(family));
  std::vector<Flow> flows;
  socket.dump(batch, "list tracked connections", [&](const nlmsghdr& message) {
    Flow flow;
    flow.family = family;
    for_each_attribute(attributes_of(message, sizeof(nfgenmsg)), [&](std::uint16_t type, std::string_view content) {
      if (type == CTA_TUPLE_ORIG) flow.tuple = content;
      if (type == CTA_ID) flow.id = content;
    });
    read_tuple(flow);
    flows.push_back(std::move(flow));
  });
  return flows;
}

}  // namespace

void forget_udp_flows(const std::set<std::uint16_t>& destination_ports) {
  if (destination_ports.empty()) return;
  NetlinkSocket socket(NETLINK_NETFILTER);
  NetlinkBatch batch;
  for (std::uint8_t family : {std::uint8_t{AF_INET}, std::uint8_t{AF_INET6}}) {
    try {
      for (const Flow& flow : list_flows(socket, family)) {
        if (flow.protocol != IPPROTO_UDP || !destination_ports.contains(flow.destination_port)) continue;
        batch.message(message_type(IPCTNL_MSG_CT_DELETE), NLM_F_ACK, header_of(family));
        batch.put(NLA_F_NESTED | CTA_TUPLE_ORIG, flow.tuple).put(CTA_ID, flow.id);
      }
    } catch (const Error& e) {
      if (e.code() != EINVAL && e.code() != EOPNOTSUPP && e.code() != ENOENT) throw;
    }
  }
  if (batch.empty()) return;
  for (const auto& outcome : socket.try_execute(batch))
    if (outcome.code && outcome.code != ENOENT) throw_errno("forget tracked connections", {}, outcome.code);
}

}  // namespace hull::linux
