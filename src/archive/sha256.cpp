// SPDX-License-Identifier: Apache-2.0
#include "archive/sha256.h"

#include <openssl/evp.h>

#include <vector>

#include "base/error.h"

namespace hull::archive {

struct Sha256::Context {
  EVP_MD_CTX* md = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(md); }
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  if (!context_->md || EVP_DigestInit_ex(context_->md, EVP_sha256(), nullptr) != 1)
    fail(Kind::kInternal, "OpenSSL has no SHA-256");
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::string_view data) { EVP_DigestUpdate(context_->md, data.data(), data.size()); }

std::string Sha256::digest() {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_DigestFinal_ex(context_->md, bytes, &size);
  return cat("sha256:", to_hex(bytes, size));
}

std::string sha256_digest(std::string_view data) {
  Sha256 hash;
  hash.update(data);
  return hash.digest();
}

std::string sha256_digest_of_file(int fd) {
  Sha256 hash;
  Source source = file_source(fd);
  std::vector<char> buffer(256 * 1024);
  while (std::size_t got = source(buffer.data(), buffer.size())) hash.update({buffer.data(), got});
  return hash.digest();
}

Source hashed(Source source, Sha256& hash) {
  return [source = std::move(source), &hash](char* buffer, std::size_t size) {
    std::size_t got = source(buffer, size);
    hash.update({buffer, got});
    return got;
  };
}

}  // namespace hull::archive
