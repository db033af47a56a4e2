// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

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
  void finish();  // the end marks; without it the stream is cut off

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Writes what is in the open directory `root`, names sorted, hard links as such, sockets left out. With
// Whiteouts::kOverlay, overlayfs' marks become whiteout files: the writable directory of a container as a layer.
// Other mounts are not entered. Throws errno.
void write_tree(int root, TarWriter& writer, Whiteouts whiteouts);

}  // namespace hull::archive
