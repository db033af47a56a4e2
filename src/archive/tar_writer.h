// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "archive/entry.h"
#include "archive/placement.h"
#include "archive/source.h"

namespace hull::archive {

// Writes a PAX tar stream. The same entries give the same bytes.
class TarWriter {
 public:
  explicit TarWriter(Sink sink);
  ~TarWriter();
  TarWriter(const TarWriter&) = delete;
  TarWriter& operator=(const TarWriter&) = delete;

  // `content` gives entry.size bytes; what it falls short of (a file that shrinks meanwhile) is filled with zeros,
  // what is more is left out.
  void add(const Entry& entry, const Source& content = {});
  void finish();                       // the end marks; without it the stream is cut off
  std::int64_t content_bytes() const;  // of regular files, so far

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Writes what is in the open directory `root`, names sorted, hard links as such, sockets left out. With
// Whiteouts::kOverlay, overlayfs' marks become whiteout files: the writable directory of a container as a layer.
// Other mounts are not entered. Throws errno.
void write_tree(int root, TarWriter& writer, Whiteouts whiteouts);

// The names of a tree in an archive, and what of it goes there.
struct TreeOptions {
  std::string root = "./";  // name of the root's own entry; "" leaves it out
  std::string prefix;       // before the names of everything below
  Whiteouts whiteouts = Whiteouts::kLiteral;
  // Whether to look into a directory with another file system mounted on it; otherwise it is empty in the archive.
  std::function<bool(const std::string& path, int directory)> enter = {};
  // What stays away; `path` is relative to the root.
  std::function<bool(const std::string& path)> skip = {};
  bool still = false;  // nobody else works in the tree: what was looked at is what is opened
};
// The same with a choice. The tree may be in use: what vanishes or becomes something else meanwhile is left out, and
// nothing but directories and regular files is ever opened.
void write_tree(int root, TarWriter& writer, const TreeOptions& options);
// One entry, called `name`, for what an O_PATH descriptor stands for, which is no directory.
void write_file(int fd, TarWriter& writer, const std::string& name);

}  // namespace hull::archive
