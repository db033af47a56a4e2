// SPDX-License-Identifier: Apache-2.0
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "tls/tunnel.h"

// hull-dial: connects to an engine on another machine for `hull`, which is static, and so has neither a resolver of
// names nor a TLS library. Standard input is a socket; what goes through it goes to the engine and back.
//   hull-dial [--tls] [--verify] [--ca FILE] [--cert FILE] [--key FILE] HOST PORT
namespace hull {

namespace {

constexpr auto kPatience = std::chrono::seconds(30);

struct Arguments {
  bool tls = false, verify = false;
  tls::Files files;
  std::string host, port;
};

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  std::vector<std::string> rest;
  for (int i = 1; i < argc; ++i) {
    std::string_view word = argv[i];
    std::string* file = word == "--ca"     ? &arguments.files.authority
                        : word == "--cert" ? &arguments.files.certificate
                        : word == "--key"  ? &arguments.files.key
                                           : nullptr;
    if (file && i + 1 < argc)
      *file = argv[++i];
    else if (word == "--tls")
      arguments.tls = true;
    else if (word == "--verify")
      arguments.tls = arguments.verify = true;
    else
      rest.emplace_back(word);
  }
  if (rest.size() != 2) fail_invalid("usage: hull-dial [--tls] [--verify] [--ca|--cert|--key FILE] HOST PORT");
  arguments.host = rest[0];
  arguments.port = rest[1];
  return arguments;
}

UniqueFd connect_to(const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (int code = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); code != 0)
    fail(Kind::kUnavailable, "cannot find ", host, ": ", std::string_view(::gai_strerror(code)));
  std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, ::freeaddrinfo);
  int code = EADDRNOTAVAIL;
  for (const addrinfo* address = found; address; address = address->ai_next) {
    UniqueFd fd(::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (fd && ::connect(fd.get(), address->ai_addr, address->ai_addrlen) == 0) {
      int on = 1;
      ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      return fd;
    }
    code = errno;
  }
  fail(Kind::kUnavailable, "Cannot connect to the Docker daemon at tcp://", host, ":", port, ": ", errno_text(code));
}

// One direction, to its end.
void copy(int from, int to) {
  char buffer[32 << 10];
  for (;;) {
    ssize_t got = ::recv(from, buffer, sizeof buffer, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    try {
      write_all(to, {buffer, static_cast<std::size_t>(got)});
    } catch (const Error&) {
      break;  // nobody reads any more
    }
  }
  ::shutdown(to, SHUT_WR);
}

void copy_both(int local, int remote) {
  std::thread outward(copy, local, remote);
  copy(remote, local);
  ::shutdown(local, SHUT_RDWR);  // an end that is still waited for does not come
  outward.join();
}

int run(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  Arguments arguments = parse(argc, argv);
  UniqueFd remote = connect_to(arguments.host, arguments.port);
  if (!arguments.tls) {
    copy_both(0, remote.get());
    return 0;
  }
  tls::Tunnel tunnel(tls::Context::client(arguments.files, arguments.verify), std::move(remote));
  tunnel.connect(arguments.host, kPatience);
  ::close(1);  // the same socket: its end has to be seen
  tunnel.run(UniqueFd(0), -1);
  return 0;
}

}  // namespace

}  // namespace hull

int main(int argc, char** argv) {
  try {
    return hull::run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "error during connect: %s\n", e.what());
    return 1;
  }
}
