// SPDX-License-Identifier: Apache-2.0
#include "build/file_tree.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "build/sources.h"

namespace hull::build {
namespace {

class FileTree : public testing::Test {
 protected:
  FileTree() {
    for (const char* path : {"a", "d/x", "d/y.c", "d.c", "d/sub/z", "log/1"}) {
      std::string full = cat(directory_.path(), "/", path);
      make_directories(full.substr(0, full.rfind('/')));
      write_file_atomically(full, path, 0644, Durability::kProcessCrash);
    }
  }
  UniqueFd root() { return open_file(directory_.path(), O_RDONLY | O_DIRECTORY); }
  static std::vector<std::string> paths(const FileList& list) {
    std::vector<std::string> out;
    for (const FileEntry& file : list) out.push_back(file.path);
    return out;
  }
  std::string digest(const std::string& pattern) {
    SourceTree tree(root(), {.owners = false, .index = {}, .ignore = {}});
    return content_digest(select(tree, pattern, false), {});
  }
  TempDir directory_;
};

TEST_F(FileTree, AWalkIsSortedByPathElements) {
  FileList list = walk(root().get(), "", {});
  EXPECT_EQ(paths(list),
            (std::vector<std::string>{"", "a", "d", "d/sub", "d/sub/z", "d/x", "d/y.c", "d.c", "log", "log/1"}));
  EXPECT_EQ(subtree(list, "d").size(), 5U);
  EXPECT_EQ(find_entry(list, "d.c")->size, 3);
  EXPECT_EQ(find_entry(list, "e"), nullptr);
}

TEST_F(FileTree, WhatIsIgnoredIsNotThere) {
  auto rules = dockerfile::IgnoreRules::parse("d\n!d/sub\nlog\n");
  std::vector<std::string> tops;
  WalkOptions options;
  options.ignore = &rules;
  options.ignored = [&](const std::string& path) { tops.push_back(path); };
  EXPECT_EQ(paths(walk(root().get(), "", options)),
            (std::vector<std::string>{"", "a", "d", "d/sub", "d/sub/z", "d.c"}));
  EXPECT_EQ(tops, (std::vector<std::string>{"d/x", "d/y.c", "log"}));
}

TEST_F(FileTree, ContentCountsAndTimesDoNot) {
  std::string before = digest("d");
  timespec times[2] = {{1, 0}, {1, 0}};
  ::utimensat(AT_FDCWD, (directory_.path() + "/d/x").c_str(), times, 0);
  EXPECT_EQ(digest("d"), before);
  ::chmod((directory_.path() + "/d/x").c_str(), 0755);
  EXPECT_NE(digest("d"), before);
}

TEST_F(FileTree, WildcardsAndLinks) {
  ASSERT_EQ(::symlink("d/sub", (directory_.path() + "/link").c_str()), 0);
  SourceTree tree(root(), {.owners = false, .index = {}, .ignore = {}});
  EXPECT_EQ(select(tree, "*.c", false).size(), 1U);
  EXPECT_EQ(select(tree, "d/*", false).size(), 3U);
  EXPECT_EQ(select(tree, "link/z", false).front().tree.front().path, "d/sub/z");
  EXPECT_THROW(select(tree, "nothing", false), Error);
  EXPECT_TRUE(select(tree, "nothing*", false).empty());
}

TEST_F(FileTree, TheIndexKnowsFilesThatHaveNotChanged) {
  FileList list = walk(root().get(), "", {});
  std::string file = directory_.path() + "/../" + directory_.path().substr(directory_.path().rfind('/') + 1) + "-index";
  {
    StatIndex index(file);
    for (FileEntry& entry : list) entry.changed = entry.modified = 1;  // long ago
    digest_files(root().get(), list, &index);
    index.save();
  }
  StatIndex index(file);
  FileEntry& known = list[1];
  ASSERT_NE(index.find(known), nullptr);
  EXPECT_EQ(*index.find(known), known.digest);
  known.size += 1;
  EXPECT_EQ(index.find(known), nullptr);
  ::unlink(file.c_str());
}

}  // namespace
}  // namespace hull::build
