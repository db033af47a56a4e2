// SPDX-License-Identifier: Apache-2.0
#include "linux/file_watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>

#include <cstdint>

namespace hull::linux {

FileWatch::FileWatch(const std::string& directory)
    : inotify_(check(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK), "inotify_init")),
      wake_(check(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {
  check(::inotify_add_watch(inotify_.get(), directory.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE),
        "inotify_add_watch", directory);
}

bool FileWatch::wait(const std::stop_token& stop, std::chrono::milliseconds at_most) {
  std::stop_callback wake_up(stop, [this] {
    std::uint64_t one = 1;
    [[maybe_unused]] auto written = ::write(wake_.get(), &one, sizeof one);
  });
  if (stop.stop_requested()) return false;
  pollfd waiting[] = {{inotify_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
  int ready = ::poll(waiting, 2, static_cast<int>(at_most.count()));
  if (ready < 0 && errno != EINTR) throw_errno("poll");
  if (ready <= 0 || (waiting[0].revents & POLLIN) == 0) return false;
  // What exactly changed does not matter; the queue is emptied so that the next wait waits.
  alignas(inotify_event) char events[4096];
  while (::read(inotify_.get(), events, sizeof events) > 0) {
  }
  return true;
}

}  // namespace hull::linux
