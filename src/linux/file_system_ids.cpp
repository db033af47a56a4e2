// SPDX-License-Identifier: Apache-2.0
#include "linux/file_system_ids.h"

#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

#include <cstdlib>

#include "base/error.h"
#include "base/log.h"

namespace hull::linux {

namespace {

constexpr auto kNobody = static_cast<uid_t>(-1);  // not an id: only asks for the present one

// These calls do not say whether they worked.
int present_uid() { return ::setfsuid(kNobody); }
int present_gid() { return ::setfsgid(kNobody); }

}  // namespace

ScopedFileSystemIds::ScopedFileSystemIds(uid_t uid, gid_t gid)
    : secure_bits_(check(::prctl(PR_GET_SECUREBITS), "prctl", "PR_GET_SECUREBITS")),
      uid_(present_uid()),
      gid_(present_gid()) {
  check(::prctl(PR_SET_SECUREBITS, secure_bits_ | SECBIT_NO_SETUID_FIXUP), "prctl", "PR_SET_SECUREBITS");
  ::setfsgid(gid);
  ::setfsuid(uid);
}

ScopedFileSystemIds::~ScopedFileSystemIds() {
  ::setfsuid(static_cast<uid_t>(uid_));
  ::setfsgid(static_cast<gid_t>(gid_));
  bool back = present_uid() == uid_ && present_gid() == gid_;
  if (back && ::prctl(PR_SET_SECUREBITS, secure_bits_) == 0) return;
  log::error("cannot return to the own file system ids");
  std::abort();
}

}  // namespace hull::linux
