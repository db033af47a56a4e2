// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/unique_fd.h"

namespace hull::linux {

// Tells when somebody takes rules out of nf_tables in the network namespace of the calling thread. Not thread-safe.
class NftWatch {
 public:
  NftWatch();                           // throws errno
  int fd() const { return fd_.get(); }  // readable when something has changed

  // Reads what there is to read. Whether somebody has removed a table called `table`, or a chain, a rule, a set or an
  // element of it; also when so much has changed that the kernel dropped the news. What came through the netlink socket
  // with `own_port` does not count.
  bool removed_by_others(const std::string& table, std::uint32_t own_port);

 private:
  UniqueFd fd_;
};

}  // namespace hull::linux
