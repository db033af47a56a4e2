// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "base/error.h"

// Fuzzing that every run of the unit tests does: the same mutations each time, of inputs that are valid. A parser may
// refuse (throw Error); what it must not do is crash, hang, or throw anything else. With a sanitizer build it shows
// more.
namespace hull::fuzz {

inline std::string mutated(const std::string& seed, std::minstd_rand& random) {
  std::string text = seed;
  for (auto changes = 1 + random() % 4; changes > 0 && !text.empty(); --changes) {
    std::size_t at = random() % text.size();
    switch (random() % 6) {
      case 0: text[at] = static_cast<char>(random() % 256); break;
      case 1: text[at] = static_cast<char>(text[at] ^ (1 << random() % 8)); break;
      case 2: text.erase(at, 1 + random() % 16); break;
      case 3: text.insert(at, text.substr(random() % text.size(), random() % 64)); break;
      case 4: text.resize(at); break;
      default: text.insert(at, 1 + random() % 8, "\0\xff\"{}[]:/@,.0-9"[random() % 16]); break;
    }
  }
  return text;
}

// Calls `parse` with `rounds` mutations of the seeds.
inline void mutate(const std::vector<std::string>& seeds, int rounds,
                   const std::function<void(const std::string&)>& parse) {
  std::minstd_rand random(1);
  for (int round = 0; round < rounds; ++round) {
    std::string text = mutated(seeds[random() % seeds.size()], random);
    try {
      parse(text);
    } catch (const Error&) {
      // Refused, as it should be.
    }
  }
}

}  // namespace hull::fuzz
