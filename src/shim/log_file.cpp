// SPDX-License-Identifier: Apache-2.0
#include "shim/log_file.h"

#include <sys/stat.h>

#include <cstdio>

#include "base/file.h"

namespace hull::shim {

LogFile::LogFile(LogOptions options, std::function<void(std::string)> note)
    : options_(std::move(options)), note_(std::move(note)) {
  open(false);
}

void LogFile::open(bool empty) {
  fd_ = open_file(options_.path, O_RDWR | O_CREAT | O_APPEND | (empty ? O_TRUNC : 0), 0640);
  struct stat info {};
  check(::fstat(fd_.get(), &info), "fstat", options_.path);
  size_ = info.st_size;
  // A predecessor that was killed in the middle of a line: what follows must not be glued to it.
  char last = '\n';
  if (size_ > 0 && ::pread(fd_.get(), &last, 1, size_ - 1) == 1 && last != '\n') write("\n");
}

bool LogFile::full_with(std::size_t pending) const {
  return options_.max_size > 0 && size_ + static_cast<std::int64_t>(pending) >= options_.max_size;
}

void LogFile::write(std::string_view lines) {
  std::string_view rest = lines;
  while (!rest.empty()) {
    ssize_t put = ::write(fd_.get(), rest.data(), rest.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) {
      lose("write", errno);
      // Whole lines or none: what fitted is taken back.
      [[maybe_unused]] int cut = ::ftruncate(fd_.get(), size_);
      return;
    }
    rest.remove_prefix(static_cast<std::size_t>(put));
  }
  size_ += static_cast<std::int64_t>(lines.size());
  failing_ = false;
}

void LogFile::rotate() {
  auto name = [&](int number) { return number == 0 ? options_.path : cat(options_.path, ".", number); };
  for (int number = options_.max_files - 1; number > 0; --number)
    ::rename(name(number - 1).c_str(), name(number).c_str());
  try {
    open(true);
  } catch (const Error& e) {
    // The old file goes on under its new name, and the next attempt is one full size away.
    lose("rotate", e.code());
    size_ = 0;
  }
}

void LogFile::lose(std::string_view what, int code) {
  if (failing_) return;
  failing_ = true;
  note_(cat("cannot ", what, " the log ", options_.path, ": ", errno_text(code),
            "; output is lost until this works again"));
}

}  // namespace hull::shim
