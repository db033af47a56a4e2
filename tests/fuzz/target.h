// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace hull::fuzz {

// What must hold for any input; a program that finds that it does not ends.
inline void require(bool holds, std::string_view what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

// Inputs that are valid, as files for the fuzzer to begin with, in $HULL_SEEDS.
inline void write_seeds(const std::vector<std::string>& seeds) {
  const char* directory = std::getenv("HULL_SEEDS");
  for (std::size_t i = 0; directory && i < seeds.size(); ++i)
    std::ofstream(std::string(directory) + "/seed" + std::to_string(i), std::ios::binary) << seeds[i];
}

}  // namespace hull::fuzz

// A program for libFuzzer: `check(std::string_view)` for each input, `seeds` (a list of strings) to begin with.
#define HULL_FUZZ_TARGET(check, seeds)                                                \
  extern "C" int LLVMFuzzerInitialize(int*, char***) {                                \
    hull::fuzz::write_seeds(seeds);                                                   \
    return 0;                                                                         \
  }                                                                                   \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { \
    check(std::string_view(reinterpret_cast<const char*>(data), size));               \
    return 0;                                                                         \
  }
