// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

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

}  // namespace hull::linux
