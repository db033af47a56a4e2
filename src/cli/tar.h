// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

// Just enough of the tar format (POSIX pax, and what GNU tar and Go write) for `cp`: the command line starts quickly
// because it is not linked against an archive library.
namespace hull::cli {

struct TarEntry {
  std::string name, link;  // link: target of a symbolic link, or the other name of a hard link
  char type = '0';         // '0' file, '1' hard link, '2' symbolic link, '3' '4' devices, '5' directory, '6' fifo
  unsigned mode = 0, uid = 0, gid = 0;
  unsigned major = 0, minor = 0;
  std::int64_t size = 0, modified = 0;  // bytes; seconds since the epoch
};

// Writes a tar to `sink`, in pieces of some ten kilobytes.
class TarOutput {
 public:
  explicit TarOutput(std::function<void(std::string_view)> sink) : sink_(std::move(sink)) {}
  void add(const TarEntry& entry);      // then content() for its size, in all
  void content(std::string_view data);  // what is more than the size is dropped
  void end_content();                   // what is missing is filled with zeros
  void finish();
  std::int64_t bytes() const { return bytes_; }

 private:
  void put(std::string_view data);
  void header(const TarEntry& entry);
  void extended(const std::string& records, const TarEntry& entry);

  std::function<void(std::string_view)> sink_;
  std::string buffer_;
  std::int64_t left_ = 0, padding_ = 0, bytes_ = 0;
};

// Reads a tar from `source` (0 bytes at its end). Throws Error{kInvalidArgument} for what is none.
class TarInput {
 public:
  explicit TarInput(std::function<std::size_t(char*, std::size_t)> source) : source_(std::move(source)) {}
  bool next(TarEntry& entry);                     // skips what was not read of the last
  std::size_t read(char* out, std::size_t size);  // of the entry's content; 0 at its end
  std::int64_t bytes() const { return bytes_; }

 private:
  bool fill(char* out, std::size_t size);  // false at the end of the stream; throws in the middle
  std::string text(std::int64_t size);
  void apply_records(std::string_view records, TarEntry& entry, bool& has_size);

  std::function<std::size_t(char*, std::size_t)> source_;
  std::int64_t left_ = 0, padding_ = 0, bytes_ = 0;
};

}  // namespace hull::cli
