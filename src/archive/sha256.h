// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "archive/source.h"

namespace hull::archive {

// A running SHA-256.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::string_view data);
  std::array<unsigned char, 32> bytes();  // the last thing to be asked of it
  std::string digest();                   // the same as "sha256:<64 hex>"

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

std::string sha256_digest(std::string_view data);  // "sha256:…"
std::string sha256_digest_of_file(int fd);         // from its current position on; throws errno

// Passes the bytes of `source` through and hashes them on their way. `hash` outlives the result.
Source hashed(Source source, Sha256& hash);

}  // namespace hull::archive
