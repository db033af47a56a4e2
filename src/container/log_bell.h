// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "linux/directory_watch.h"
#include "linux/reactor.h"

namespace hull::container {

// Tells those who follow logs that there is something new. One descriptor and no thread of its own, however many
// follow; nobody polls.
class LogBell {
 public:
  explicit LogBell(linux::Reactor& reactor) : reactor_(reactor) {}
  ~LogBell();
  LogBell(const LogBell&) = delete;

  // Calls `ring`, on the reactor's thread, after changes in `directory`, as long as the result lives. Throws errno.
  class Listening;
  std::unique_ptr<Listening> listen(const std::string& directory, std::function<void()> ring);

 private:
  void changed();

  linux::Reactor& reactor_;
  std::mutex mutex_;
  std::unique_ptr<linux::DirectoryWatch> watch_;  // from the first listener on
  linux::Reactor::Id reactor_watch_ = 0;
  std::multimap<int, Listening*> listeners_;  // by number of the watch
};

class LogBell::Listening {
 public:
  Listening(LogBell& bell, int watch, std::function<void()> ring);
  ~Listening();
  Listening(const Listening&) = delete;

 private:
  friend class LogBell;
  LogBell& bell_;
  int watch_;
  std::function<void()> ring_;
};

}  // namespace hull::container
