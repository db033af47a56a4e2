// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "registry_server/blobs.h"
#include "registry_server/digester.h"
#include "registry_server/layout.h"

namespace hull::registry_server {

struct UploadState;  // what this process remembers of an upload

// One request's hold on an upload. A later one takes the upload over: then the earlier one's write() fails, so that a
// client whose connection broke unseen need not wait for us to see it. What has been written stays.
class UploadWriter {
 public:
  std::uint64_t size() const;  // bytes so far
  // Throws Error{kCancelled} when another request has taken over, errno when the disk is full.
  void write(std::string_view data);

 private:
  friend class Uploads;
  UploadWriter(std::shared_ptr<UploadState> state, std::uint64_t turn) : state_(std::move(state)), turn_(turn) {}

  std::shared_ptr<UploadState> state_;
  std::uint64_t turn_;
};

// Blobs on their way in. An upload is a file and nothing else: it survives the process, and kill -9. The digest is
// computed while the bytes come; after a restart the part that came before is read again at the end.
class Uploads {
 public:
  Uploads(const Layout& layout, const Blobs& blobs) : layout_(layout), blobs_(blobs) {}

  // A new, empty one. Gives its id.
  std::string begin(const std::string& name);
  // Bytes so far; empty when there is no such upload.
  std::optional<std::uint64_t> size(const std::string& name, const std::string& id) const;
  // Empty when there is no such upload. `algorithm` is that of the digest that is expected at the end.
  std::optional<UploadWriter> open(const std::string& name, const std::string& id, Algorithm algorithm);
  // Makes it a blob. False when the content is another one: the upload is gone then. Throws errno.
  bool finish(const std::string& name, const std::string& id, UploadWriter writer, const Digest& digest);
  // False when there is no such upload.
  bool cancel(const std::string& name, const std::string& id);

 private:
  std::shared_ptr<UploadState> state_of(const std::string& path, Algorithm algorithm);
  void forget(const std::string& path);

  const Layout& layout_;
  const Blobs& blobs_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<UploadState>> states_;  // by path
};

// When an upload was begun: its id (a UUID of version 7) has the time. Nanoseconds since the epoch.
std::int64_t begun_at(std::string_view id);

}  // namespace hull::registry_server
