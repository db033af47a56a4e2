// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

namespace hull::linux {

// While it lives, files that the calling thread makes belong to these ids, and the thread keeps all capabilities
// (setfsuid(2), SECBIT_NO_SETUID_FIXUP). For idmapped mounts, on which an id without a mapping can make nothing.
// Throws errno. Ends the program when the thread cannot go back.
class ScopedFileSystemIds {
 public:
  ScopedFileSystemIds(uid_t uid, gid_t gid);
  ~ScopedFileSystemIds();
  ScopedFileSystemIds(const ScopedFileSystemIds&) = delete;
  ScopedFileSystemIds& operator=(const ScopedFileSystemIds&) = delete;

 private:
  int secure_bits_;
  int uid_, gid_;  // what they were
};

}  // namespace hull::linux
