// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/unique_fd.h"

namespace hull::linux {

// Takes the calling thread into another network namespace, and back when it goes out of scope. Other threads stay
// where they are: /proc/sys/net, /proc/thread-self/net and new sockets follow the thread. A thread that cannot go
// back would do its next job in the wrong place, so that ends the process.
class ScopedNetworkNamespace {
 public:
  ScopedNetworkNamespace();                      // a new one; throws errno
  explicit ScopedNetworkNamespace(int network);  // an existing one; throws errno
  ScopedNetworkNamespace(const ScopedNetworkNamespace&) = delete;
  ScopedNetworkNamespace& operator=(const ScopedNetworkNamespace&) = delete;
  ~ScopedNetworkNamespace();

 private:
  UniqueFd home_;
};

UniqueFd current_network_namespace();  // of the calling thread

// Writes /proc/sys/<path> of the calling thread's network namespace. False when the kernel has no such setting.
// Throws errno otherwise.
bool write_sysctl(const std::string& path, std::string_view value);

}  // namespace hull::linux
