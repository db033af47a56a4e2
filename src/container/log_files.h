// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "linux/file_identity.h"

namespace hull::container {

// One file of a log, read line by line. What has no newline yet is kept back until it has one.
class LogFile {
 public:
  explicit LogFile(UniqueFd file, std::int64_t offset = 0);

  // The next whole line, without its newline; valid until the next call. Empty at the end of what is there.
  std::optional<std::string_view> next();
  linux::FileIdentity identity() const { return identity_; }
  int fd() const { return file_.get(); }
  // The file got shorter than what was read of it (somebody emptied it): from its beginning again.
  void restart_if_truncated();

 private:
  bool fill();

  UniqueFd file_;
  linux::FileIdentity identity_;
  std::int64_t offset_;  // of the end of buffer_
  std::string buffer_;
  std::size_t begin_ = 0;     // of what was not given out yet
  std::size_t searched_ = 0;  // no newline before this
};

// A log with its rotated predecessors: "x", "x.1" (older), "x.2" …
class LogFiles {
 public:
  explicit LogFiles(std::string path) : path_(std::move(path)) {}

  // All of them, oldest first, or from the start of the last `tail` lines on; at least the live file when it
  // exists. The last one is the live file.
  std::vector<LogFile> open(std::int64_t tail) const;
  // What follows `file` after a rotation; empty when `file` is still the live one.
  std::optional<LogFile> successor(const LogFile& file) const;
  // True when `path` is not `file` any more.
  bool rotated(const LogFile& file) const;

 private:
  std::string name(int age) const;
  std::vector<UniqueFd> open_all() const;  // live file first
  std::string path_;
};

}  // namespace hull::container
