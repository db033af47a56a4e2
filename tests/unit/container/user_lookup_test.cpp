// SPDX-License-Identifier: Apache-2.0
#include "container/user_lookup.h"

#include <gmock/gmock.h>

#include "spec_builder.h"

namespace hull::container {
namespace {

const std::map<std::string, std::string> kFiles = {
    {"/etc/passwd",
     "root:x:0:0:root:/root:/bin/sh\n# "
     "note\n\nwww:x:33:33::/srv:/bin/false\nbroken\nada:x:1000:100::/home/ada:/bin/sh"},
    {"/etc/group", "root:x:0:\nwww:x:33:\nusers:x:100:\nvideo:x:44:ada,www\naudio:x:29:www\n"}};

oci::User look_up(std::string_view user, const Strings& group_add = {}) {
  return look_up_user(user, group_add, [](const std::string& path) { return std::optional(kFiles.at(path)); });
}

struct Case {
  const char* user;
  Strings group_add;
  std::uint32_t uid, gid;
  std::vector<std::uint32_t> groups;
};
TEST(UserLookupTest, FindsUsersAndGroups) {
  const Case kCases[] = {
      {"", {}, 0, 0, {0}},
      {"root", {}, 0, 0, {0}},
      {"www", {}, 33, 33, {33, 44, 29}},
      {"33", {}, 33, 33, {33, 44, 29}},
      {"www:users", {}, 33, 100, {100}},
      {"www:7", {}, 33, 7, {7}},
      {"4242", {}, 4242, 0, {0}},
      {"4242:4343", {}, 4242, 4343, {4343}},
      {":users", {}, 0, 100, {100}},
      {"ada", {"audio", "7", "video"}, 1000, 100, {100, 44, 29, 7}},
  };
  for (const Case& test : kCases) {
    oci::User user = look_up(test.user, test.group_add);
    EXPECT_EQ(user.uid, test.uid) << test.user;
    EXPECT_EQ(user.gid, test.gid) << test.user;
    EXPECT_EQ(user.additional_gids, test.groups) << test.user;
    EXPECT_FALSE(user.umask);
  }
}

TEST(UserLookupTest, SaysWhoIsMissing) {
  EXPECT_EQ(refusal([] { look_up("nosuch"); }), "unable to find user nosuch: no matching entries in passwd file");
  EXPECT_EQ(refusal([] { look_up("www:nosuch"); }), "unable to find group nosuch: no matching entries in group file");
  EXPECT_EQ(refusal([] { look_up("", {"nosuch"}); }), "Unable to find group nosuch: no matching entries in group file");
  EXPECT_EQ(refusal([] { look_up("-1"); }), "uids and gids must be in range 0-2147483647");
  EXPECT_EQ(refusal([] { look_up("4294967295"); }), "uids and gids must be in range 0-2147483647");
}

TEST(UserLookupTest, NeedsNoFilesForNumbers) {
  auto nothing = [](const std::string&) { return std::optional<std::string>(); };
  EXPECT_EQ(look_up_user("12:13", {}, nothing).gid, 13U);
  EXPECT_EQ(look_up_user("", {}, nothing).uid, 0U);
  EXPECT_THROW(look_up_user("root", {}, nothing), Error);
}

}  // namespace
}  // namespace hull::container
