// SPDX-License-Identifier: Apache-2.0
#include "build/layer_digests.h"

#include <gtest/gtest.h>

#include "base/file.h"

namespace hull::build {
namespace {

FileDigest digest_with(unsigned char byte) {
  FileDigest digest{};
  digest.fill(byte);
  return digest;
}

TEST(LayerDigests, ComeBackAsTheyWereSaved) {
  TempDir layer;
  LayerDigests digests;
  digests.add("/a", digest_with(1));
  digests.add("/a", digest_with(2));  // the last one counts
  digests.add("/dir/with\nnew line", digest_with(0));
  digests.save(layer.path());
  LayerDigests again = LayerDigests::of_layer(layer.path());
  ASSERT_TRUE(again.find("/a") && again.find("/dir/with\nnew line"));
  EXPECT_EQ(*again.find("/a"), digest_with(2));
  EXPECT_EQ(*again.find("/dir/with\nnew line"), digest_with(0));
  EXPECT_EQ(again.find("/b"), nullptr);
}

TEST(LayerDigests, WhatIsBrokenIsEmpty) {
  TempDir layer;
  EXPECT_TRUE(LayerDigests::of_layer(layer.path()).empty());
  LayerDigests digests;
  digests.add("/a", digest_with(1));
  digests.add("/b", digest_with(1));
  digests.save(layer.path());
  std::string file = layer.path() + "/digests", text = *read_if_exists(file);
  text.resize(text.size() - 40);  // within an entry that is whole but for its end
  write_file_atomically(file, text);
  EXPECT_TRUE(LayerDigests::of_layer(layer.path()).empty());
}

}  // namespace
}  // namespace hull::build
