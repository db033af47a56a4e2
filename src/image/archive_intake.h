// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "archive/entry.h"
#include "archive/layer.h"
#include "archive/source.h"
#include "archive/tar_reader.h"
#include "base/unique_fd.h"

// An image archive as it comes in. What its files are is often said at its end, and nearly all of it are layers: what
// looks like one is extracted while it arrives, and written nowhere else. Whose layer it is, if anybody's, is seen
// afterwards.
namespace hull::image {

struct ReceivedLayer {
  archive::ExtractedLayer extracted;
  std::string digest;          // of the file in the archive
  std::string directory;       // with diff/ and tar-split in it
  std::string blob;            // that file, when it is compressed; else ""
  std::exception_ptr failure;  // why it is no layer; then the rest means nothing
};

class ArchiveIntake {
 public:
  // Everything is put below `base`, which exists. `known(digest)`: a layer of this digest, or blob, is here already,
  // and need not be extracted again.
  ArchiveIntake(std::string base, std::function<bool(const std::string& digest)> known);

  // Reads the whole archive (a tar, compressed or not). Error{kInvalidArgument} for what is none, and for members that
  // are no file, directory or link.
  void receive(const archive::Source& stream);

  // The archive's files, under their names. In the place of what was extracted is a mark that layer() understands.
  int root() const { return root_.get(); }
  // What became of an open file below root(); nullptr: it lies there as it came.
  const ReceivedLayer* layer(int file) const;
  // True for the one chain id that gets the extracted directory itself; others have to copy it. `first` is told who
  // that is. Thread-safe.
  bool claim(const ReceivedLayer& layer, const std::string& chain_id, std::string& first);

 private:
  bool looks_like_layer(const archive::Entry& entry, archive::TarReader& content) const;
  ReceivedLayer extract(archive::TarReader& content);
  void leave_mark(const std::string& name, const std::string& mark) const;

  std::string base_;
  std::function<bool(const std::string&)> known_;
  UniqueFd root_;
  std::map<std::string, ReceivedLayer> layers_;  // by mark
  std::mutex mutex_;
  std::map<const ReceivedLayer*, std::string> claims_;  // chain ids
};

}  // namespace hull::image
