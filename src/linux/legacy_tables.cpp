// SPDX-License-Identifier: Apache-2.0
#include "linux/legacy_tables.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <sys/socket.h>

#include <cstring>

#include "base/file.h"
#include "base/unique_fd.h"

namespace hull::linux {

namespace {

constexpr std::string_view kTable = "filter";

bool is_in_use(bool is_v6) {
  auto names = read_if_exists(is_v6 ? "/proc/net/ip6_tables_names" : "/proc/net/ip_tables_names").value_or("");
  for (auto name : split(names, '\n'))
    if (name == kTable) return true;
  return false;
}

// IPv4 and IPv6 have the same calls with other types.
template <class Info, class Entries, class Entry>
std::optional<std::string> rules_that_drop(int family, int level, int info_option, int entries_option) {
  UniqueFd socket(::socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  if (!socket) return std::nullopt;
  Info info{};
  kTable.copy(info.name, sizeof info.name - 1);
  socklen_t size = sizeof info;
  if (::getsockopt(socket.get(), level, info_option, &info, &size) < 0) return std::nullopt;
  if (!(info.valid_hooks & 1u << NF_INET_FORWARD)) return std::nullopt;

  std::string buffer(sizeof(Entries) + info.size, '\0');
  auto* request = reinterpret_cast<Entries*>(buffer.data());
  kTable.copy(request->name, sizeof request->name - 1);
  request->size = info.size;
  size = static_cast<socklen_t>(buffer.size());
  if (::getsockopt(socket.get(), level, entries_option, request, &size) < 0) return std::nullopt;

  // The policy is the chain's last entry, a standard target whose verdict is -(what happens) - 1.
  std::string rules = buffer.substr(sizeof(Entries));
  std::size_t at = info.underflow[NF_INET_FORWARD];
  Entry entry;
  if (at + sizeof entry > rules.size()) return std::nullopt;
  std::memcpy(&entry, rules.data() + at, sizeof entry);
  xt_standard_target target;
  if (at + entry.target_offset + sizeof target > rules.size()) return std::nullopt;
  std::memcpy(&target, rules.data() + at + entry.target_offset, sizeof target);
  return target.verdict == -NF_DROP - 1 ? std::optional(rules) : std::nullopt;
}

}  // namespace

std::optional<std::string> legacy_rules_that_drop_forwarded(bool is_v6) {
  if (!is_in_use(is_v6)) return std::nullopt;
  if (is_v6)
    return rules_that_drop<ip6t_getinfo, ip6t_get_entries, ip6t_entry>(AF_INET6, IPPROTO_IPV6, IP6T_SO_GET_INFO,
                                                                       IP6T_SO_GET_ENTRIES);
  return rules_that_drop<ipt_getinfo, ipt_get_entries, ipt_entry>(AF_INET, IPPROTO_IP, IPT_SO_GET_INFO,
                                                                  IPT_SO_GET_ENTRIES);
}

}  // namespace hull::linux
