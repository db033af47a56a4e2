// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "http/message.h"
#include "registry_server/blobs.h"
#include "registry_server/collector.h"
#include "registry_server/layout.h"
#include "registry_server/manifests.h"
#include "registry_server/mirror.h"
#include "registry_server/passwords.h"
#include "registry_server/uploads.h"

namespace hull::registry_server {

struct Options {
  std::string root;
  bool read_only = false;
  std::string password_file;                // "": everybody may do everything
  std::uint64_t manifest_limit = 4 << 20;   // bytes; the specification asks for at least this
  std::uint64_t blob_limit = 0;             // bytes; 0: none
  std::optional<UpstreamOptions> upstream;  // a pull-through cache of it, to which nobody pushes
  bool quiet = false;                       // no line in the log for each request
};

// A registry in one directory: the things in it, and how requests are answered. Any thread.
class Service {
 public:
  // Makes the directory a registry when it is empty. Throws Error{kInvalidArgument} when it is something else.
  explicit Service(Options options);
  ~Service();

  // Answers one request; throws Error{kCancelled} when the client went away.
  void answer(http::Request& request, http::Response& response);

  const Options options;
  const Layout layout;
  const Blobs blobs;
  const Manifests manifests;
  const Collector collector;
  Uploads uploads;
  std::unique_ptr<Mirror> mirror;  // null: this is a registry, no cache of one

 private:
  void authorize(const http::Request& request, http::Response& response, std::string& user);
  void dispatch(http::Request& request, http::Response& response);

  std::unique_ptr<Passwords> passwords_;
};

}  // namespace hull::registry_server
