// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "registry/http.h"

// Where a registry is, and how it may be talked to.
namespace hull::registry {

// What the engine's configuration says about registries.
struct Options {
  // URLs of mirrors of Docker Hub; "registry=URL" of one of another registry, "*=URL" of all of them: these are told
  // which registry is meant by the parameter "ns", as containerd does it.
  std::vector<std::string> mirrors;
  std::vector<std::string> insecure;              // host[:port], or a network in CIDR notation; the loopback always is
  std::string http_proxy, https_proxy, no_proxy;  // "" : those of the environment
  int attempts = 5;                               // of each transfer
  // <directory>/<host[:port]>/{*.crt, *.cert with *.key}: authorities, and what we identify ourselves with.
  std::vector<std::string> certificate_directories = {"/etc/hull/certs.d", "/etc/docker/certs.d"};
};

struct Endpoint {
  std::string url;         // "https://registry-1.docker.io", without a slash at its end
  std::string domain;      // "docker.io": that of the references
  std::string name_space;  // for the parameter "ns"; "" : none
  bool mirror = false;
  Route route;
};

// In the order in which they are to be tried: mirrors (unless `only_itself`), the registry over HTTPS, and over HTTP
// when it is insecure. Resolves the host's name when networks are configured as insecure.
std::vector<Endpoint> endpoints_of(const std::string& domain, const Options& options, bool only_itself);

// The way to `host` ("host:port"), which may be any server: proxies, certs.d.
Route route_to(std::string_view host, const Options& options);

// Whether a registry may speak HTTP, or show any certificate.
bool is_insecure(std::string_view domain, const Options& options);

// What `docker login` and config.json call a registry: "https://index.docker.io/v1/", "host:port".
std::string server_name(const std::string& domain);
// The reverse, of what a user types there: "https://host:5000/v2/" to "host:5000".
std::string domain_of_server(std::string_view server);

}  // namespace hull::registry
