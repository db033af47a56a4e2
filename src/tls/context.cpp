// SPDX-License-Identifier: Apache-2.0
#include "tls/context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/error.h"
#include "tls/reason.h"

namespace hull::tls {

namespace {

std::shared_ptr<SSL_CTX> new_context(const SSL_METHOD* method) {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(method), SSL_CTX_free);
  if (!context) fail(Kind::kInternal, "TLS cannot be set up: ", last_reason());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // Connections are few and long: nothing is kept to resume them, and idle ones hold no buffers.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  return context;
}

void check_file(bool fine, std::string_view what, const std::string& path) {
  if (!fine) fail_invalid("could not load the TLS ", what, " ", hull::quoted(path), ": ", last_reason());
}

void use_certificate(SSL_CTX* context, const Files& files) {
  check_file(SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) == 1, "certificate",
             files.certificate);
  check_file(SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) == 1, "key", files.key);
  if (SSL_CTX_check_private_key(context) != 1)
    fail_invalid("the TLS key ", hull::quoted(files.key), " does not belong to the certificate ",
                 hull::quoted(files.certificate));
}

void use_authority(SSL_CTX* context, const std::string& path) {
  check_file(SSL_CTX_load_verify_locations(context, path.c_str(), nullptr) == 1, "CA certificate", path);
}

}  // namespace

Context Context::server(const Files& files, bool verify) {
  Context made;
  made.context_ = new_context(TLS_server_method());
  made.verifies_ = verify;
  use_certificate(made.native(), files);
  if (verify) {
    use_authority(made.native(), files.authority);
    SSL_CTX_set_client_CA_list(made.native(), SSL_load_client_CA_file(files.authority.c_str()));
    SSL_CTX_set_verify(made.native(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return made;
}

Context Context::client(const Files& files, bool verify) {
  Context made;
  made.context_ = new_context(TLS_client_method());
  made.verifies_ = verify;
  if (!files.certificate.empty()) use_certificate(made.native(), files);
  if (verify) {
    if (files.authority.empty())
      SSL_CTX_set_default_verify_paths(made.native());
    else
      use_authority(made.native(), files.authority);
    SSL_CTX_set_verify(made.native(), SSL_VERIFY_PEER, nullptr);
  }
  return made;
}

std::string last_reason() {
  unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  if (code == 0) return "the connection broke";
  if (ERR_SYSTEM_ERROR(code)) return errno_text(ERR_GET_REASON(code));
  const char* reason = ERR_reason_error_string(code);
  return reason ? reason : cat("OpenSSL error ", code);
}

}  // namespace hull::tls
