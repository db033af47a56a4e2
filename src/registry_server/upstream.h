// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "registry_server/grammar.h"

namespace hull::registry {
class Repository;
}

namespace hull::registry_server {

struct UpstreamOptions {
  std::string url;             // "https://registry-1.docker.io", "http://10.0.0.1:5000"
  std::string user, password;  // "": nobody in particular
};

// The registry that a mirror gets from what it does not have. Any thread; every function blocks, and is broken off when
// `stop` is requested. Empty results: the upstream says that there is no such thing. Throws Error: kUnavailable when it
// gives no answer, kUnauthorized and kForbidden when it refuses.
class Upstream {
 public:
  // Throws Error{kInvalidArgument} for a URL that is none.
  Upstream(UpstreamOptions options, std::stop_token stop);
  ~Upstream();

  struct Manifest {
    std::string media_type, text;
  };
  std::optional<Digest> resolve(const std::string& name, const std::string& tag);
  std::optional<Manifest> manifest(const std::string& name, const std::string& reference);
  std::optional<std::vector<std::string>> tags(const std::string& name);
  std::optional<std::uint64_t> blob_size(const std::string& name, const Digest& digest);
  // Every byte once and in order. The caller checks the digest.
  void fetch_blob(const std::string& name, const Digest& digest, std::uint64_t size,
                  const std::function<void(std::string_view)>& receive);

 private:
  std::shared_ptr<registry::Repository> repository(const std::string& name);

  UpstreamOptions options_;
  std::string domain_;
  bool insecure_ = false;
  std::stop_token stop_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<registry::Repository>> repositories_;  // with their tokens and connections
};

}  // namespace hull::registry_server
