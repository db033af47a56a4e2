// SPDX-License-Identifier: Apache-2.0
#include "archive/tar_reader.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/file.h"
#include "base/process.h"
#include "tar_text.h"

namespace hull::archive {
namespace {

std::string long_text(std::size_t size) {
  std::string text;
  while (text.size() < size) text += cat(text.size(), " ");
  text.resize(size);
  return text;
}

// However the stream is cut: looking at the beginning, as often as one likes, takes nothing away.
TEST(TarReaderTest, TheBeginningIsReadAgain) {
  TarText tar;
  for (std::size_t size : {0, 1, 511, 512, 513, 100'000}) tar.file(cat("f", size), long_text(size));
  const std::string text = tar.text();
  for (std::size_t piece : {7u, 512u, 700u, 65'536u}) {
    TarReader reader(text_source(text, piece));
    for (std::size_t size : {0u, 1u, 511u, 512u, 513u, 100'000u}) {
      const Entry* entry = reader.next();
      ASSERT_TRUE(entry);
      const std::string expected = long_text(size);
      for (int i = 0; i < 3; ++i) {
        std::string_view beginning = reader.beginning();
        EXPECT_GE(beginning.size(), std::min<std::size_t>(size, 512));
        EXPECT_TRUE(expected.starts_with(beginning));
      }
      if (size == 513) continue;  // what was looked at, and not read, is skipped
      EXPECT_TRUE(read_source(reader.content()) == expected) << piece << " " << size;
    }
    EXPECT_FALSE(reader.next());
  }
}

TEST(TarReaderTest, HolesAreZerosInTheContent) {
  TempDir directory;
  const off_t size = 3 << 20;
  {
    UniqueFd fd = open_file(directory.path() + "/holes", O_RDWR | O_CREAT, 0644);
    ASSERT_EQ(::ftruncate(fd.get(), size), 0);
    ASSERT_EQ(::pwrite(fd.get(), "middle", 6, 1 << 20), 6);
  }
  std::string expected(size, '\0');
  expected.replace(1 << 20, 6, "middle");
  for (const char* format : {"gnu", "posix"}) {
    auto made = run_program(
        {"tar", "-C", directory.path(), "-S", cat("--format=", format), "-cf", directory.path() + "/t.tar", "holes"});
    ASSERT_EQ(made.exit_code, 0) << made.errors;
    TarReader reader(text_source(read_file(directory.path() + "/t.tar")));
    ASSERT_TRUE(reader.next());
    EXPECT_TRUE(std::string(512, '\0').starts_with(reader.beginning()));
    EXPECT_TRUE(read_source(reader.content()) == expected) << format;
  }
}

// As some writers end: behind the content comes nothing.
TEST(TarReaderTest, WhatFillsTheLastBlockMayBeMissing) {
  for (std::size_t size : {10u, 1000u}) {
    TarText tar;
    tar.file("first", long_text(700)).file("last", long_text(size));
    const std::size_t end = 512 + 1024 + 512 + size;
    for (std::size_t kept : {end, end + 1, end + 2}) {
      TarReader reader(text_source(tar.text().substr(0, kept)));
      ASSERT_TRUE(reader.next());
      ASSERT_TRUE(reader.next());
      EXPECT_EQ(read_source(reader.content()), long_text(size));
      EXPECT_FALSE(reader.next());
      TarReader skipping(text_source(tar.text().substr(0, kept)));
      ASSERT_TRUE(skipping.next() && skipping.next());
      EXPECT_FALSE(skipping.next());
    }
  }
}

TEST(TarReaderTest, ContentThatIsCutOffIsRefused) {
  for (std::size_t size : {10u, 512u, 1000u})
    for (std::size_t missing : {1u, 9u}) {
      TarText tar;
      const std::string text = tar.file("file", long_text(size)).text();
      TarReader reader(text_source(text.substr(0, 512 + size - missing)));
      ASSERT_TRUE(reader.next());
      EXPECT_THROW(read_source(reader.content()), Error) << size << " " << missing;
      TarReader skipping(text_source(text.substr(0, 512 + size - missing)));
      ASSERT_TRUE(skipping.next());
      EXPECT_THROW(skipping.next(), Error) << size << " " << missing;
    }
}

}  // namespace
}  // namespace hull::archive
