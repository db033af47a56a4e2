// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/unique_fd.h"
#include "registry_server/layout.h"

namespace hull::registry_server {

struct OpenFile {
  UniqueFd fd;
  std::uint64_t size = 0;
};

// The blobs of all repositories. Any thread, any process. All throw errno for what the disk refuses.
class Blobs {
 public:
  explicit Blobs(const Layout& layout) : layout_(layout) {}

  std::optional<OpenFile> open(const std::string& name, const Digest& digest) const;
  bool exists(const std::string& name, const Digest& digest) const;

  // The same as exists(), for somebody who is about to rely on it: from now on the blob counts as being pushed, and
  // garbage collection leaves it alone for its time of grace.
  bool claim(const std::string& name, const Digest& digest) const;

  // Makes `file`, which is complete, verified and on the disk, the blob `digest` of the repository; `file` is gone
  // afterwards. A blob that is there already stays as it is.
  void adopt(const std::string& name, const Digest& digest, const std::string& file) const;

  // Gives the repository a blob that `from` (or, when that is empty, any repository) has. False when it has not.
  bool mount(const std::string& name, const Digest& digest, const std::optional<std::string>& from) const;

  // False when the repository has no such blob. Space is given back with the last repository's.
  bool remove(const std::string& name, const Digest& digest) const;
  // For the collector, which holds the lock.
  void unlink(const std::string& name, const Digest& digest) const;

 private:
  bool link(const std::string& from, const std::string& to) const;

  const Layout& layout_;
};

}  // namespace hull::registry_server
