// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/value.h"

// Contexts: engines that have names. They are the docker CLI's own files, contexts/meta/<id>/meta.json and
// contexts/tls/<id>/<endpoint>/{ca,cert,key}.pem below its configuration, where <id> is the SHA-256 of the name.
namespace hull::cli {

inline constexpr std::string_view kDefaultContext = "default";
inline constexpr std::string_view kDockerEndpoint = "docker";

// Content of the files of an endpoint by their names, for each endpoint.
using TlsFiles = std::map<std::string, std::map<std::string, std::string>>;

struct Context {
  std::string name;
  Value metadata;   // {"Description":"…"}
  Value endpoints;  // {"docker":{"Host":"…","SkipTLSVerify":false}}

  std::string description() const { return metadata["Description"].text(); }
  std::string host() const { return endpoints[kDockerEndpoint]["Host"].text(); }
  Value json() const;
};

// Throws Error{kInvalidArgument} for what is no name of a context.
void check_context_name(const std::string& name);

// The context that is in use: `chosen` (--context) before $DOCKER_HOST, $HULL_HOST, $DOCKER_CONTEXT and config.json.
std::string current_context(const std::string& chosen);

// The one without files, whose engine $DOCKER_HOST or hull's own socket leads to.
Context default_context();

std::vector<Context> all_contexts();  // sorted by name, without the default one
bool context_exists(const std::string& name);
// Throws Error{kNotFound} 'context "x": context not found: …'. Knows the default one, too.
Context find_context(const std::string& name);
Context parse_context(const std::string& json);
void store_context(const Context& context);
void remove_context(const std::string& name);

TlsFiles tls_files(const std::string& name);
void store_tls_files(const std::string& name, const TlsFiles& files);  // instead of those that are there

std::string context_directory(const std::string& name);  // of its metadata
std::string context_tls_directory(const std::string& name);

}  // namespace hull::cli
