// SPDX-License-Identifier: Apache-2.0
#include "base/base64.h"

#include <gtest/gtest.h>

namespace hull {
namespace {

TEST(Base64, ExamplesOfRfc4648) {
  const std::pair<const char*, const char*> cases[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"}};
  for (auto [plain, coded] : cases) {
    EXPECT_EQ(base64(plain), coded);
    EXPECT_EQ(base64_decoded(coded), plain);
  }
  EXPECT_EQ(base64("\xff\xfe\xfb"), "//77");
  EXPECT_EQ(base64("\xff\xfe\xfb", true), "__77");
  EXPECT_EQ(base64_decoded("__77"), "\xff\xfe\xfb");
  EXPECT_EQ(base64_decoded("Zm8"), "fo");
  for (const char* wrong : {"Z", "Zm 9v", "Zm9v!", "=Zg"}) EXPECT_EQ(base64_decoded(wrong), std::nullopt) << wrong;
}

}  // namespace
}  // namespace hull
