// SPDX-License-Identifier: Apache-2.0
#include "image/spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "base/file.h"

namespace hull::image {

Spool::Spool(const std::string& path) : file_(open_file(path, O_RDWR | O_CREAT | O_EXCL, 0600)) {}

void Spool::write(std::string_view data) {
  write_all(file_.get(), data);
  std::lock_guard guard(mutex_);
  written_ += static_cast<std::int64_t>(data.size());
  changed_.notify_all();
}

void Spool::finish() {
  std::lock_guard guard(mutex_);
  finished_ = true;
  changed_.notify_all();
}

void Spool::fail(std::exception_ptr why) {
  std::lock_guard guard(mutex_);
  failure_ = std::move(why);
  changed_.notify_all();
}

archive::Source Spool::reader() {
  return [this](char* buffer, std::size_t size) { return take(buffer, size); };
}

std::int64_t Spool::read() const {
  std::lock_guard guard(mutex_);
  return read_;
}

std::size_t Spool::take(char* buffer, std::size_t size) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return failure_ || written_ > read_ || finished_; });
  if (failure_) std::rethrow_exception(failure_);
  auto there = static_cast<std::size_t>(std::min<std::int64_t>(written_ - read_, static_cast<std::int64_t>(size)));
  std::int64_t at = read_;
  lock.unlock();
  if (there == 0) return 0;
  ssize_t got;
  do got = ::pread(file_.get(), buffer, there, at);
  while (got < 0 && errno == EINTR);
  check(got, "read");
  if (got == 0) hull::fail(Kind::kInternal, "a layer that is being downloaded was cut off on disk");
  lock.lock();
  read_ += got;
  return static_cast<std::size_t>(got);
}

}  // namespace hull::image
