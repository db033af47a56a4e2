// SPDX-License-Identifier: Apache-2.0
#include "linux/legacy_tables.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <sys/socket.h>

#include <cstddef>
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

// The name of a target, or of a match, which begins like one.
std::string_view extension_name(const std::string& rules, std::size_t at) {
  if (at + sizeof(xt_entry_target) > rules.size()) return "?";
  std::string_view name(rules.data() + at + offsetof(xt_entry_target, u.user.name), XT_EXTENSION_MAXNAMELEN);
  return name.substr(0, name.find('\0'));
}

// What a rule says about the packet itself: addresses, interfaces, protocol.
const ipt_ip& header_of(const ipt_entry& entry) { return entry.ip; }
const ip6t_ip6& header_of(const ip6t_entry& entry) { return entry.ipv6; }
bool comes_back(const ipt_entry& entry) { return !(entry.ip.flags & IPT_F_GOTO); }
bool comes_back(const ip6t_entry& entry) { return !(entry.ipv6.flags & IP6T_F_GOTO); }

template <class Entry>
bool has_condition(const std::string& rules, std::size_t at, const Entry& entry) {
  auto header = header_of(entry);
  header.flags = 0;  // how it jumps, and that a protocol is given, which is in `proto` too
  decltype(header) nothing{};
  if (std::memcmp(&header, &nothing, sizeof header) != 0) return true;
  for (std::size_t match = sizeof entry; match < entry.target_offset;) {
    if (extension_name(rules, at + match) != "comment") return true;
    std::uint16_t size = 0;
    std::memcpy(&size, rules.data() + at + match, sizeof size);
    if (size == 0) return true;
    match += size;
  }
  return false;
}

enum class Fate { kUndecided, kAccepted, kDropped };

// Of the packets that no rule with a condition decides about, from the rule at `at` to the end of its chain. The policy
// is a base chain's last rule.
template <class Entry>
Fate fate_from(const std::string& rules, std::size_t at, int depth = 0) {
  constexpr int kDeepest = 16;
  Entry entry;
  for (; depth <= kDeepest && at + sizeof entry <= rules.size(); at += entry.next_offset) {
    std::memcpy(&entry, rules.data() + at, sizeof entry);
    if (entry.next_offset == 0) break;
    if (has_condition(rules, at, entry)) continue;
    std::string_view target = extension_name(rules, at + entry.target_offset);
    if (target == "REJECT") return Fate::kDropped;
    if (target == XT_ERROR_TARGET) break;  // the head of the next chain
    if (target != XT_STANDARD_TARGET) continue;
    xt_standard_target standard;
    std::size_t place = at + entry.target_offset;
    if (place + sizeof standard > rules.size()) break;
    std::memcpy(&standard, rules.data() + place, sizeof standard);
    if (standard.verdict == -NF_DROP - 1) return Fate::kDropped;
    if (standard.verdict == -NF_ACCEPT - 1) return Fate::kAccepted;
    if (standard.verdict < 0) break;  // back to who jumped here
    auto next = static_cast<std::size_t>(standard.verdict);
    if (next == at + entry.next_offset) continue;  // a rule without a target
    Fate fate = fate_from<Entry>(rules, next, depth + 1);
    if (fate != Fate::kUndecided || !comes_back(entry)) return fate;
  }
  return Fate::kUndecided;
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

  std::string rules = buffer.substr(sizeof(Entries));
  Fate fate = fate_from<Entry>(rules, info.hook_entry[NF_INET_FORWARD]);
  if (fate == Fate::kUndecided) fate = fate_from<Entry>(rules, info.underflow[NF_INET_FORWARD]);
  return fate == Fate::kDropped ? std::optional(std::move(rules)) : std::nullopt;
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
