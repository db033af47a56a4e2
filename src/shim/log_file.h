// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "shim/client.h"

namespace hull::shim {

// A log file that is cut into pieces: path is the live one, path.1 the one before, … With one file in all, it is
// emptied instead. A write that fails (disk full) loses its lines, never a part of one, and never throws.
class LogFile {
 public:
  // `note` is told once about each time that writing begins to fail. Throws errno when it cannot be opened.
  LogFile(LogOptions options, std::function<void(std::string)> note);

  // Whole lines.
  void write(std::string_view lines);
  // True when `pending` more bytes reach the maximum size: then rotate() before the next line.
  bool full_with(std::size_t pending) const;
  void rotate();

 private:
  void open(bool empty);
  void lose(std::string_view what, int code);

  LogOptions options_;
  std::function<void(std::string)> note_;
  UniqueFd fd_;
  std::int64_t size_ = 0;
  bool failing_ = false;
};

}  // namespace hull::shim
