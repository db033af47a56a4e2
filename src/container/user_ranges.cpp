// SPDX-License-Identifier: Apache-2.0
#include "container/user_ranges.h"

#include <algorithm>

#include "base/error.h"
#include "base/file.h"

namespace hull::container {

namespace {

constexpr UserRange kDefault{0x70000000, 0x70000000, 0x0ffe0000};
constexpr std::uint32_t kLargestGroup = 0x7fffffff;  // that may send pings (net.ipv4.ping_group_range)

struct Entry {
  std::uint32_t first = 0, count = 0;
};

// The number of a name in /etc/passwd or /etc/group; the name itself when there is none.
std::string number_of(const std::string& name, const char* file) {
  std::string text = read_if_exists(file).value_or("");
  for (std::string_view line : split(text, '\n')) {
    auto columns = split(line, ':');
    if (columns.size() > 2 && (columns[0] == name || columns[2] == name)) return std::string(columns[2]);
  }
  return name;
}

std::string name_of(const std::string& number, const char* file) {
  std::string text = read_if_exists(file).value_or("");
  for (std::string_view line : split(text, '\n')) {
    auto columns = split(line, ':');
    if (columns.size() > 2 && columns[2] == number) return std::string(columns[0]);
  }
  return number;
}

// "name or number:first:count", subuid(5).
std::optional<Entry> subordinate(const char* file, const std::string& name, const char* names) {
  std::string text = read_if_exists(file).value_or(""), number = number_of(name, names), known = name_of(name, names);
  for (std::string_view line : split(text, '\n')) {
    auto columns = split(trim(line), ':');
    if (columns.size() != 3 || (columns[0] != name && columns[0] != number && columns[0] != known)) continue;
    auto first = parse_number<std::uint32_t>(columns[1]), count = parse_number<std::uint32_t>(columns[2]);
    if (first && count && *count > 0) return Entry{*first, *count};
  }
  return std::nullopt;
}

std::optional<UserRange> subordinate_range(const std::string& user, const std::string& group) {
  auto uids = subordinate("/etc/subuid", user, "/etc/passwd"), gids = subordinate("/etc/subgid", group, "/etc/group");
  if (!uids || !gids) return std::nullopt;
  return UserRange{uids->first, gids->first, std::min(uids->count, gids->count)};
}

UserRange first_of(UserRange range) {
  range.size = std::min(range.size, UserRanges::kSize);
  return range;
}

}  // namespace

std::vector<oci::IdMapping> uid_mappings(const UserRange& range) { return {{0, range.uid, range.size}}; }
std::vector<oci::IdMapping> gid_mappings(const UserRange& range) { return {{0, range.gid, range.size}}; }

UserRange default_user_ranges() {
  auto own = subordinate_range("hull", "hull");
  return own && own->size >= UserRanges::kSize ? *own : kDefault;
}

UserRange parse_user_ranges(const std::string& text) {
  auto [start, count] = split_once(text, ':');
  auto first = parse_number<std::uint32_t>(start), number = parse_number<std::uint32_t>(count.value_or(""));
  if (!first || !number || *first < UserRanges::kSize || *number < UserRanges::kSize ||
      *number > kLargestGroup - std::min(*first, kLargestGroup))
    fail_invalid("invalid --userns-range ", quoted(text), ": expected START:COUNT with at least ", UserRanges::kSize,
                 " ids between ", UserRanges::kSize, " and ", kLargestGroup);
  return {*first, *first, *number};
}

UserRange remapped_range(const std::string& text) {
  if (text == "default") {
    for (const char* user : {"hull", "dockremap"})
      if (auto range = subordinate_range(user, user)) return first_of(*range);
    std::uint32_t last = kDefault.uid + kDefault.size - UserRanges::kSize;
    return {last, last, UserRanges::kSize};
  }
  auto [user, group] = split_once(text, ':');
  std::string user_name(user), group_name(group.value_or(user));
  auto range = subordinate_range(user_name, group_name);
  if (!range)
    fail_invalid("--userns-remap ", text, ": no subordinate ids of user ", quoted(user_name),
                 " in /etc/subuid and of group ", quoted(group_name), " in /etc/subgid");
  return first_of(*range);
}

UserRange UserRanges::take() {
  std::lock_guard lock(mutex_);
  for (std::uint32_t offset = 0; all_.size >= kSize && offset <= all_.size - kSize; offset += kSize) {
    std::uint32_t uid = all_.uid + offset;
    auto next = taken_.lower_bound(uid - kSize + 1);
    if (next != taken_.end() && *next < uid + kSize) continue;
    taken_.insert(uid);
    return {uid, all_.gid + offset, kSize};
  }
  fail(Kind::kUnavailable, "no range of ", kSize, " user ids is free for another container: remove one that has a ",
       "user namespace of its own, or give hulld a larger --userns-range");
}

void UserRanges::keep(const UserRange& range) {
  std::lock_guard lock(mutex_);
  if (range.size > 0) taken_.insert(range.uid);
}

void UserRanges::give_back(const UserRange& range) {
  std::lock_guard lock(mutex_);
  if (range.size > 0) taken_.erase(range.uid);
}

}  // namespace hull::container
