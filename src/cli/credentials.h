// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/client.h"

// What the user has told us about registries: config.json as the docker CLI keeps it ($DOCKER_CONFIG, else ~/.docker),
// with its helpers (docker-credential-NAME; "credsStore" for all registries, "credHelpers" for some).
namespace hull::cli {

struct Login {
  std::string server;  // "https://index.docker.io/v1/", "host:port": the key in config.json
  std::string username, password, identity_token;
};

// The key of a registry ("docker.io", "host:port") or of what was typed ("https://host/v2/").
std::string server_key(const std::string& registry);

std::optional<Login> find_login(const std::string& server);
// The keys of all registries that there are logins for, or helpers.
std::vector<std::string> known_servers();
// Where it was put: the path of config.json when it lies there in the clear, else the helper's name.
struct Stored {
  std::string place;
  bool in_the_clear = false;
};
Stored store_login(const Login& login);
bool erase_login(const std::string& server);  // false when there was none

// The header X-Registry-Auth for requests about `registry`.
Headers registry_headers(const std::string& registry);
// The header X-Registry-Config of builds: all logins that there are. A helper that does not answer is left out.
Headers all_registry_headers();

}  // namespace hull::cli
