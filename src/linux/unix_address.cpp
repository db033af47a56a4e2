// SPDX-License-Identifier: Apache-2.0
#include "linux/unix_address.h"

#include <algorithm>
#include <cstddef>

#include "base/error.h"
#include "base/text.h"

namespace hull::linux {

UnixAddress::UnixAddress(const std::string& path) {
  constexpr std::size_t kLongest = sizeof address_.sun_path - 1;
  if (path.size() > kLongest) fail_invalid("the socket path ", path, " is longer than ", kLongest, " bytes");
  address_.sun_family = AF_UNIX;
  std::ranges::copy(path, address_.sun_path);
  bool abstract = path.starts_with('@');
  if (abstract) address_.sun_path[0] = '\0';
  size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0 : 1));
}

UnixAddress::UnixAddress(int directory, const std::string& name)
    : UnixAddress(cat("/proc/self/fd/", directory, "/", name)) {}

}  // namespace hull::linux
