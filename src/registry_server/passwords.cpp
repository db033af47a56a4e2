// SPDX-License-Identifier: Apache-2.0
#include "registry_server/passwords.h"

#include <crypt.h>
#include <openssl/crypto.h>

#include <memory>
#include <semaphore>

#include "base/base64.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/id.h"
#include "base/log.h"
#include "registry_server/digester.h"
#include "registry_server/times.h"

namespace hull::registry_server {

namespace {

constexpr std::int64_t kRecheck = kSecond;
// Nobody can keep all processors busy by guessing.
std::counting_semaphore<2> hash_turns(2);

std::string hash_of(const std::string& password, const std::string& setting) {
  hash_turns.acquire();
  // 32 KiB: too much for the small stacks of connections.
  auto data = std::make_unique<crypt_data>();
  const char* made = ::crypt_r(password.c_str(), setting.c_str(), data.get());
  std::string result = made ? made : "*0";
  hash_turns.release();
  return result;
}

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

Passwords::Passwords(std::string path) : path_(std::move(path)), secret_(random_hex(16)) { read(); }

void Passwords::read() {
  auto text = read_if_exists(path_);
  if (!text) fail_invalid("the password file ", quoted(path_), " does not exist: make it with `htpasswd -B -c`");
  std::map<std::string, std::string> hashes;
  int number = 0;
  for (std::string_view line : split(*text, '\n')) {
    ++number;
    line = trim(line);
    if (line.empty() || line.starts_with('#')) continue;
    auto [user, hash] = split_once(line, ':');
    // Apache's own forms ("$apr1$", "{SHA}") are no settings of crypt(3), what does not begin with '$' is DES or plain
    // text.
    if (user.empty() || !hash || !hash->starts_with('$') ||
        ::crypt_checksalt(std::string(*hash).c_str()) == CRYPT_SALT_INVALID)
      fail_invalid(path_, ":", number, " is no line of an htpasswd file with bcrypt: make it with `htpasswd -B`");
    hashes[std::string(user)] = *hash;
  }
  if (hashes.empty()) fail_invalid("the password file ", quoted(path_), " has no user: add one with `htpasswd -B`");
  hashes_ = std::move(hashes);
  accepted_.clear();
  changed_ = claimed_at(path_);
}

void Passwords::reread_if_changed() {
  std::int64_t time = monotonic_nanoseconds();
  if (time - checked_ < kRecheck) return;
  checked_ = time;
  std::int64_t changed = claimed_at(path_);
  if (changed == changed_) return;
  try {
    read();
    log::info("password file read again: ", hashes_.size(), " users");
  } catch (const Error& e) {
    log::warn("the users stay as they were: ", e.message());
    changed_ = changed;
  }
}

bool Passwords::accept(const std::string& user, const std::string& password) {
  std::string digest = digest_of(Algorithm::kSha256, cat(secret_, user, ":", password)).hex, setting;
  {
    std::scoped_lock lock(mutex_);
    reread_if_changed();
    if (auto known = accepted_.find(user); known != accepted_.end() && same(known->second, digest)) return true;
    auto found = hashes_.find(user);
    setting = found == hashes_.end() ? std::string() : found->second;
  }
  // A user who does not exist takes as long as one who does.
  bool exists = !setting.empty();
  if (!exists) setting = "$2b$10$abcdefghijklmnopqrstuuaqKgZ3lD9l6sPGBCkrrlAqCcFJjxYpG";
  bool right = same(hash_of(password, setting), setting) && exists;
  if (right) {
    std::scoped_lock lock(mutex_);
    if (auto found = hashes_.find(user); found != hashes_.end() && found->second == setting) accepted_[user] = digest;
  }
  return right;
}

std::pair<std::string, std::string> basic_credentials(std::string_view header) {
  auto [scheme, value] = split_once(trim(header), ' ');
  if (!value || !equals_ignoring_case(scheme, "basic")) return {};
  auto text = base64_decoded(trim(*value));
  if (!text || text->find('\0') != text->npos) return {};
  auto [user, password] = split_once(*text, ':');
  if (!password) return {};
  return {std::string(user), std::string(*password)};
}

}  // namespace hull::registry_server
