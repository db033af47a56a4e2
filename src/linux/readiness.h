// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/unique_fd.h"

namespace hull::linux {

// The other side of linux/notify.h: where a program says "READY=1", as sd_notify(3) does.
class ReadinessSocket {
 public:
  // Binds `directory`/`name`, for everybody to write to; what is there is replaced. Throws errno.
  ReadinessSocket(const std::string& directory, const std::string& name);

  int fd() const { return socket_.get(); }
  // Reads what is waiting. True: the program is ready. Never blocks; throws errno.
  bool take();
  // Waits until the program is ready (true), or the process behind `pidfd` has ended without a word.
  bool wait(int pidfd);

 private:
  UniqueFd socket_;
};

}  // namespace hull::linux
