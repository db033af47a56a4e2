// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "archive/entry.h"
#include "archive/source.h"

namespace hull::archive {

// A tar stream (v7, ustar, GNU, PAX, with sparse files), entry by entry. Anything that is not one, and one that
// is cut off, is Error{kInvalidArgument}. Names come out as the bytes that are in the archive.
class TarReader {
 public:
  explicit TarReader(Source source);  // an uncompressed stream
  ~TarReader();
  TarReader(const TarReader&) = delete;
  TarReader& operator=(const TarReader&) = delete;

  // The next entry, skipping what was not read of the last; nullptr at the end. Valid until the next call.
  const Entry* next();
  // The first bytes of the entry's content, 512 of them when there are so many; read() gives them again. To be asked
  // before read(). Valid until the next call.
  std::string_view beginning();
  // The next piece of the entry's content and where in the file it belongs: holes are left out. False at its end.
  bool read(std::string_view& data, std::int64_t& offset);
  // The same content as a stream: zeros where it has holes. Until the next call of next(); borrows this.
  Source content();
  // The whole content, for small files. Error{kInvalidArgument} when it is longer than `limit`.
  std::string read_all(std::size_t limit);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hull::archive
