// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "http/message.h"
#include "http/query.h"
#include "registry_server/path.h"
#include "registry_server/service.h"

namespace hull::registry_server {

// One request on its way: all that a handler gets.
struct Call {
  Service& service;
  http::Request& request;
  http::Response& response;
  http::Query query;
  const std::string& name;       // a valid repository name, where the path has one
  const std::string& reference;  // as the client sent it

  void header(std::string_view key, std::string value) { response.headers.emplace_back(key, std::move(value)); }
  bool is_head() const { return request.method == "HEAD"; }
  Digest digest() const;  // of the path. Throws Refusal (DIGEST_INVALID)
};

// Handlers, by what they work on. All throw Refusal for what is answered with an error.
void check_api(Call& call);
void list_repositories(Call& call);
void list_tags(Call& call);
void list_referrers(Call& call);
void read_manifest_of(Call& call);
void write_manifest(Call& call);
void remove_manifest(Call& call);
void read_blob(Call& call);
void remove_blob(Call& call);
void begin_upload(Call& call);
void append_to_upload(Call& call);
void finish_upload(Call& call);
void show_upload(Call& call);
void cancel_upload(Call& call);

// Pieces that several of them need.
std::string blob_location(const std::string& name, const Digest& digest);
// Whether If-None-Match names this digest: the client has it.
bool is_known_to_client(const Call& call, const Digest& digest);

}  // namespace hull::registry_server
