// SPDX-License-Identifier: Apache-2.0
#include "archive/compress.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "archive/decompress.h"
#include "base/error.h"

namespace hull::archive {
namespace {

Source text_source(const std::string& text, std::size_t most) {
  return [&text, most, at = std::size_t{0}](char* buffer, std::size_t size) mutable {
    size = text.copy(buffer, std::min(size, most), at);
    at += size;
    return size;
  };
}

std::string all_of(const Source& source) {
  std::string text;
  char buffer[10000];
  while (std::size_t got = source(buffer, sizeof buffer)) text.append(buffer, got);
  return text;
}

TEST(GzipCompressed, GivesBackWhatWentIn) {
  std::minstd_rand random(7);
  for (std::size_t size : {0UL, 1UL, 512UL * 1024, 512UL * 1024 + 1, 3UL * 1024 * 1024, 5UL * 1000 * 1000}) {
    std::string text(size, '\0');
    // Half of it compresses.
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i / 1000 % 2 ? random() >> 8 : i / 100);
    std::string packed = all_of(gzip_compressed(text_source(text, 100000)));
    Compression found{};
    EXPECT_EQ(all_of(decompress(text_source(packed, 777), &found)), text) << size;
    EXPECT_EQ(found, Compression::kGzip);
    EXPECT_EQ(packed, all_of(gzip_compressed(text_source(text, 4096)))) << "other pieces, other bytes: " << size;
  }
}

TEST(GzipCompressed, HandsErrorsOn) {
  Source broken = gzip_compressed([count = 0](char*, std::size_t size) mutable -> std::size_t {
    if (++count == 5) fail(Kind::kUnavailable, "broken");
    return size;
  });
  EXPECT_THROW(all_of(broken), Error);
}

TEST(GzipCompressed, EndsWithItsReader) {
  Source endless = gzip_compressed([](char*, std::size_t size) { return size; });
  char byte = 0;
  EXPECT_EQ(endless(&byte, 1), 1U);
}

}  // namespace
}  // namespace hull::archive
