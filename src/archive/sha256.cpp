// SPDX-License-Identifier: Apache-2.0
#include "archive/sha256.h"

#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include <vector>

#include "base/error.h"

namespace hull::archive {

// The functions of SHA-256 itself, not EVP's: they are the same code (SHA-NI where the processor has it), and the first
// use of EVP sets up OpenSSL's providers, 2.8 MiB of an engine that only hashes.
struct Sha256::Context {
  SHA256_CTX sha;
};

Sha256::Sha256() : context_(std::make_unique<Context>()) { SHA256_Init(&context_->sha); }
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::string_view data) { SHA256_Update(&context_->sha, data.data(), data.size()); }

std::array<unsigned char, 32> Sha256::bytes() {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> bytes;
  SHA256_Final(bytes.data(), &context_->sha);
  return bytes;
}

std::string Sha256::digest() {
  auto all = bytes();
  return cat("sha256:", to_hex(all.data(), all.size()));
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
