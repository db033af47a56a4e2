// SPDX-License-Identifier: Apache-2.0
#include "registry_server/upstream.h"

#include "base/error.h"
#include "registry/repository.h"

namespace hull::registry_server {

namespace {

constexpr std::size_t kMostRepositories = 256;

// What is not there is no error here.
template <class Call>
auto unless_missing(Call call) -> std::optional<decltype(call())> {
  try {
    return call();
  } catch (const Error& e) {
    if (e.kind() == Kind::kNotFound) return std::nullopt;
    throw;
  }
}

std::int64_t signed_size(std::uint64_t size) { return static_cast<std::int64_t>(size); }

}  // namespace

Upstream::Upstream(UpstreamOptions options, std::stop_token stop)
    : options_(std::move(options)), stop_(std::move(stop)) {
  std::string_view url = options_.url;
  insecure_ = url.starts_with("http://");
  if (!insecure_ && !url.starts_with("https://"))
    fail_invalid("invalid URL ", quoted(url), " for --mirror: it is https://host or http://host");
  url.remove_prefix(url.find("://") + 3);
  while (url.ends_with('/')) url.remove_suffix(1);
  if (url.empty() || url.find_first_of("/?#@ ") != url.npos)
    fail_invalid("invalid URL ", quoted(options_.url),
                 " for --mirror: it is a host, and a port perhaps, without a path");
  domain_ = registry::domain_of_server(options_.url);
}

Upstream::~Upstream() = default;

std::shared_ptr<registry::Repository> Upstream::repository(const std::string& name) {
  std::scoped_lock lock(mutex_);
  auto found = repositories_.find(name);
  if (found != repositories_.end()) return found->second;
  if (repositories_.size() >= kMostRepositories) repositories_.clear();
  registry::Options client;
  if (insecure_) client.insecure.push_back(domain_);
  auto made = std::make_shared<registry::Repository>(
      domain_, name, client, registry::Credentials{options_.user, options_.password, {}, {}}, registry::Access::kPull);
  repositories_.emplace(name, made);
  return made;
}

std::optional<Digest> Upstream::resolve(const std::string& name, const std::string& tag) {
  auto found = repository(name)->find_manifest(tag, stop_);
  if (!found) return std::nullopt;
  return parse_digest(found->digest);
}

std::optional<Upstream::Manifest> Upstream::manifest(const std::string& name, const std::string& reference) {
  return unless_missing([&] {
    auto content = repository(name)->manifest(reference, stop_);
    return Manifest{content.media_type, content.text};
  });
}

std::optional<std::vector<std::string>> Upstream::tags(const std::string& name) {
  return unless_missing([&] { return repository(name)->tags(stop_); });
}

std::optional<std::uint64_t> Upstream::blob_size(const std::string& name, const Digest& digest) {
  auto size = repository(name)->find_blob(digest.text(), stop_);
  if (!size) return std::nullopt;
  return static_cast<std::uint64_t>(*size);
}

void Upstream::fetch_blob(const std::string& name, const Digest& digest, std::uint64_t size,
                          const std::function<void(std::string_view)>& receive) {
  oci::Descriptor wanted;
  wanted.digest = digest.text();
  wanted.size = signed_size(size);
  repository(name)->fetch_blob(wanted, receive, stop_);
}

}  // namespace hull::registry_server
