// SPDX-License-Identifier: Apache-2.0
#include "registry_server/digester.h"

#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "base/error.h"

namespace hull::registry_server {

// The functions of SHA-2 themselves, not EVP's: the same code, without OpenSSL's providers in memory.
struct Digester::Context {
  union {
    SHA256_CTX sha256;
    SHA512_CTX sha512;
  };
};

Digester::Digester(Algorithm algorithm) : algorithm_(algorithm), context_(std::make_unique<Context>()) {
  if (algorithm == Algorithm::kSha256)
    SHA256_Init(&context_->sha256);
  else
    SHA512_Init(&context_->sha512);
}
Digester::~Digester() = default;
Digester::Digester(Digester&&) noexcept = default;
Digester& Digester::operator=(Digester&&) noexcept = default;

void Digester::update(std::string_view data) {
  if (algorithm_ == Algorithm::kSha256)
    SHA256_Update(&context_->sha256, data.data(), data.size());
  else
    SHA512_Update(&context_->sha512, data.data(), data.size());
}

void Digester::update_from(int fd, std::uint64_t offset, std::uint64_t size) {
  constexpr std::size_t kBuffer = 256 << 10;
  std::vector<char> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(size, kBuffer)));
  while (size > 0) {
    std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(size, buffer.size()));
    ssize_t got = ::pread(fd, buffer.data(), wanted, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (check(got, "read") == 0) fail(Kind::kInternal, "a file became shorter while it was read");
    update({buffer.data(), static_cast<std::size_t>(got)});
    offset += static_cast<std::uint64_t>(got);
    size -= static_cast<std::uint64_t>(got);
  }
}

Digest Digester::finish() {
  unsigned char bytes[SHA512_DIGEST_LENGTH];
  std::size_t size = algorithm_ == Algorithm::kSha256 ? SHA256_DIGEST_LENGTH : SHA512_DIGEST_LENGTH;
  if (algorithm_ == Algorithm::kSha256)
    SHA256_Final(bytes, &context_->sha256);
  else
    SHA512_Final(bytes, &context_->sha512);
  return {algorithm_, to_hex(bytes, size)};
}

Digest digest_of(Algorithm algorithm, std::string_view data) {
  Digester digester(algorithm);
  digester.update(data);
  return digester.finish();
}

}  // namespace hull::registry_server
