// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "shim/log_options.h"

namespace hull::shim {

// A log file that is cut into pieces: path is the live one, path.1 the one before, … With one file in all, it is
// emptied instead. A write that fails (disk full) loses its records, never a part of one, and never throws.
//
// Rotated files are compressed by a process in the background, one at a time, to path.compressing; only when that is
// complete does it become path.N.gz, and path.N goes away.
class LogFile {
 public:
  // Told once about each time that writing begins to fail.
  using Note = std::function<void(std::string)>;
  // Starts a process that compresses the first descriptor into the second, and gives its id. Throws errno.
  using Compress = std::function<pid_t(int from, int to)>;
  // Throws errno when it cannot be opened.
  LogFile(LogFileOptions options, Note note, Compress compress);

  // Whole records.
  void write(std::string_view records);
  // True when `pending` more bytes reach the maximum size: then rotate() before the next record.
  bool full_with(std::size_t pending) const;
  void rotate();

  bool compressing() const { return compressor_ > 0; }
  // False when that was not the process that compresses.
  bool child_ended(pid_t pid, int wait_status);
  // The process that runs may come to its end, another one is not started.
  void compress_no_more() { options_.compress = false; }

 private:
  void open(bool empty);
  void repair();
  void lose(std::string_view what, int code);
  std::string name(int age, std::string_view suffix = {}) const;
  std::string temporary() const;
  void compress_next();

  LogFileOptions options_;
  Note note_;
  Compress compress_;
  UniqueFd fd_;
  std::int64_t size_ = 0;
  bool failing_ = false;
  pid_t compressor_ = -1;
  int compressed_age_ = 0;  // what is being compressed is now path.<this>
};

// Runs this very program as "hull-shim compress" with the two descriptors as its input and output.
pid_t spawn_compressor(int from, int to);

}  // namespace hull::shim
