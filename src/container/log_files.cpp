// SPDX-License-Identifier: Apache-2.0
#include "container/log_files.h"

#include <algorithm>
#include <cstring>

#include "base/file.h"
#include "container/log_record.h"

namespace hull::container {

namespace {

constexpr std::size_t kChunk = 256 << 10;
constexpr int kMostFiles = 1000;
constexpr std::size_t kLongestLine = 16 << 20;  // more is no log: it is skipped

// Where the last `lines` messages of a file begin. Reads backwards, only as much as it has to. `lines` is
// reduced by what the file has.
std::int64_t start_of_tail(int fd, std::int64_t& lines, bool is_live) {
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

}  // namespace

LogFile::LogFile(UniqueFd file, std::int64_t offset)
    : file_(std::move(file)), identity_(linux::identity_of(file_.get())), offset_(offset) {}

std::optional<std::string_view> LogFile::next() {
  for (;;) {
    const void* newline = buffer_.size() > searched_
                              ? std::memchr(buffer_.data() + searched_, '\n', buffer_.size() - searched_)
                              : nullptr;
    if (newline != nullptr) {
      auto end = static_cast<std::size_t>(static_cast<const char*>(newline) - buffer_.data());
      std::string_view line(buffer_.data() + begin_, end - begin_);
      begin_ = searched_ = end + 1;
      return line;
    }
    searched_ = buffer_.size();
    if (!fill()) return std::nullopt;
  }
}

bool LogFile::fill() {
  buffer_.erase(0, begin_);
  if (buffer_.size() > kLongestLine) buffer_.clear();
  begin_ = 0;
  std::size_t kept = searched_ = buffer_.size();
  buffer_.resize(kept + kChunk);
  std::size_t got = linux::read_at(file_.get(), buffer_.data() + kept, kChunk, offset_);
  buffer_.resize(kept + got);
  offset_ += static_cast<std::int64_t>(got);
  return got > 0;
}

void LogFile::restart_if_truncated() {
  if (linux::size_of(file_.get()) >= offset_) return;
  offset_ = 0;
  buffer_.clear();
  begin_ = searched_ = 0;
}

std::string LogFiles::name(int age) const { return age == 0 ? path_ : cat(path_, ".", age); }

std::vector<UniqueFd> LogFiles::open_all() const {
  std::vector<UniqueFd> files;
  std::vector<linux::FileIdentity> seen;
  for (int age = 0; age < kMostFiles; ++age) {
    auto file = open_if_exists(name(age), O_RDONLY);
    // Right between the two steps of a rotation there is no live file.
    if (!file && age == 0) continue;
    if (!file) break;
    auto identity = linux::identity_of(file->get());
    // A rotation in between gives the file that was opened last its next name.
    if (std::ranges::find(seen, identity) != seen.end()) continue;
    seen.push_back(identity);
    files.push_back(std::move(*file));
  }
  return files;
}

std::vector<LogFile> LogFiles::open(std::int64_t tail) const {
  std::vector<LogFile> files;
  std::int64_t wanted = tail;
  bool is_live = true;
  for (UniqueFd& file : open_all()) {
    std::int64_t offset = tail < 0 ? 0 : start_of_tail(file.get(), wanted, is_live);
    is_live = false;
    files.emplace_back(std::move(file), offset);
    if (offset > 0 || (tail >= 0 && wanted == 0)) break;
  }
  std::ranges::reverse(files);
  return files;
}

bool LogFiles::rotated(const LogFile& file) const {
  auto live = linux::identity_of(path_);
  return live && *live != file.identity();
}

std::optional<LogFile> LogFiles::successor(const LogFile& file) const {
  auto files = open_all();
  for (std::size_t age = 0; age < files.size(); ++age) {
    if (linux::identity_of(files[age].get()) != file.identity()) continue;
    if (age == 0) return std::nullopt;
    return LogFile(std::move(files[age - 1]));
  }
  // It was rotated away altogether: what is the oldest now comes nearest to it.
  if (files.empty()) return std::nullopt;
  return LogFile(std::move(files.back()));
}

}  // namespace hull::container
