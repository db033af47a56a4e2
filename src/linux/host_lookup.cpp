// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <memory>

#include "base/error.h"
#include "linux/client_socket.h"
#include "linux/ip_address.h"

namespace hull::linux {

namespace {

std::string joined(const std::string& host, std::string_view port) {
  return is_ip6_address(host) ? cat("[", host, "]:", port) : cat(host, ":", port);
}

std::string text_of(const addrinfo& found) {
  char text[INET6_ADDRSTRLEN] = "";
  const void* bytes = found.ai_family == AF_INET6
                          ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6*>(found.ai_addr)->sin6_addr)
                          : &reinterpret_cast<const sockaddr_in*>(found.ai_addr)->sin_addr;
  ::inet_ntop(found.ai_family, bytes, text, sizeof text);
  return text;
}

}  // namespace

std::string resolve_endpoint(const std::string& host_and_port) {
  auto colon = host_and_port.rfind(':');
  if (colon == host_and_port.npos) fail_invalid("address ", host_and_port, ": missing port in address");
  std::string host = host_and_port.substr(0, colon);
  std::string_view port = std::string_view(host_and_port).substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) host = "127.0.0.1";
  if (is_ip_address(host)) return joined(host, port);

  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;  // any one: each address comes once
  addrinfo* list = nullptr;
  int code = ::getaddrinfo(host.c_str(), nullptr, &wanted, &list);
  if (code != 0) fail(Kind::kInternal, "lookup ", host, ": ", ::gai_strerror(code));
  std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
  for (int family : {AF_INET, AF_INET6})
    for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next)
      if (entry->ai_family == family) return joined(text_of(*entry), port);
  fail(Kind::kInternal, "lookup ", host, ": no such host");
}

}  // namespace hull::linux
