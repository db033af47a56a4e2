// SPDX-License-Identifier: Apache-2.0
#include "linux/epoll.h"

namespace hull::linux {

Epoll::Epoll() : fd_(check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {}

void Epoll::add(int fd, std::uint32_t events, std::uint64_t tag) {
  epoll_event event{.events = events, .data = {.u64 = tag}};
  check(::epoll_ctl(fd_.get(), EPOLL_CTL_ADD, fd, &event), "epoll_ctl add");
}

void Epoll::modify(int fd, std::uint32_t events, std::uint64_t tag) {
  epoll_event event{.events = events, .data = {.u64 = tag}};
  check(::epoll_ctl(fd_.get(), EPOLL_CTL_MOD, fd, &event), "epoll_ctl modify");
}

void Epoll::remove(int fd) noexcept { ::epoll_ctl(fd_.get(), EPOLL_CTL_DEL, fd, nullptr); }

std::span<epoll_event> Epoll::wait(std::span<epoll_event> events, int timeout_ms) {
  int count = ::epoll_wait(fd_.get(), events.data(), static_cast<int>(events.size()), timeout_ms);
  if (count < 0 && errno == EINTR) return {};
  return events.first(static_cast<std::size_t>(check(count, "epoll_wait")));
}

}  // namespace hull::linux
