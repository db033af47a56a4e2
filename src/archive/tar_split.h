// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "archive/source.h"

// The exact bytes of a tar, from the files that were made of it.
//
// A layer is known by the digest of its tar, and the same files can be written down as a tar in many ways. Beside the
// extracted files lies what is not in them: headers and padding, with the places where a file's content belongs. It
// is compressed (zstd), and some 20 bytes a file.
//
//   'R' <size, 4 bytes> <bytes>                          bytes of the tar as they are
//   'F' <size of the path, 4 bytes> <path> <size, 8>     content of a file
//
// Numbers are little-endian. Behind the zstd frame come 8 bytes: the size of the tar.
namespace hull::archive {

class TarRecorder {
 public:
  explicit TarRecorder(std::string path);  // of the file to write
  ~TarRecorder();
  TarRecorder(const TarRecorder&) = delete;
  TarRecorder& operator=(const TarRecorder&) = delete;

  void feed(std::string_view data);  // the next bytes of the uncompressed tar
  // Completes the file. False, and no file, when the tar names a path twice: the first content is not kept then.
  bool finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Passes the bytes of `source` through. `recorder` outlives the result.
Source recorded(Source source, TarRecorder& recorder);

struct ReplayedTar {
  std::int64_t size = 0;
  Source source;  // Error{kInternal} when a file is not what it was
};
// Empty when there is no such recording. `files`: the open directory of the extracted files, borrowed.
std::optional<ReplayedTar> replayed_tar(const std::string& recording, int files);

}  // namespace hull::archive
