// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dockerfile/ignore.h"

// Files as sources of a build: the context of a client, the file system of a stage or image.
namespace hull::build {

using FileDigest = std::array<unsigned char, 32>;

struct FileEntry {
  std::string path;  // from the tree's root: "a/b"; "" is the root
  mode_t mode = 0;   // with the S_IF* bits
  uid_t uid = 0;
  gid_t gid = 0;
  dev_t device = 0;  // of device files
  ino_t inode = 0;
  std::int64_t size = 0, modified = 0, changed = 0;  // nanoseconds
  std::string link;                                  // of symbolic links
  FileDigest digest{};                               // of regular files, after digest_files()
  bool has_digest = false;
};

// A walk. Sorted so that a directory comes right before what is in it, the names in a directory by their bytes.
using FileList = std::vector<FileEntry>;

struct WalkOptions {
  const dockerfile::IgnoreRules* ignore = nullptr;  // paths from the tree's root
  bool owners = true;                               // false: everything is root's, as in a context
  // Told the top of whatever is left out.
  std::function<void(const std::string& path)> ignored = {};
};
// What is at `top` (a clean path below the open directory `root`, "" for all of it) and below. Links are not followed,
// other mounts are entered, sockets are left out. Empty when nothing is there. Throws errno.
FileList walk(int root, const std::string& top, const WalkOptions& options);

// The entry with that path, or null. `list` as walk() makes it.
const FileEntry* find_entry(const FileList& list, std::string_view path);
// What is at `path` and below, as a part of `list`.
std::span<const FileEntry> subtree(const FileList& list, std::string_view path);
std::span<FileEntry> subtree(FileList& list, std::string_view path);

// Content digests of files by what stat(2) said about them when they were read: a file is read again only when its
// inode has changed. Kept on disk beside the cache. Not thread-safe.
class StatIndex {
 public:
  explicit StatIndex(std::string file);  // a file that is missing or broken is an empty index
  const FileDigest* find(const FileEntry& file) const;
  void add(const FileEntry& file);
  void save();  // when something was added

 private:
  struct Row {
    std::uint64_t inode = 0;
    std::int64_t size = 0, modified = 0, changed = 0;
    FileDigest digest{};
  };
  std::string file_;
  std::vector<Row> rows_;  // by inode
  std::vector<Row> added_;
};

// Fills in the digests of the regular files, from the index (may be null) or by reading them, on all processors.
// Throws Error{kInvalidArgument} for a file that cannot be read.
void digest_files(int root, std::span<FileEntry> files, StatIndex* index);

}  // namespace hull::build
