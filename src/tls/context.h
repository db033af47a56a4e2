// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

struct ssl_ctx_st;

namespace hull::tls {

// PEM files (x509(7ssl)). "" stands for none.
struct Files {
  std::string authority;         // certificates that the other side's must be signed by
  std::string certificate, key;  // our own, with intermediate ones behind it
};

// What all connections of one listener, or one client, have in common. Cheap to copy; any thread may use it.
class Context {
 public:
  // `verify`: only clients with a certificate of the authority are let in. Throws Error{kInvalidArgument} that names
  // the file which is missing or is no PEM.
  static Context server(const Files& files, bool verify);
  // `verify`: the server's certificate must be of the authority ("": of the system's ones) and name the host.
  static Context client(const Files& files, bool verify);

  ssl_ctx_st* native() const { return context_.get(); }
  bool verifies() const { return verifies_; }

 private:
  std::shared_ptr<ssl_ctx_st> context_;
  bool verifies_ = false;
};

}  // namespace hull::tls
