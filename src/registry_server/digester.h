// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "registry_server/grammar.h"

namespace hull::registry_server {

// A running digest.
class Digester {
 public:
  explicit Digester(Algorithm algorithm);
  ~Digester();
  Digester(Digester&&) noexcept;
  Digester& operator=(Digester&&) noexcept;

  Algorithm algorithm() const { return algorithm_; }
  void update(std::string_view data);
  // `size` bytes of a file from `offset` on. Throws errno; Error{kInternal} when the file is shorter.
  void update_from(int fd, std::uint64_t offset, std::uint64_t size);
  Digest finish();  // the last thing to be asked of it

 private:
  struct Context;
  Algorithm algorithm_;
  std::unique_ptr<Context> context_;
};

Digest digest_of(Algorithm algorithm, std::string_view data);

}  // namespace hull::registry_server
