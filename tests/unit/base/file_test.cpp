// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <sys/stat.h>

#include <gtest/gtest.h>

#include "base/rollback.h"

using namespace hull;

TEST(File, AtomicWriteReplacesTheWholeFileAndLeavesNoTemporary) {
  TempDir dir;
  std::string path = dir.path() + "/state";
  write_file_atomically(path, "one");
  write_file_atomically(path, "two", 0600, Durability::kProcessCrash);
  EXPECT_EQ(read_file(path), "two");
  EXPECT_EQ(list_directory(dir.path()), std::vector<std::string>{"state"});
}

TEST(File, RemoveTreeDoesNotFollowSymbolicLinks) {
  TempDir dir;
  make_directories(dir.path() + "/keep/deep");
  make_directories(dir.path() + "/gone/a/b");
  ASSERT_EQ(::symlink((dir.path() + "/keep").c_str(), (dir.path() + "/gone/a/link").c_str()), 0);
  remove_tree(dir.path() + "/gone");
  remove_tree(dir.path() + "/gone");
  EXPECT_FALSE(exists(dir.path() + "/gone"));
  EXPECT_TRUE(exists(dir.path() + "/keep/deep"));
}

TEST(File, OneHolderPerLock) {
  TempDir dir;
  auto first = FileLock::try_acquire(dir.path() + "/lock");
  ASSERT_TRUE(first);
  EXPECT_FALSE(FileLock::try_acquire(dir.path() + "/lock"));
  first.reset();
  EXPECT_TRUE(FileLock::try_acquire(dir.path() + "/lock"));
}

TEST(File, AMissingFileIsNoErrorWhereItMayBeMissing) {
  EXPECT_FALSE(read_if_exists("/nonexistent/file"));
  EXPECT_THROW(read_file("/nonexistent/file"), Error);
}

TEST(Rollback, UndoesInReverseUnlessCommitted) {
  std::string order;
  {
    Rollback rollback;
    rollback.add("a", [&] { order += 'a'; });
    rollback.add("b", [&] {
      order += 'b';
      throw std::runtime_error("b does not want to");
    });
  }
  EXPECT_EQ(order, "ba");
  {
    Rollback rollback;
    rollback.add("c", [&] { order += 'c'; });
    rollback.commit();
  }
  EXPECT_EQ(order, "ba");
}
