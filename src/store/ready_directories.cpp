// SPDX-License-Identifier: Apache-2.0
#include "store/ready_directories.h"

#include <cerrno>
#include <cstdio>

#include "base/error.h"
#include "base/rollback.h"
#include "store/layout.h"

namespace hull::store {

ReadyDirectories::ReadyDirectories(std::string data_root, std::size_t size,
                                   std::function<void(const std::string&)> make)
    : data_root_(std::move(data_root)), size_(size), make_(std::move(make)) {}

void ReadyDirectories::take(const std::string& target) {
  std::string ready;
  {
    std::lock_guard lock(mutex_);
    if (!ready_.empty()) {
      ready = std::move(ready_.back());
      ready_.pop_back();
    }
  }
  if (!ready.empty()) {
    if (std::rename(ready.c_str(), target.c_str()) == 0) return;
    if (errno != ENOENT) throw_errno("rename", target);  // else somebody tidied incoming/ up
  }
  make_(target);
}

bool ReadyDirectories::wants_more() {
  std::lock_guard lock(mutex_);
  if (ready_.size() + making_ >= size_) return false;
  ++making_;
  return true;
}

void ReadyDirectories::fill() {
  while (wants_more()) {
    Rollback rollback;
    rollback.add("ready directory", [&] {
      std::lock_guard lock(mutex_);
      --making_;
    });
    std::string path = incoming_path(data_root_, "ready");
    make_(path);
    rollback.commit();
    std::lock_guard lock(mutex_);
    --making_;
    ready_.push_back(std::move(path));
  }
}

}  // namespace hull::store
