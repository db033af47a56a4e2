// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "container/log_drivers.h"
#include "linux/file_identity.h"

namespace hull::container {

// One file of a log, read record by record. What is not whole yet is kept back until it is. A compressed file is
// decompressed when it is read for the first time.
class LogFile {
 public:
  LogFile(UniqueFd file, const LogSource& source, bool compressed);

  // The next whole record, as parse_log_record() wants it; valid until the next call. Empty at the end of what is
  // there.
  std::optional<std::string_view> next();
  linux::FileIdentity identity() const { return identity_; }
  // Begins with the last `lines` messages, which are found from the end. `lines` is reduced by what the file has;
  // false when it has no more than these, and the file before may have others.
  bool seek_tail(std::int64_t& lines, bool is_live);
  // The file got shorter than what was read of it (somebody emptied it): from its beginning again.
  void restart_if_truncated();

 private:
  bool fill();
  int content();
  std::optional<std::string_view> next_json();
  std::optional<std::string_view> next_local();

  UniqueFd file_;
  linux::FileIdentity identity_;
  std::string directory_;
  shim::LogFormat format_;
  bool compressed_;          // and nobody has looked into it yet
  std::int64_t offset_ = 0;  // of the end of buffer_
  std::string buffer_;
  std::size_t begin_ = 0;     // of what was not given out yet
  std::size_t searched_ = 0;  // no newline before this
};

// A log with its rotated predecessors: "x", "x.1" or "x.1.gz" (older), "x.2" …
class LogFiles {
 public:
  explicit LogFiles(LogSource source) : source_(std::move(source)) {}

  // All of them, oldest first, or from the start of the last `tail` lines on; at least the live file when it
  // exists. The last one is the live file.
  std::vector<LogFile> open(std::int64_t tail) const;
  // What follows `file` after a rotation; empty when `file` is still the live one.
  std::optional<LogFile> successor(const LogFile& file) const;
  // True when `path` is not `file` any more.
  bool rotated(const LogFile& file) const;

 private:
  struct Opened {
    UniqueFd fd;
    bool compressed = false;
  };
  std::optional<Opened> open_one(int age) const;
  std::vector<Opened> open_all() const;  // live file first
  LogFile make(Opened opened) const { return LogFile(std::move(opened.fd), source_, opened.compressed); }
  LogSource source_;
};

}  // namespace hull::container
