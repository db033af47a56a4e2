// SPDX-License-Identifier: Apache-2.0
#include "linux/keyring.h"

#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"

namespace hull::linux {

void join_session_keyring(const std::string& name) {
  long keyring = ::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name.c_str());
  if (keyring < 0) {
    if (errno == ENOSYS) return;
    throw_errno("join the session keyring", name);
  }
  // What a new keyring has (its possessor may do all, its user view, read and link), and search for its user: without
  // that a later process of the container cannot join it by its name. Only its owner may set it.
  constexpr unsigned kPossessorAll = 0x3f000000, kUserViewReadLink = 0x130000, kUserSearch = 0x080000;
  ::syscall(SYS_keyctl, KEYCTL_SETPERM, keyring, kPossessorAll | kUserViewReadLink | kUserSearch);
}

}  // namespace hull::linux
