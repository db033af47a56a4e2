// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cli/client.h"
#include "cli/flags.h"
#include "cli/value.h"

// config.json as the docker CLI keeps it: logins, formats of listings, proxies, the current context. Both command lines
// use the same file. See https://docs.docker.com/reference/cli/docker/#configuration-files.
namespace hull::cli {

// $DOCKER_CONFIG, else ~/.docker.
std::string config_directory();
std::string config_path();

// The file as it is; an empty map when there is none. Throws Error{kInvalidArgument} for one that is no JSON.
Value read_config();
void write_config(const Value& config);
// The same, read once; for a file that cannot be read a warning and an empty map.
const Value& config();

// "--format" when it is given, else what config.json says for this command ("psFormat"). `quiet` wants neither.
std::string chosen_format(const Options& options, std::string_view setting, bool quiet = false);
// "--detach-keys" when it is given, else "detachKeys".
std::string chosen_detach_keys(const Options& options);
// "--platform" when it is given, else $DOCKER_DEFAULT_PLATFORM.
std::string chosen_platform(const Options& options);
// "HttpHeaders" and $DOCKER_CUSTOM_HEADERS, which go with every request. $DOCKER_CUSTOM_HEADERS counts more.
Headers custom_headers();

// HTTP_PROXY, http_proxy, … with their values, that "proxies" has for the engine at `host` ("default" for all).
std::vector<std::pair<std::string, std::string>> proxies_for(const std::string& host);
// Adds "pruneFilters" to the filters of a prune; what the command line says of a label counts more.
void add_prune_filters(std::vector<std::string>& filters);

}  // namespace hull::cli
