// SPDX-License-Identifier: Apache-2.0
#include "archive/decompress.h"

#include <gtest/gtest.h>

#include "archive/sha256.h"
#include "base/file.h"
#include "base/process.h"
#include "tar_text.h"

using namespace hull;
using namespace hull::archive;

namespace {

std::string sample() {
  std::string text;
  for (int i = 0; text.size() < 900'000; ++i) text += cat("line ", i * 7919 % 10007, "\n");
  return text;
}

// What the tool of that name makes of `text`.
std::string compressed(const std::string& tool, const std::string& text) {
  TempDir dir;
  write_file_atomically(dir.path() + "/in", text);
  auto result = run_program({"sh", "-c", cat(tool, " < ", dir.path(), "/in > ", dir.path(), "/out")});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  return read_file(dir.path() + "/out");
}

bool has(const std::string& tool) { return run_program({"sh", "-c", "command -v " + tool}).exit_code == 0; }

struct Tool {
  const char* name;
  Compression compression;
};
class EveryFormat : public testing::TestWithParam<Tool> {
  void SetUp() override {
    if (!has(GetParam().name)) GTEST_SKIP() << GetParam().name << " is not installed";
  }
};

}  // namespace

TEST_P(EveryFormat, IsRecognisedAndDecompressed) {
  std::string text = sample(), packed = compressed(GetParam().name, text);
  for (std::size_t piece : {std::size_t{1} << 20, std::size_t{1000}, std::size_t{1}}) {
    Compression found{};
    EXPECT_EQ(read_source(decompress(text_source(packed, piece), &found)), text);
    EXPECT_EQ(found, GetParam().compression);
  }
}

TEST_P(EveryFormat, SeveralInARowAreOneStream) {
  std::string packed = compressed(GetParam().name, "one ") + compressed(GetParam().name, "two");
  EXPECT_EQ(read_source(decompress(text_source(packed, 3))), "one two");
}

TEST_P(EveryFormat, ATruncatedStreamIsRefused) {
  std::string packed = compressed(GetParam().name, sample());
  for (std::size_t left : {packed.size() - 1, packed.size() / 2, std::size_t{20}}) {
    try {
      read_source(decompress(text_source(packed.substr(0, left))));
      FAIL() << "took " << left << " of " << packed.size() << " bytes for the whole";
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), Kind::kInvalidArgument) << e.message();
    }
  }
}

TEST_P(EveryFormat, DamageIsNoticed) {
  std::string packed = compressed(GetParam().name, sample());
  packed[packed.size() / 2] ^= 0x55;
  EXPECT_THROW(read_source(decompress(text_source(packed))), Error);
}

INSTANTIATE_TEST_SUITE_P(Tools, EveryFormat,
                         testing::Values(Tool{"gzip", Compression::kGzip}, Tool{"zstd", Compression::kZstd},
                                         Tool{"xz", Compression::kXz}, Tool{"bzip2", Compression::kBzip2}),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(Decompress, PlainAndEmptyStreamsPassThrough) {
  EXPECT_EQ(read_source(decompress(text_source("plain text"))), "plain text");
  EXPECT_EQ(read_source(decompress(text_source(""))), "");
  EXPECT_EQ(read_source(decompress(text_source("ab", 1))), "ab");
}

TEST(Decompress, ZerosAfterAGzipMemberArePadding) {
  EXPECT_EQ(read_source(decompress(text_source(compressed("gzip", "text") + std::string(2000, '\0')))), "text");
}

TEST(Sha256, KnowsTheDigestOfAbc) {
  EXPECT_EQ(sha256_digest("abc"), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(ReadAhead, PassesBytesAndErrorsOnInOrder) {
  std::string text = sample() + sample() + sample() + sample();
  EXPECT_EQ(read_source(read_ahead(text_source(text, 777))), text);

  int calls = 0;
  Source breaking = read_ahead([&](char* buffer, std::size_t) -> std::size_t {
    if (++calls == 3) fail_invalid("it broke");
    *buffer = 'x';
    return 1;
  });
  char c = 0;
  EXPECT_EQ(breaking(&c, 1), 1u);
  EXPECT_EQ(breaking(&c, 1), 1u);
  EXPECT_THROW(breaking(&c, 1), Error);
}

TEST(ReadAhead, CanBeLeftInTheMiddle) {
  for (int i = 0; i < 50; ++i) {
    Source endless = read_ahead([](char*, std::size_t size) { return size; });
    char c = 0;
    EXPECT_EQ(endless(&c, 1), 1u);
  }
}
