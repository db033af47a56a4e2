// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace hull::registry_server {

// The users of a file as htpasswd(1) writes it: "name:hash" in each line, with hashes that crypt(3) knows (bcrypt:
// `htpasswd -B`). The file is read again when it has changed. Any thread.
class Passwords {
 public:
  // Throws Error{kInvalidArgument} when the file cannot be read, has no user, or a hash that is not supported.
  explicit Passwords(std::string path);

  // May take a tenth of a second: that is what the hash is for. What was right once is remembered (as a digest with a
  // secret of this process) until the file changes.
  bool accept(const std::string& user, const std::string& password);

 private:
  void read();
  void reread_if_changed();

  std::string path_, secret_;
  std::mutex mutex_;
  std::int64_t changed_ = 0, checked_ = 0;
  std::map<std::string, std::string> hashes_;    // by user
  std::map<std::string, std::string> accepted_;  // by user: the digest of the password that was right
};

// The user and password of a header "Basic <base64>". Empty user for anything else.
std::pair<std::string, std::string> basic_credentials(std::string_view header);

}  // namespace hull::registry_server
