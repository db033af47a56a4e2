// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <string>
#include <string_view>

#include "archive/source.h"
#include "base/unique_fd.h"

namespace hull::image {

// A file that one thread fills and another reads at the same time: what comes over the network is on disk as fast as
// it comes, and whoever unpacks it follows as fast as he can, without memory between the two.
class Spool {
 public:
  explicit Spool(const std::string& path);  // is made; throws errno

  void write(std::string_view data);  // throws errno
  void finish();                      // everything is there
  void fail(std::exception_ptr why);  // nothing more comes; the reader gets this, also when he is behind

  // What was written, from the beginning; waits for more. Borrows this.
  archive::Source reader();
  std::int64_t read() const;  // bytes that were given to the reader

 private:
  std::size_t take(char* buffer, std::size_t size);

  UniqueFd file_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::int64_t written_ = 0, read_ = 0;
  bool finished_ = false;
  std::exception_ptr failure_;
};

}  // namespace hull::image
