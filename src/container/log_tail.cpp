// SPDX-License-Identifier: Apache-2.0
#include "container/log_tail.h"

#include <algorithm>
#include <string>

#include "container/log_record.h"
#include "linux/file_identity.h"

namespace hull::container {

namespace {

constexpr std::size_t kChunk = 256 << 10;
constexpr std::size_t kLongestLine = 16 << 20;  // more is no log: it is skipped

std::int64_t start_of_json_tail(int fd, std::int64_t& lines, bool is_live) {
  std::int64_t position = linux::size_of(fd);
  std::string pending;        // from `position` to the start of the record found last
  bool unfinished = is_live;  // the newest message of all may still be without its newline
  std::int64_t found = 0;
  while (position > 0) {
    auto size = static_cast<std::size_t>(std::min<std::int64_t>(position, kChunk));
    std::string chunk(size, '\0');
    position -= static_cast<std::int64_t>(size);
    chunk.resize(linux::read_at(fd, chunk.data(), size, position));
    pending.insert(0, chunk);
    // Records between two newlines; what is before the first one has its beginning in the chunk before.
    for (std::size_t end = pending.rfind('\n'); end != std::string::npos;) {
      std::size_t before = end == 0 ? std::string::npos : pending.rfind('\n', end - 1);
      if (before == std::string::npos && position > 0) break;
      std::size_t begin = before == std::string::npos ? 0 : before + 1;
      bool whole = ends_message(std::string_view(pending).substr(begin, end - begin));
      if (whole && found == lines) return position + static_cast<std::int64_t>(end) + 1;
      if (whole || unfinished) ++found;
      if (unfinished && !whole && found > lines) return linux::size_of(fd);
      unfinished = false;
      pending.resize(begin);
      end = before;
    }
    if (pending.size() > kLongestLine) pending.resize(0);
  }
  lines -= std::min(found, lines);
  return 0;
}

// The length that stands at `position`, -1 when that is not inside the file.
std::int64_t length_at(int fd, std::int64_t position) {
  unsigned char bytes[4];
  if (position < 0 || linux::read_at(fd, reinterpret_cast<char*>(bytes), sizeof bytes, position) != sizeof bytes)
    return -1;
  return std::int64_t{bytes[0]} << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

// The end of the last whole record: the end of the file, unless a crash has torn it.
std::int64_t end_of_records(int fd) {
  std::int64_t size = linux::size_of(fd), last = length_at(fd, size - 4);
  if (size == 0 || (last >= 0 && length_at(fd, size - last - 8) == last)) return size;
  for (std::int64_t end = 0;;) {
    std::int64_t length = length_at(fd, end);
    if (length < 0 || end + length + 8 > size) return end;
    end += length + 8;
  }
}

std::int64_t start_of_local_tail(int fd, std::int64_t& lines, bool is_live) {
  std::int64_t end = end_of_records(fd), found = 0;
  bool unfinished = is_live;
  LogRecord record;
  std::string message;
  while (end > 0) {
    std::int64_t length = length_at(fd, end - 4), begin = end - length - 8;
    if (length < 0 || begin < 0) break;
    message.resize(static_cast<std::size_t>(length));
    message.resize(linux::read_at(fd, message.data(), message.size(), begin + 4));
    bool whole = parse_local_record(message, record) && record.text.ends_with('\n');
    if (whole && found == lines) return end;
    if (whole || unfinished) ++found;
    if (unfinished && !whole && found > lines) return linux::size_of(fd);
    unfinished = false;
    end = begin;
  }
  lines -= std::min(found, lines);
  return 0;
}

}  // namespace

std::int64_t start_of_tail(int fd, shim::LogFormat format, std::int64_t& lines, bool is_live) {
  return format == shim::LogFormat::kJson ? start_of_json_tail(fd, lines, is_live)
                                          : start_of_local_tail(fd, lines, is_live);
}

}  // namespace hull::container
