// SPDX-License-Identifier: Apache-2.0
#include "container/log_bell.h"

#include <sys/epoll.h>

namespace hull::container {

LogBell::~LogBell() { reactor_.cancel(reactor_watch_); }

std::unique_ptr<LogBell::Listening> LogBell::listen(const std::string& directory, std::function<void()> ring) {
  std::scoped_lock lock(mutex_);
  if (!watch_) {
    watch_ = std::make_unique<linux::DirectoryWatch>();
    reactor_watch_ = reactor_.watch(watch_->fd(), EPOLLIN, [this](std::uint32_t) { changed(); });
  }
  auto listening = std::make_unique<Listening>(*this, watch_->add(directory), std::move(ring));
  listeners_.emplace(listening->watch_, listening.get());
  return listening;
}

void LogBell::changed() {
  std::scoped_lock lock(mutex_);
  for (int watch : watch_->changed()) {
    auto [begin, end] = listeners_.equal_range(watch);
    for (auto it = begin; it != end; ++it) it->second->ring_();
  }
}

LogBell::Listening::Listening(LogBell& bell, int watch, std::function<void()> ring)
    : bell_(bell), watch_(watch), ring_(std::move(ring)) {}

LogBell::Listening::~Listening() {
  std::scoped_lock lock(bell_.mutex_);
  std::erase_if(bell_.listeners_, [&](const auto& entry) { return entry.second == this; });
  if (!bell_.listeners_.contains(watch_)) bell_.watch_->remove(watch_);
}

}  // namespace hull::container
