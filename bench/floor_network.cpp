// SPDX-License-Identifier: Apache-2.0
#include "floor_network.h"

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace floor_bench {

namespace {

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

// A batch of netlink requests in one buffer; every request asks for an acknowledgement.
class Batch {
 public:
  template <class Header>
  void begin(std::uint16_t type, std::uint16_t flags, const Header& header) {
    align();
    message_ = buffer_.size();
    nlmsghdr head{};
    head.nlmsg_type = type;
    head.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
    head.nlmsg_seq = ++count_;
    append(&head, sizeof head);
    append(&header, sizeof header);
    end();
  }
  void attribute(std::uint16_t type, const void* data, std::size_t size) {
    align();
    rtattr head{static_cast<std::uint16_t>(RTA_LENGTH(size)), type};
    append(&head, sizeof head);
    append(data, size);
    end();
  }
  void text(std::uint16_t type, const std::string& value) { attribute(type, value.c_str(), value.size() + 1); }
  void number(std::uint16_t type, std::uint32_t value) { attribute(type, &value, sizeof value); }
  std::size_t open_nest(std::uint16_t type) {
    align();
    std::size_t at = buffer_.size();
    rtattr head{0, static_cast<std::uint16_t>(type | NLA_F_NESTED)};
    append(&head, sizeof head);
    return at;
  }
  template <class Header>
  void raw(const Header& header) {
    append(&header, sizeof header);
  }
  void close_nest(std::size_t at) {
    auto size = static_cast<std::uint16_t>(buffer_.size() - at);
    std::memcpy(buffer_.data() + at, &size, sizeof size);
    end();
  }

  // Sends all and waits for all acknowledgements. Returns the first error number, 0 when there is none.
  int send() {
    int socket = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (socket < 0) die("netlink socket");
    if (::send(socket, buffer_.data(), buffer_.size(), 0) < 0) die("netlink send");
    int error = 0;
    char answer[8192];
    for (unsigned acknowledged = 0; acknowledged < count_;) {
      auto got = ::recv(socket, answer, sizeof answer, 0);
      if (got < 0) die("netlink receive");
      auto left = static_cast<unsigned>(got);
      for (auto* head = reinterpret_cast<nlmsghdr*>(answer); NLMSG_OK(head, left); head = NLMSG_NEXT(head, left)) {
        if (head->nlmsg_type != NLMSG_ERROR) continue;
        ++acknowledged;
        int code = -static_cast<nlmsgerr*>(NLMSG_DATA(head))->error;
        if (code && !error) error = code;
      }
    }
    ::close(socket);
    return error;
  }

 private:
  void append(const void* data, std::size_t size) {
    auto* bytes = static_cast<const char*>(data);
    buffer_.insert(buffer_.end(), bytes, bytes + size);
  }
  void align() { buffer_.resize(NLMSG_ALIGN(buffer_.size())); }
  void end() {
    auto size = static_cast<std::uint32_t>(buffer_.size() - message_);
    std::memcpy(buffer_.data() + message_, &size, sizeof size);
  }

  std::vector<char> buffer_;
  std::size_t message_ = 0;
  unsigned count_ = 0;
};

void must(int error, const char* what) {
  if (!error) return;
  errno = error;
  die(what);
}

ifinfomsg up(int index) {
  ifinfomsg info{};
  info.ifi_index = index;
  info.ifi_flags = info.ifi_change = IFF_UP;
  return info;
}

void add_address(Batch& batch, int index, std::uint32_t address) {
  ifaddrmsg header{};
  header.ifa_family = AF_INET;
  header.ifa_prefixlen = 16;
  header.ifa_index = static_cast<unsigned>(index);
  batch.begin(RTM_NEWADDR, NLM_F_CREATE, header);
  batch.number(IFA_LOCAL, htonl(address));
  batch.number(IFA_ADDRESS, htonl(address));
}

constexpr std::uint32_t kSubnet = (10u << 24) | (213u << 16);

}  // namespace

void make_bridge(const std::string& name) {
  Batch link;
  link.begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, up(0));
  link.text(IFLA_IFNAME, name);
  auto info = link.open_nest(IFLA_LINKINFO);
  link.text(IFLA_INFO_KIND, "bridge");
  link.close_nest(info);
  must(link.send(), "make bridge");
  Batch address;
  add_address(address, static_cast<int>(::if_nametoindex(name.c_str())), kSubnet + 1);
  must(address.send(), "bridge address");
}

void remove_link(const std::string& name) {
  ifinfomsg header{};
  Batch batch;
  batch.begin(RTM_DELLINK, 0, header);
  batch.text(IFLA_IFNAME, name);
  batch.send();
}

void make_veth(const std::string& host_name, const std::string& bridge, int network_namespace) {
  Batch batch;
  batch.begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, up(0));
  batch.text(IFLA_IFNAME, host_name);
  batch.number(IFLA_MASTER, ::if_nametoindex(bridge.c_str()));
  auto info = batch.open_nest(IFLA_LINKINFO);
  batch.text(IFLA_INFO_KIND, "veth");
  auto data = batch.open_nest(IFLA_INFO_DATA);
  auto peer = batch.open_nest(VETH_INFO_PEER);
  batch.raw(ifinfomsg{});
  batch.text(IFLA_IFNAME, "eth0");
  batch.number(IFLA_NET_NS_FD, static_cast<std::uint32_t>(network_namespace));
  batch.close_nest(peer);
  batch.close_nest(data);
  batch.close_nest(info);
  must(batch.send(), "make veth");
}

void set_up_inside(unsigned host_part) {
  int eth0 = static_cast<int>(::if_nametoindex("eth0"));
  Batch batch;
  batch.begin(RTM_NEWLINK, 0, up(1));
  add_address(batch, eth0, kSubnet + host_part);
  batch.begin(RTM_NEWLINK, 0, up(eth0));
  rtmsg route{};
  route.rtm_family = AF_INET;
  route.rtm_table = RT_TABLE_MAIN;
  route.rtm_protocol = RTPROT_BOOT;
  route.rtm_scope = RT_SCOPE_UNIVERSE;
  route.rtm_type = RTN_UNICAST;
  batch.begin(RTM_NEWROUTE, NLM_F_CREATE, route);
  batch.number(RTA_GATEWAY, htonl(kSubnet + 1));
  must(batch.send(), "set up the inside");
}

}  // namespace floor_bench
