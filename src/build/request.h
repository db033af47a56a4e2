// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "container/spec.h"
#include "image/transfer.h"

namespace hull::build {

using Strings = std::vector<std::string>;
using StringMap = std::map<std::string, std::string>;

// A value that must reach no layer, no history, no log and no cache: it lives here, in the memory of one request, and
// for the time of a RUN in a file of its run directory.
struct Secret {
  std::string id;
  std::string value;
};

// The socket of an ssh agent: an O_PATH descriptor that the client has opened.
struct SshAgent {
  std::string id;
  UniqueFd socket;
};

// What a result is written to besides the store.
struct Output {
  // "local" and "tar": the files; "docker" and "oci": an image archive; "image"; "registry": that, pushed; "cacheonly"
  std::string type;
  StringMap attributes;  // as `--output` gives them
  UniqueFd destination;  // a tar is written there; not with "image", "registry" and "cacheonly"

  std::string attribute(const std::string& name) const {
    auto found = attributes.find(name);
    return found == attributes.end() ? "" : found->second;
  }
  bool is_set(const std::string& name) const { return attribute(name) == "true"; }
  bool stores_image() const { return type == "image" || type == "registry"; }
  bool pushes() const { return type == "registry" || (type == "image" && is_set("push")); }
};

// Where steps are taken from besides the engine's own cache, or where they are written to.
struct CacheTransfer {
  std::string type;      // "registry", "local", "inline"
  StringMap attributes;  // as --cache-from and --cache-to give them
  UniqueFd end;          // "local": the directory to read, or where a tar of the directory is written
};

// What to build and how; one build.
struct Request {
  std::string id;                              // to cancel it by; "" : none
  std::string dockerfile;                      // path in the context; "": "Dockerfile"
  std::optional<std::string> dockerfile_text;  // instead
  std::string remote;                          // URL of the build context: a git repository, an archive, a Dockerfile
  std::string ignore_text;  // of the ignore file that lies beside a Dockerfile outside of the context
  bool has_ignore_text = false;
  Strings tags;
  StringMap arguments;      // --build-arg
  Strings unset_arguments;  // --build-arg NAME of which the client has no value
  StringMap labels;
  StringMap annotations;
  std::string target, platform;
  bool no_cache = false, pull = false, squash = false;
  Strings no_cache_filter;  // names of stages
  std::vector<CacheTransfer> cache_imports, cache_exports;
  container::HostConfig host;  // limits, extra hosts, network mode, ulimits: of every RUN
  std::string hostname = "buildkitsandbox";
  bool allow_insecure = false, allow_host_network = true;
  std::vector<Secret> secrets;
  std::vector<SshAgent> agents;
  std::vector<Output> outputs;                    // none: the image goes into the store
  StringMap image_contexts;                       // --build-context name=docker-image://…: name to reference
  StringMap remote_contexts;                      // --build-context name=URL
  std::optional<std::int64_t> source_date_epoch;  // seconds
  bool rewrite_timestamps = false;
  // Gets an image that the store does not have. Empty: nowhere to get it from.
  std::function<void(const std::string& reference, const std::string& platform, const std::stop_token& stop)> fetch;
  // How a registry is talked to, and who we are there. Empty: none is.
  std::function<image::TransferOptions(const std::string& domain)> transfer;
  bool explain = false;  // say for each step why it was not cached
};

}  // namespace hull::build
