// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace hull::linux {

// The calling process gets the session keyring `name`, a new one where there is none that it may search: keys of the
// session that it came from are out of its reach then (keyrings(7)). Nothing happens on kernels without keys. Throws
// errno.
void join_session_keyring(const std::string& name);

}  // namespace hull::linux
