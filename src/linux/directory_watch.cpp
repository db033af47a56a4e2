// SPDX-License-Identifier: Apache-2.0
#include "linux/directory_watch.h"

#include <sys/inotify.h>

#include <algorithm>

#include "base/error.h"

namespace hull::linux {

DirectoryWatch::DirectoryWatch() : inotify_(check(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK), "inotify_init")) {}

int DirectoryWatch::add(const std::string& directory) {
  constexpr std::uint32_t kChanges = IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE;
  return check(::inotify_add_watch(inotify_.get(), directory.c_str(), kChanges), "inotify_add_watch", directory);
}

void DirectoryWatch::remove(int watch) noexcept { ::inotify_rm_watch(inotify_.get(), watch); }

std::vector<int> DirectoryWatch::changed() {
  std::vector<int> watches;
  alignas(inotify_event) char events[4096];
  for (;;) {
    ssize_t got = ::read(inotify_.get(), events, sizeof events);
    if (got <= 0) return watches;
    for (const char* at = events; at < events + got;) {
      const auto* event = reinterpret_cast<const inotify_event*>(at);
      if (std::ranges::find(watches, event->wd) == watches.end()) watches.push_back(event->wd);
      at += sizeof *event + event->len;
    }
  }
}

}  // namespace hull::linux
