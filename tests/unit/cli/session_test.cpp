// SPDX-License-Identifier: Apache-2.0
#include "cli/session.h"

#include <gtest/gtest.h>

namespace hull::cli {
namespace {

using namespace std::string_literals;

TEST(Demultiplexer, FramesMayBeCutAnywhere) {
  const std::string stream = "\1\0\0\0\0\0\0\5hello\2\0\0\0\0\0\0\2no\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\1!"s;
  for (std::size_t step = 1; step <= stream.size(); ++step) {
    Demultiplexer frames;
    std::string out, errors;
    for (std::size_t at = 0; at < stream.size(); at += step)
      frames.feed(std::string_view(stream).substr(at, step),
                  [&](int number, std::string_view bytes) { (number == 2 ? errors : out) += bytes; });
    EXPECT_EQ(out, "hello!") << step;
    EXPECT_EQ(errors, "no") << step;
  }
}

TEST(DetachKeys, HoldsTheSequenceBackUntilItIsDecided) {
  DetachKeys keys("");
  bool detached = false;
  EXPECT_EQ(keys.filter("a\x10", detached), "a");
  EXPECT_EQ(keys.filter("b", detached),
            "\x10"
            "b");
  EXPECT_FALSE(detached);
  EXPECT_EQ(keys.filter("\x10\x11", detached), "");
  EXPECT_TRUE(detached);
}

}  // namespace
}  // namespace hull::cli
