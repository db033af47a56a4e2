// SPDX-License-Identifier: Apache-2.0
#include "container/id_map.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "container/path_text.h"
#include "linux/file_identity.h"

namespace hull::container {

namespace {

constexpr std::uint32_t kAllIds = std::numeric_limits<std::uint32_t>::max();  // 2^32-1 itself is no id

std::vector<oci::IdMapping> parse_ranges(std::string_view text, const std::string& whole) {
  std::vector<oci::IdMapping> ranges;
  for (auto part : split(text, '#')) {
    auto numbers = split(part, '-');
    if (numbers.size() != 3) fail_invalid("invalid idmap ", quoted(whole), ": use uids=DISK-SEEN-COUNT[#…];gids=…");
    oci::IdMapping range;
    std::uint32_t* fields[] = {&range.container_id, &range.host_id, &range.size};
    for (std::size_t i = 0; i < 3; ++i) {
      auto number = parse_number<std::uint32_t>(numbers[i]);
      if (!number) fail_invalid("invalid idmap ", quoted(whole), ": ", quoted(numbers[i]), " is no number");
      *fields[i] = *number;
    }
    if (range.size == 0) fail_invalid("invalid idmap ", quoted(whole), ": a range of no ids");
    ranges.push_back(range);
  }
  return ranges;
}

const std::string& wish_for(const HostConfig& host, const std::string& target) {
  static const std::string kNone;
  for (const MountSpec& mount : host.mounts)
    if (!mount.id_map.empty() && clean_path(mount.target) == target) return mount.id_map;
  return kNone;
}

std::vector<oci::IdMapping> shifted(std::vector<oci::IdMapping> ranges, std::uint32_t base) {
  for (auto& range : ranges) range.host_id += base;
  return ranges;
}

}  // namespace

IdMapWish parse_id_map(const std::string& text) {
  IdMapWish wish;
  if (text == "user") {
    wish.follow_user = true;
    return wish;
  }
  for (auto part : split(text, ';')) {
    auto [name, ranges] = split_once(part, '=');
    if (!ranges || (name != "uids" && name != "gids"))
      fail_invalid("invalid idmap ", quoted(text), ": use user, or uids=DISK-SEEN-COUNT[#…];gids=…");
    (name == "uids" ? wish.uids : wish.gids) = parse_ranges(*ranges, text);
  }
  // What is said of one kind counts for the other, too.
  if (wish.uids.empty()) wish.uids = wish.gids;
  if (wish.gids.empty()) wish.gids = wish.uids;
  return wish;
}

std::vector<oci::IdMapping> swapped(std::uint32_t disk, std::uint32_t seen, std::uint32_t limit, std::uint32_t base) {
  std::uint32_t low = std::min(disk, seen), high = std::max(disk, seen);
  std::vector<oci::IdMapping> ranges;
  auto add = [&](std::uint32_t from, std::uint32_t to, std::uint32_t size) {
    if (size > 0) ranges.push_back({from, base + to, size});
  };
  if (low == high) {
    add(0, 0, limit);
    return ranges;
  }
  add(0, 0, low);
  add(low, high, 1);
  add(low + 1, low + 1, high - low - 1);
  add(high, low, 1);
  if (high + 1 < limit) add(high + 1, high + 1, limit - high - 1);
  return ranges;
}

void apply_id_maps(const ConfigInputs& inputs, oci::RuntimeConfig& config) {
  const UserRange& range = inputs.users;
  std::uint32_t limit = range.size > 0 ? range.size : kAllIds;
  for (oci::Mount& mount : config.mounts) {
    const std::string& text = wish_for(inputs.state.spec->host, mount.destination);
    if (text.empty()) continue;
    IdMapWish wish = parse_id_map(text);
    if (wish.follow_user) {
      auto owner = linux::owner_of(mount.source);
      mount.uid_mappings = swapped(owner.uid, config.process->user.uid, limit, range.uid);
      mount.gid_mappings = swapped(owner.gid, config.process->user.gid, limit, range.gid);
    } else {
      mount.uid_mappings = shifted(std::move(wish.uids), range.uid);
      mount.gid_mappings = shifted(std::move(wish.gids), range.gid);
    }
  }
}

}  // namespace hull::container
