// SPDX-License-Identifier: Apache-2.0
#include "registry_server/mirror.h"

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "registry_server/refusal.h"

namespace hull::registry_server {

std::uint64_t Download::wait(std::uint64_t offset) {
  std::unique_lock lock(mutex_);
  auto there = [&] { return ended_ || received_ < size_ ? received_ : size_ - std::min<std::uint64_t>(size_, 1); };
  changed_.wait(lock, [&] { return ended_ || there() > offset; });
  if (!failure_.empty()) fail(Kind::kUnavailable, failure_);
  return there();
}

void Download::advance(std::uint64_t bytes) {
  std::scoped_lock lock(mutex_);
  received_ += bytes;
  changed_.notify_all();
}

void Download::end(std::string failure) {
  std::scoped_lock lock(mutex_);
  ended_ = true;
  failure_ = std::move(failure);
  changed_.notify_all();
}

Mirror::Mirror(UpstreamOptions options, const Layout& layout, const Blobs& blobs, const Manifests& manifests,
               Uploads& uploads)
    : layout_(layout),
      blobs_(blobs),
      manifests_(manifests),
      uploads_(uploads),
      upstream_(std::move(options), stop_.get_token()) {}

Mirror::~Mirror() {
  stop_.request_stop();
  pool_.finish();
}

std::optional<Digest> Mirror::resolve(const std::string& name, const std::string& tag) {
  std::optional<Digest> digest;
  try {
    digest = upstream_.resolve(name, tag);
  } catch (const Error& e) {
    auto known = e.kind() == Kind::kUnavailable ? manifests_.resolve(name, tag) : std::nullopt;
    if (!known) throw;
    log::warn("upstream: ", e.message(), "; ", name, ":", tag, " is served as it was");
    return known;
  }
  if (digest && manifests_.resolve(name, tag) != digest && fetch_manifest(name, *digest))
    manifests_.set_tag(name, tag, *digest);
  return digest;
}

bool Mirror::fetch_manifest(const std::string& name, const Digest& digest) {
  if (manifests_.claim(name, digest)) return true;
  auto found = upstream_.manifest(name, digest.text());
  if (!found) return false;
  if (digest_of(digest.algorithm, found->text) != digest)
    fail(Kind::kUnavailable, "the upstream sent another manifest than ", digest.text());
  // What an index names comes when somebody asks for it.
  manifests_.put(name, digest, found->text, read_manifest(found->text, found->media_type), {}, false);
  return true;
}

std::vector<std::string> Mirror::tags(const std::string& name) {
  try {
    if (auto found = upstream_.tags(name)) return std::move(*found);
    refuse(Code::kNameUnknown, "the upstream has no such repository", name);
  } catch (const Error& e) {
    if (e.kind() != Kind::kUnavailable || !manifests_.repository_exists(name)) throw;
    log::warn("upstream: ", e.message(), "; the tags of ", name, " are those that are here");
    return manifests_.tags(name);
  }
}

std::optional<std::uint64_t> Mirror::blob_size(const std::string& name, const Digest& digest) {
  return upstream_.blob_size(name, digest);
}

std::shared_ptr<Download> Mirror::fetch_blob(const std::string& name, const Digest& digest) {
  const Key key{name, digest};
  {
    std::scoped_lock lock(mutex_);
    if (auto found = downloads_.find(key); found != downloads_.end()) return found->second;
  }
  auto size = upstream_.blob_size(name, digest);
  if (!size) return nullptr;
  std::string upload = uploads_.begin(name);
  auto download = std::make_shared<Download>(open_file(layout_.upload(name, upload), O_RDONLY), *size);
  {
    std::scoped_lock lock(mutex_);
    auto [place, is_new] = downloads_.emplace(key, download);
    if (!is_new) {
      uploads_.cancel(name, upload);  // somebody else was faster
      return place->second;
    }
  }
  pool_.run([this, key, upload, download] { run(key, upload, *download); });
  return download;
}

void Mirror::run(const Key& key, const std::string& upload, Download& download) {
  const auto& [name, digest] = key;
  std::string failure;
  try {
    auto writer = uploads_.open(name, upload, digest.algorithm);
    if (!writer) fail(Kind::kInternal, "the upload has vanished");
    upstream_.fetch_blob(name, digest, download.size(), [&](std::string_view piece) {
      writer->write(piece);
      download.advance(piece.size());
    });
    if (writer->size() != download.size() || !uploads_.finish(name, upload, *writer, digest))
      fail(Kind::kUnavailable, "the upstream sent another content");
  } catch (const std::exception& e) {
    failure =
        cat("blob ", digest.text(), " of ", name, " does not come from the upstream: ", std::string_view(e.what()));
    log::warn(failure);
    uploads_.cancel(name, upload);
  }
  {
    std::scoped_lock lock(mutex_);
    downloads_.erase(key);
  }
  download.end(std::move(failure));
}

}  // namespace hull::registry_server
