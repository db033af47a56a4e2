// SPDX-License-Identifier: Apache-2.0
#include "linux/network_namespace.h"

#include <sched.h>

#include <cstdlib>

#include "base/file.h"
#include "base/log.h"

namespace hull::linux {

UniqueFd current_network_namespace() { return open_file("/proc/thread-self/ns/net", O_RDONLY); }

ScopedNetworkNamespace::ScopedNetworkNamespace() : home_(current_network_namespace()) {
  check(::unshare(CLONE_NEWNET), "make a network namespace");
}

ScopedNetworkNamespace::ScopedNetworkNamespace(int network) : home_(current_network_namespace()) {
  check(::setns(network, CLONE_NEWNET), "enter a network namespace");
}

ScopedNetworkNamespace::~ScopedNetworkNamespace() {
  if (::setns(home_.get(), CLONE_NEWNET) == 0) return;
  log::error("cannot return from a network namespace: ", errno_text(errno));
  std::abort();
}

bool write_sysctl(const std::string& path, std::string_view value) {
  std::string file = cat("/proc/sys/", path);
  auto fd = open_if_exists(file, O_WRONLY);
  if (!fd) return false;
  // One write: the kernel takes a second one for a new value.
  check(::write(fd->get(), value.data(), value.size()), "write", file);
  return true;
}

}  // namespace hull::linux
