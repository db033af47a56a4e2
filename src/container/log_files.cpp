// SPDX-License-Identifier: Apache-2.0
#include "container/log_files.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "archive/decompress.h"
#include "base/file.h"
#include "container/log_tail.h"

namespace hull::container {

namespace {

constexpr std::size_t kChunk = 64 << 10;
constexpr int kMostFiles = 1000;
constexpr std::size_t kLongestLine = 16 << 20;  // more is no log: it is skipped
constexpr std::size_t kLengths = 8;             // of a record of the driver local: before and behind it

// A file without a name beside the log; where the filesystem has no such files, in memory.
UniqueFd nameless_file(const std::string& directory) {
  UniqueFd file(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file) return file;
  return UniqueFd(check(::memfd_create("log", MFD_CLOEXEC), "memfd_create"));
}

UniqueFd decompressed(const UniqueFd& file, const std::string& directory) {
  UniqueFd content = nameless_file(directory);
  std::int64_t offset = 0;
  auto source = archive::decompress([&](char* into, std::size_t size) {
    std::size_t got = linux::read_at(file.get(), into, size, offset);
    offset += static_cast<std::int64_t>(got);
    return got;
  });
  std::string chunk(kChunk, '\0');
  while (std::size_t got = source(chunk.data(), chunk.size()))
    write_all(content.get(), std::string_view(chunk).substr(0, got));
  return content;
}

// The inode of the file that a compressed one was made from: gzip's comment says so (RFC 1952, 2.3). 0: not known.
ino_t original_inode(int fd) {
  char head[64];
  std::string_view text(head, linux::read_at(fd, head, sizeof head, 0));
  constexpr std::size_t kHeader = 10;
  constexpr int kFlags = 3, kComment = 0x10;
  constexpr std::string_view kWord = "inode ";
  if (text.size() < kHeader || text[kFlags] != kComment) return 0;
  text.remove_prefix(kHeader);
  if (!text.starts_with(kWord)) return 0;
  text.remove_prefix(kWord.size());
  return parse_number<ino_t>(text.substr(0, text.find('\0'))).value_or(0);
}

std::string directory_of(const std::string& path) {
  auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

}  // namespace

LogFile::LogFile(UniqueFd file, const LogSource& source, bool compressed)
    : file_(std::move(file)),
      identity_(linux::identity_of(file_.get())),
      directory_(directory_of(source.path)),
      format_(source.format),
      compressed_(compressed) {}

int LogFile::content() {
  if (std::exchange(compressed_, false)) file_ = decompressed(file_, directory_);
  return file_.get();
}

std::optional<std::string_view> LogFile::next() {
  return format_ == shim::LogFormat::kJson ? next_json() : next_local();
}

std::optional<std::string_view> LogFile::next_json() {
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

std::optional<std::string_view> LogFile::next_local() {
  for (;;) {
    std::string_view rest = std::string_view(buffer_).substr(begin_);
    if (rest.size() >= kLengths) {
      std::size_t length = 0;
      for (int i = 0; i < 4; ++i) length = length << 8 | static_cast<unsigned char>(rest[static_cast<std::size_t>(i)]);
      if (length > kLongestLine) return std::nullopt;  // damaged: nothing behind this can be found
      if (rest.size() >= length + kLengths) {
        begin_ += length + kLengths;
        return rest.substr(4, length);
      }
    }
    if (!fill()) return std::nullopt;
  }
}

// Memory is kept only while there is something to read: a follower waits for most of its life.
bool LogFile::fill() {
  buffer_.erase(0, begin_);
  if (buffer_.size() > kLongestLine) buffer_.clear();
  begin_ = 0;
  std::size_t kept = searched_ = buffer_.size();
  int fd = content();
  std::int64_t left = linux::size_of(fd) - offset_;
  std::size_t got = 0;
  if (left > 0) {
    std::size_t wanted = std::min<std::size_t>(kChunk, static_cast<std::size_t>(left));
    buffer_.resize(kept + wanted);
    got = linux::read_at(fd, buffer_.data() + kept, wanted, offset_);
    buffer_.resize(kept + got);
    offset_ += static_cast<std::int64_t>(got);
  }
  if (got == 0) buffer_.shrink_to_fit();
  return got > 0;
}

bool LogFile::seek_tail(std::int64_t& lines, bool is_live) {
  offset_ = start_of_tail(content(), format_, lines, is_live);
  return offset_ > 0 || lines == 0;
}

void LogFile::restart_if_truncated() {
  if (compressed_ || linux::size_of(file_.get()) >= offset_) return;
  offset_ = 0;
  buffer_.clear();
  begin_ = searched_ = 0;
}

std::optional<LogFiles::Opened> LogFiles::open_one(int age) const {
  if (age == 0) {
    auto live = open_if_exists(source_.path, O_RDONLY);
    return live ? std::optional(Opened{std::move(*live)}) : std::nullopt;
  }
  std::string name = cat(source_.path, ".", age);
  if (auto plain = open_if_exists(name, O_RDONLY)) return Opened{std::move(*plain)};
  if (auto packed = open_if_exists(name + ".gz", O_RDONLY)) return Opened{std::move(*packed), true};
  // Compressed between the two looks.
  if (auto plain = open_if_exists(name, O_RDONLY)) return Opened{std::move(*plain)};
  return std::nullopt;
}

std::vector<LogFiles::Opened> LogFiles::open_all() const {
  std::vector<Opened> files;
  std::vector<linux::FileIdentity> seen;
  for (int age = 0; age < kMostFiles; ++age) {
    auto file = open_one(age);
    // Right between the two steps of a rotation there is no live file.
    if (!file && age == 0) continue;
    if (!file) break;
    auto identity = linux::identity_of(file->fd.get());
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
  for (Opened& opened : open_all()) {
    LogFile& file = files.emplace_back(make(std::move(opened)));
    if (tail >= 0 && file.seek_tail(wanted, is_live)) break;
    is_live = false;
  }
  std::ranges::reverse(files);
  return files;
}

bool LogFiles::rotated(const LogFile& file) const {
  auto live = linux::identity_of(source_.path);
  return live && *live != file.identity();
}

std::optional<LogFile> LogFiles::successor(const LogFile& file) const {
  auto files = open_all();
  for (std::size_t age = 0; age < files.size(); ++age) {
    bool is_it = linux::identity_of(files[age].fd.get()) == file.identity() ||
                 (files[age].compressed && original_inode(files[age].fd.get()) == file.identity().inode);
    if (!is_it) continue;
    if (age == 0) return std::nullopt;
    return make(std::move(files[age - 1]));
  }
  // It was rotated away altogether: what is the oldest now comes nearest to it.
  if (files.empty()) return std::nullopt;
  return make(std::move(files.back()));
}

}  // namespace hull::container
