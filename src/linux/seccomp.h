// SPDX-License-Identifier: Apache-2.0
#pragma once

// The kernel has a header of this very name, and libseccomp's includes it.
#include_next <linux/seccomp.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"

namespace hull::oci {
struct Seccomp;
}

namespace hull::linux {

// Compiles a profile to a classic BPF program (the bytes of struct sock_filter[]), ready for
// load_seccomp_program(). Pure: touches nothing. Throws Error{kInvalidArgument} for unknown actions,
// architectures or operators; unknown syscall names are skipped, as runc does.
std::string compile_seccomp(const oci::Seccomp& profile);

// Installs a compiled program for the calling thread. With `flags` of the profile (SECCOMP_FILTER_FLAG_*).
// Needs no_new_privs or CAP_SYS_ADMIN. Throws errno.
void load_seccomp_program(std::string_view program, unsigned flags = 0);

// The same for a program with SCMP_ACT_NOTIFY: gives the descriptor on which the calls are announced.
UniqueFd load_seccomp_listener(std::string_view program, unsigned flags = 0);

// The names that profiles may use.
struct SeccompNames {
  std::vector<std::string> actions, operators, architectures, flags;
};
SeccompNames known_seccomp_names();

// Whether a rule of the profile has SCMP_ACT_NOTIFY.
bool seccomp_announces(const oci::Seccomp& profile);

// SECCOMP_FILTER_FLAG_* bits of the profile's `flags`; SPEC_ALLOW when it names none, as runc does. Throws
// Error{kInvalidArgument} for an unknown name.
unsigned seccomp_flags(const oci::Seccomp& profile);

}  // namespace hull::linux
