// SPDX-License-Identifier: Apache-2.0
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>

#include <array>
#include <csignal>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "linux/client_socket.h"
#include "linux/ip_address.h"

// The TLS of logs: what comes at descriptor 3 goes to a remote, encrypted. hull-shim, which is small, starts one for a
// log that needs it. It answers with "+" when the connection stands, or with "-" and the reason, and ends.
//
//   hull-log-tls <address:port> <name:port> <ca file> <certificate> <key> verify|skip-verify
namespace {

using namespace hull;

constexpr int kShim = 3;
constexpr int kConnectMilliseconds = 10'000;

struct Arguments {
  std::string address, name, ca, certificate, key;
  bool verify = true;
};

using Context = std::unique_ptr<SSL_CTX, decltype(&::SSL_CTX_free)>;
using Session = std::unique_ptr<SSL, decltype(&::SSL_free)>;

[[noreturn]] void fail_tls(const std::string& what) {
  char text[256] = "";
  ::ERR_error_string_n(::ERR_peek_last_error(), text, sizeof text);
  fail(Kind::kInternal, what, ": ", text);
}

Context make_context(const Arguments& arguments) {
  Context context(::SSL_CTX_new(::TLS_client_method()), &::SSL_CTX_free);
  if (!context) fail_tls("TLS");
  ::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  if (arguments.verify) ::SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (arguments.ca.empty())
    ::SSL_CTX_set_default_verify_paths(context.get());
  else if (::SSL_CTX_load_verify_locations(context.get(), arguments.ca.c_str(), nullptr) != 1)
    fail_tls("could not read CA certificate " + quoted(arguments.ca));
  if (arguments.certificate.empty() && arguments.key.empty()) return context;
  if (::SSL_CTX_use_certificate_chain_file(context.get(), arguments.certificate.c_str()) != 1)
    fail_tls("could not load X509 certificate " + quoted(arguments.certificate));
  if (::SSL_CTX_use_PrivateKey_file(context.get(), arguments.key.c_str(), SSL_FILETYPE_PEM) != 1)
    fail_tls("could not load X509 key " + quoted(arguments.key));
  return context;
}

UniqueFd connect(const std::string& address) {
  UniqueFd socket = linux::begin_connecting(linux::SocketKind::kTcp, address);
  int code =
      linux::writable_within(socket.get(), kConnectMilliseconds) ? linux::connect_result(socket.get()) : ETIMEDOUT;
  if (code != 0) fail(Kind::kInternal, "dial tcp+tls ", address, ": connect: ", lower(errno_text(code)));
  return socket;
}

// Waits for what the last call of OpenSSL wanted. False when it failed for good.
bool wait_for(SSL* session, int result, int socket) {
  int wanted = ::SSL_get_error(session, result);
  if (wanted != SSL_ERROR_WANT_READ && wanted != SSL_ERROR_WANT_WRITE) return false;
  pollfd entry{socket, static_cast<short>(wanted == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT), 0};
  return ::poll(&entry, 1, -1) >= 0 || errno == EINTR;
}

Session handshake(SSL_CTX* context, const Arguments& arguments, int socket) {
  Session session(::SSL_new(context), &::SSL_free);
  std::string host = arguments.name.substr(0, arguments.name.rfind(':'));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (linux::is_ip_address(host)) {
    ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(session.get()), host.c_str());
  } else {
    ::SSL_set_tlsext_host_name(session.get(), host.c_str());
    ::SSL_set1_host(session.get(), host.c_str());
  }
  ::SSL_set_fd(session.get(), socket);
  for (;;) {
    int result = ::SSL_connect(session.get());
    if (result == 1) return session;
    if (!wait_for(session.get(), result, socket)) fail_tls("tls handshake with " + arguments.name);
  }
}

bool send(SSL* session, int socket, std::string_view data) {
  while (!data.empty()) {
    int put = ::SSL_write(session, data.data(), static_cast<int>(data.size()));
    if (put > 0)
      data.remove_prefix(static_cast<std::size_t>(put));
    else if (!wait_for(session, put, socket))
      return false;
  }
  return true;
}

// Until one of the two sides has ended.
void copy(SSL* session, int socket) {
  std::array<char, 16 << 10> buffer;
  for (;;) {
    pollfd waiting[] = {{kShim, POLLIN, 0}, {socket, POLLIN, 0}};
    if (::SSL_pending(session) == 0 && ::poll(waiting, 2, -1) < 0 && errno != EINTR) return;
    if (waiting[1].revents != 0 || ::SSL_pending(session) > 0) {
      int got = ::SSL_read(session, buffer.data(), buffer.size());
      if (got > 0)
        write_all(kShim, {buffer.data(), static_cast<std::size_t>(got)});
      else if (int error = ::SSL_get_error(session, got); error != SSL_ERROR_WANT_READ)
        return;
    }
    if (waiting[0].revents == 0) continue;
    ssize_t got = ::read(kShim, buffer.data(), buffer.size());
    if (got <= 0 || !send(session, socket, {buffer.data(), static_cast<std::size_t>(got)})) {
      ::SSL_shutdown(session);
      return;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) {
    std::fputs("hull-log-tls is started by hull-shim\n", stderr);
    return 2;
  }
  ::signal(SIGPIPE, SIG_IGN);
  try {
    Arguments arguments{argv[1], argv[2], argv[3], argv[4], argv[5], std::string_view(argv[6]) != "skip-verify"};
    Context context = make_context(arguments);
    UniqueFd socket = connect(arguments.address);
    Session session = handshake(context.get(), arguments, socket.get());
    write_all(kShim, "+");
    copy(session.get(), socket.get());
    return 0;
  } catch (const std::exception& e) {
    std::string reason = std::string("-") + e.what();
    [[maybe_unused]] ssize_t told = ::write(kShim, reason.data(), reason.size());
    return 1;
  }
}
