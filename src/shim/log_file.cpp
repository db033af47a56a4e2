// SPDX-License-Identifier: Apache-2.0
#include "shim/log_file.h"

#include <sys/stat.h>

#include <cstdio>

#include "base/file.h"
#include "linux/spawn.h"

namespace hull::shim {

namespace {

// The end of the last whole record of a file in the form of the driver local, from its beginning.
std::int64_t end_of_records(int fd, std::int64_t size) {
  std::int64_t end = 0;
  for (;;) {
    unsigned char bytes[4];
    if (::pread(fd, bytes, sizeof bytes, end) != sizeof bytes) return end;
    std::int64_t length = std::int64_t{bytes[0]} << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
    if (end + length + 8 > size) return end;
    end += length + 8;
  }
}

}  // namespace

LogFile::LogFile(LogFileOptions options, Note note, Compress compress)
    : options_(std::move(options)), note_(std::move(note)), compress_(std::move(compress)) {
  open(false);
  if (!options_.compress) return;
  ::unlink(temporary().c_str());  // of a predecessor that was killed
  compress_next();
}

std::string LogFile::name(int age, std::string_view suffix) const {
  return age == 0 ? options_.path : cat(options_.path, ".", age, suffix);
}

std::string LogFile::temporary() const { return options_.path + ".compressing"; }

void LogFile::open(bool empty) {
  fd_ = open_file(options_.path, O_RDWR | O_CREAT | O_APPEND | (empty ? O_TRUNC : 0), 0640);
  struct stat info {};
  check(::fstat(fd_.get(), &info), "fstat", options_.path);
  size_ = info.st_size;
  if (size_ > 0) repair();
}

// A predecessor that was killed in the middle of a record: what follows must not be glued to it.
void LogFile::repair() {
  if (options_.format == LogFormat::kJson) {
    char last = '\n';
    if (::pread(fd_.get(), &last, 1, size_ - 1) == 1 && last != '\n') write("\n");
    return;
  }
  std::int64_t end = end_of_records(fd_.get(), size_);
  if (end != size_ && ::ftruncate(fd_.get(), end) == 0) size_ = end;
}

bool LogFile::full_with(std::size_t pending) const {
  return options_.max_size > 0 && size_ + static_cast<std::int64_t>(pending) >= options_.max_size;
}

void LogFile::write(std::string_view records) {
  std::string_view rest = records;
  while (!rest.empty()) {
    ssize_t put = ::write(fd_.get(), rest.data(), rest.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) {
      lose("write", errno);
      // Whole records or none: what fitted is taken back.
      [[maybe_unused]] int cut = ::ftruncate(fd_.get(), size_);
      return;
    }
    rest.remove_prefix(static_cast<std::size_t>(put));
  }
  size_ += static_cast<std::int64_t>(records.size());
  failing_ = false;
}

void LogFile::rotate() {
  // Either form of a file may be there, and takes its place as it is.
  for (int number = options_.max_files - 1; number > 0; --number) {
    for (std::string_view suffix : {"", ".gz"}) {
      if (number == options_.max_files - 1) ::unlink(name(number, suffix).c_str());
      if (number == 1 && !suffix.empty()) continue;
      ::rename(name(number - 1, suffix).c_str(), name(number, suffix).c_str());
    }
  }
  ++compressed_age_;
  try {
    open(true);
  } catch (const Error& e) {
    // The old file goes on under its new name, and the next attempt is one full size away.
    lose("rotate", e.code());
    size_ = 0;
  }
  compress_next();
}

// Oldest first: what is about to be rotated away is compressed last of all when there is no time for it.
void LogFile::compress_next() {
  if (!options_.compress || compressing()) return;
  for (int age = 1; age < options_.max_files; ++age) {
    try {
      auto from = open_if_exists(name(age), O_RDONLY);
      if (!from) continue;
      UniqueFd to = open_file(temporary(), O_WRONLY | O_CREAT | O_TRUNC, 0640);
      compressor_ = compress_(from->get(), to.get());
      compressed_age_ = age;
    } catch (const Error& e) {
      note_(cat("cannot compress the log ", name(age), ": ", e.message()));
    }
    return;
  }
}

bool LogFile::child_ended(pid_t pid, int wait_status) {
  if (pid != compressor_) return false;
  compressor_ = -1;
  bool kept = compressed_age_ < options_.max_files;
  if (wait_status == 0 && kept && ::rename(temporary().c_str(), name(compressed_age_, ".gz").c_str()) == 0) {
    ::unlink(name(compressed_age_).c_str());
    compress_next();
    return true;
  }
  ::unlink(temporary().c_str());
  if (wait_status != 0) note_(cat("the log ", name(compressed_age_), " could not be compressed; it stays as it is"));
  if (!kept) compress_next();
  return true;
}

void LogFile::lose(std::string_view what, int code) {
  if (failing_) return;
  failing_ = true;
  note_(cat("cannot ", what, " the log ", options_.path, ": ", errno_text(code),
            "; output is lost until this works again"));
}

pid_t spawn_compressor(int from, int to) { return linux::spawn_filter("/proc/self/exe", "compress", from, to); }

}  // namespace hull::shim
