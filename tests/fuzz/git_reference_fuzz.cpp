// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "fuzz_targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  hull::dockerfile::fuzz_git_reference({reinterpret_cast<const char*>(data), size});
  return 0;
}
