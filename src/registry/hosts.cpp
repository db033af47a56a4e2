// SPDX-License-Identifier: Apache-2.0
#include "registry/hosts.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>

#include "base/file.h"

namespace hull::registry {

namespace {

constexpr std::string_view kHub = "docker.io", kHubHost = "registry-1.docker.io";
constexpr std::string_view kHubServer = "https://index.docker.io/v1/";

struct Address {
  int family = 0;
  unsigned char bytes[16] = {};
};

std::optional<Address> parse_address(const std::string& text) {
  Address address;
  for (int family : {AF_INET, AF_INET6}) {
    address.family = family;
    if (::inet_pton(family, text.c_str(), address.bytes) == 1) return address;
  }
  return std::nullopt;
}

bool is_within(const Address& address, std::string_view network) {
  auto [base_text, length_text] = split_once(network, '/');
  auto base = parse_address(std::string(base_text));
  auto length = parse_number<unsigned>(length_text.value_or(""));
  if (!base || !length || base->family != address.family) return false;
  for (unsigned bit = 0; bit < *length; ++bit)
    if (((base->bytes[bit / 8] ^ address.bytes[bit / 8]) >> (7 - bit % 8) & 1) != 0) return false;
  return true;
}

std::string host_of(std::string_view domain) {
  if (domain.starts_with('[')) return std::string(domain.substr(1, domain.find(']') - 1));
  return std::string(domain.substr(0, domain.find(':')));
}

std::vector<Address> addresses_of(const std::string& host) {
  if (auto address = parse_address(host)) return {*address};
  addrinfo hints{}, *list = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &list) != 0) return {};
  std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> found(list, ::freeaddrinfo);
  std::vector<Address> addresses;
  for (const addrinfo* one = list; one; one = one->ai_next) {
    Address address;
    address.family = one->ai_family;
    if (one->ai_family == AF_INET)
      std::memcpy(address.bytes, &reinterpret_cast<sockaddr_in*>(one->ai_addr)->sin_addr, 4);
    else if (one->ai_family == AF_INET6)
      std::memcpy(address.bytes, &reinterpret_cast<sockaddr_in6*>(one->ai_addr)->sin6_addr, 16);
    addresses.push_back(address);
  }
  return addresses;
}

std::string from_environment(const char* name) {
  for (const std::string& spelled : {upper(name), lower(name)})
    if (const char* value = std::getenv(spelled.c_str()); value && *value) return value;
  return {};
}

void add_certificates(Route& route, const std::string& directory) {
  for (const std::string& name : list_directory(directory)) {
    std::string path = cat(directory, "/", name);
    if (name.ends_with(".crt")) route.authorities += read_file(path) + "\n";
    if (!name.ends_with(".cert")) continue;
    std::string key = path.substr(0, path.size() - 5) + ".key";
    if (!exists(key)) fail_invalid("missing key ", key, " for client certificate ", name);
    route.client_certificate = path;
    route.client_key = key;
  }
}

std::string without_slash(std::string_view url) {
  while (url.ends_with('/')) url.remove_suffix(1);
  return std::string(url);
}

// The mirrors that serve `domain`, most specific first as they are written.
std::vector<Endpoint> mirrors_of(const std::string& domain, const Options& options) {
  std::vector<Endpoint> found;
  for (const std::string& text : options.mirrors) {
    auto [registry, url] = split_once(text, '=');
    bool named = url && registry.find("://") == registry.npos;
    if (named ? registry != domain && registry != "*" : domain != kHub) continue;
    Endpoint endpoint;
    endpoint.url = without_slash(named ? *url : std::string_view(text));
    endpoint.domain = domain;
    if (named) endpoint.name_space = domain;
    endpoint.mirror = true;
    std::string host = endpoint.url.substr(endpoint.url.find("://") + 3);
    host = host.substr(0, host.find('/'));
    endpoint.route = route_to(host, options);
    endpoint.route.verify = !is_insecure(host, options);
    found.push_back(std::move(endpoint));
  }
  return found;
}

}  // namespace

Route route_to(std::string_view host, const Options& options) {
  Route route;
  route.http_proxy = options.http_proxy.empty() ? from_environment("http_proxy") : options.http_proxy;
  route.https_proxy = options.https_proxy.empty() ? from_environment("https_proxy") : options.https_proxy;
  route.no_proxy = options.no_proxy.empty() ? from_environment("no_proxy") : options.no_proxy;
  for (const std::string& directory : options.certificate_directories)
    add_certificates(route, cat(directory, "/", host));
  return route;
}

bool is_insecure(std::string_view domain, const Options& options) {
  std::string host = host_of(domain);
  if (host == "localhost") return true;
  std::vector<std::string> networks = {"127.0.0.0/8", "::1/128"};
  for (const std::string& one : options.insecure) {
    if (one == domain || (one.find(':') == one.npos && one == host)) return true;
    if (one.find('/') != one.npos) networks.push_back(one);
  }
  auto literal = parse_address(host);
  if (!literal && networks.size() == 2) return false;
  auto addresses = literal ? std::vector{*literal} : addresses_of(host);
  return std::ranges::any_of(addresses, [&](const Address& address) {
    return std::ranges::any_of(networks, [&](const std::string& network) { return is_within(address, network); });
  });
}

std::vector<Endpoint> endpoints_of(const std::string& domain, const Options& options, bool only_itself) {
  std::vector<Endpoint> endpoints;
  if (!only_itself) endpoints = mirrors_of(domain, options);
  Endpoint itself;
  itself.domain = domain;
  std::string host = domain == kHub ? std::string(kHubHost) : domain;
  itself.route = route_to(host, options);
  bool insecure = is_insecure(domain, options);
  itself.route.verify = !insecure;
  itself.url = "https://" + host;
  endpoints.push_back(itself);
  if (!insecure) return endpoints;
  itself.url = "http://" + host;
  endpoints.push_back(std::move(itself));
  return endpoints;
}

std::string server_name(const std::string& domain) { return domain == kHub ? std::string(kHubServer) : domain; }

std::string domain_of_server(std::string_view server) {
  if (auto scheme = server.find("://"); scheme != server.npos) server.remove_prefix(scheme + 3);
  std::string host(server.substr(0, server.find('/')));
  bool hub = host.empty() || host == "index.docker.io" || host == kHubHost || host == kHub;
  return hub ? std::string(kHub) : host;
}

}  // namespace hull::registry
