// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace hull::tls {

// The newest entry of OpenSSL's queue of errors (of this thread) in words; empties the queue.
std::string last_reason();

}  // namespace hull::tls
