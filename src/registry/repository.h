// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "oci/image_manifest.h"
#include "registry/authorizer.h"
#include "registry/hosts.h"

// One repository of a registry: the distribution specification 1.1 from the client's side
// (github.com/opencontainers/distribution-spec, spec.md; sections in brackets).
namespace hull::registry {

enum class Access : unsigned char { kPull, kPush };

struct Content {
  std::string media_type, digest, text;
};

// Thread-safe; every function blocks, and throws Error{kCancelled} when `stop` is requested. Other errors:
// kNotFound (404), kUnauthorized (401), kForbidden (403), kUnavailable (no answer, or not a sensible one). What is
// temporary (429, 5xx, a connection that breaks) is tried again, as often as Options::attempts says, with growing
// pauses or those that the registry asks for.
class Repository {
 public:
  Repository(std::string domain, std::string path, Options options, Credentials credentials, Access access);
  ~Repository();

  const std::string& domain() const { return domain_; }
  const std::string& path() const { return path_; }

  // [Pulling manifests] By tag or digest. The text is checked against a digest.
  Content manifest(const std::string& reference, const std::stop_token& stop);
  // Media type, digest and size ("text" is empty); no value when there is none. Does not count as a pull at Docker Hub.
  std::optional<oci::Descriptor> find_manifest(const std::string& reference, const std::stop_token& stop);
  std::vector<std::string> tags(const std::stop_token& stop);
  // [Listing referrers], with the tag schema of registries that have no such API. The text of an index.
  std::string referrers(const std::string& digest, const std::stop_token& stop);

  // [Pulling blobs] Every byte once and in order, also over several connections. When it returns, the digest was right.
  void fetch_blob(const oci::Descriptor& blob, const archive::Sink& sink, const std::stop_token& stop);
  std::string small_blob(const oci::Descriptor& blob, const std::stop_token& stop);
  // Its size, when it is there.
  std::optional<std::int64_t> find_blob(const std::string& digest, const std::stop_token& stop);

  // [Mounting a blob] from another repository of the same registry. False when the registry would not.
  bool mount_blob(const std::string& digest, const std::string& from, const std::stop_token& stop);
  // [Pushing blobs] A stream whose length and digest are known at its end only; `open` gives it from its beginning,
  // again for every try. `sent` is told how far it is.
  struct Upload {
    std::function<archive::Source()> open;
    std::int64_t size = -1;  // when it is known
    std::function<void(std::int64_t)> sent = [](std::int64_t) {};
  };
  oci::Descriptor push_blob(const Upload& upload, const std::stop_token& stop);
  // [Pushing manifests] Returns the digest.
  std::string push_manifest(const std::string& reference, const Content& manifest, const std::stop_token& stop);

 private:
  struct State;
  std::string domain_, path_;
  std::unique_ptr<State> state_;
};

// Whether these credentials open the registry [Determining Support]. Returns the identity token that its token server
// gave for them, or "". Throws Error{kUnauthorized} when they do not.
std::string log_in(const std::string& domain, const Options& options, const Credentials& credentials,
                   const std::stop_token& stop);

}  // namespace hull::registry
