// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "linux/background_pool.h"
#include "registry_server/blobs.h"
#include "registry_server/manifests.h"
#include "registry_server/uploads.h"
#include "registry_server/upstream.h"

namespace hull::registry_server {

// A blob on its way from the upstream. Everybody who wants it reads along from the file that it is written to.
class Download {
 public:
  Download(UniqueFd file, std::uint64_t size) : file_(std::move(file)), size_(size) {}

  int file() const { return file_.get(); }
  std::uint64_t size() const { return size_; }
  // Waits until more than the first `offset` bytes are there, and gives their number. The last byte counts only when
  // the digest of the whole is right, so nobody takes a damaged blob for a complete one. Throws Error when it has
  // failed.
  std::uint64_t wait(std::uint64_t offset);

  void advance(std::uint64_t bytes);   // that many more are in the file
  void end(std::string failure = {});  // "": all of it is there, and right

 private:
  UniqueFd file_;
  const std::uint64_t size_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t received_ = 0;
  bool ended_ = false;
  std::string failure_;
};

// A pull-through cache: what the registry does not have comes from the upstream, and stays. Any thread.
class Mirror {
 public:
  Mirror(UpstreamOptions options, const Layout& layout, const Blobs& blobs, const Manifests& manifests,
         Uploads& uploads);
  ~Mirror();  // breaks off what is under way

  // What a tag means now: the upstream knows. When it gives no answer: what it meant when it was asked last.
  std::optional<Digest> resolve(const std::string& name, const std::string& tag);
  // Afterwards the manifest is here, or (false) nowhere.
  bool fetch_manifest(const std::string& name, const Digest& digest);
  std::vector<std::string> tags(const std::string& name);
  std::optional<std::uint64_t> blob_size(const std::string& name, const Digest& digest);
  // Begins to fetch the blob, unless that is under way already. Null when the upstream has none.
  std::shared_ptr<Download> fetch_blob(const std::string& name, const Digest& digest);

 private:
  using Key = std::pair<std::string, Digest>;
  void run(const Key& key, const std::string& upload, Download& download);

  const Layout& layout_;
  const Blobs& blobs_;
  const Manifests& manifests_;
  Uploads& uploads_;
  std::stop_source stop_;
  Upstream upstream_;
  std::mutex mutex_;
  std::map<Key, std::shared_ptr<Download>> downloads_;
  linux::BackgroundPool pool_;
};

}  // namespace hull::registry_server
