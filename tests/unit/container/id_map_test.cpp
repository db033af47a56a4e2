// SPDX-License-Identifier: Apache-2.0
#include "container/id_map.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"

using namespace hull;
using namespace hull::container;

namespace {

// What an id on disk appears as; empty when it is not mapped, or mapped twice.
std::optional<std::uint32_t> seen(const std::vector<oci::IdMapping>& ranges, std::uint32_t disk) {
  std::optional<std::uint32_t> found;
  for (const auto& range : ranges) {
    if (disk < range.container_id || disk - range.container_id >= range.size) continue;
    if (found) return std::nullopt;
    found = range.host_id + (disk - range.container_id);
  }
  return found;
}

}  // namespace

TEST(IdMap, TwoIdsChangePlacesAndAllOthersStay) {
  constexpr std::uint32_t kAll = std::numeric_limits<std::uint32_t>::max();
  for (auto [disk, user] : {std::pair(1000u, 0u), std::pair(0u, 1000u), std::pair(5u, 6u), std::pair(7u, 7u)}) {
    auto ranges = swapped(disk, user, kAll, 0);
    EXPECT_EQ(seen(ranges, disk), user);
    EXPECT_EQ(seen(ranges, user), disk);
    for (std::uint32_t other : {1u, 4u, 8u, 999u, 1001u, kAll - 1}) {
      if (other == disk || other == user) continue;
      EXPECT_EQ(seen(ranges, other), other) << disk << " " << user;
    }
  }
}

TEST(IdMap, InAUserNamespaceEverythingIsHigherOnTheHost) {
  auto ranges = swapped(1000, 0, 65536, 100000);
  EXPECT_EQ(seen(ranges, 1000), 100000u);
  EXPECT_EQ(seen(ranges, 0), 101000u);
  EXPECT_EQ(seen(ranges, 65535), 165535u);
  EXPECT_EQ(seen(ranges, 65536), std::nullopt);
}

TEST(IdMap, RangesAreWhatTheySay) {
  auto wish = parse_id_map("uids=0-1000-1#5-6-7;gids=1-2-3");
  EXPECT_FALSE(wish.follow_user);
  ASSERT_EQ(wish.uids.size(), 2u);
  EXPECT_EQ(seen(wish.uids, 0), 1000u);
  EXPECT_EQ(seen(wish.uids, 6), 7u);
  EXPECT_EQ(seen(wish.gids, 3), 4u);
  EXPECT_EQ(parse_id_map("uids=0-1-1").gids.size(), 1u) << "what is said of one kind counts for both";
  EXPECT_TRUE(parse_id_map("user").follow_user);
  for (const char* wrong : {"", "users", "uids=", "uids=1-2", "uids=a-b-c", "uids=0-0-0", "pids=1-2-3"})
    EXPECT_THROW(parse_id_map(wrong), Error) << wrong;
}
