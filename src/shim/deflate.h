// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace hull::shim {

// Compression for what a shim writes and sends: small windows, memory only while it is used.
class Deflate {
 public:
  enum class Wrapper : unsigned char { kNone, kGzip, kZlib };
  Deflate();
  ~Deflate();
  Deflate(const Deflate&) = delete;

  // One text, compressed as a whole. `level`: 0 to 9, -1 for the default.
  std::string whole(Wrapper wrapper, int level, std::string_view text);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Compresses `from` up to its end into `to`, as a gzip file whose comment is "inode N" of `from` and whose time is
// that of `from`: readers that have the one open find the other. At the lowest priority. Throws errno.
void compress_log(int from, int to);

}  // namespace hull::shim
