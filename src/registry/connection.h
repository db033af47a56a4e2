// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "registry/authorizer.h"
#include "registry/hosts.h"

namespace hull::registry {

// One registry at one of its addresses: sessions that are used again, and who we are there. Thread-safe.
class Connection {
 public:
  Connection(Endpoint endpoint, Credentials credentials)
      : endpoint_(std::move(endpoint)), authorizer_(std::move(credentials)) {}

  const Endpoint& endpoint() const { return endpoint_; }
  Authorizer& authorizer() { return authorizer_; }
  // Somebody was there once: when nobody is now, he may come back.
  bool answered() const { return answered_; }

  // One exchange; request.url is a path ("/v2/…"), or a whole URL. Logs in when the registry asks for it.
  Response perform(Request request, const std::string& scope, const std::stop_token& stop);

 private:
  Endpoint endpoint_;
  Authorizer authorizer_;
  std::atomic<bool> answered_ = false;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Session>> idle_;
};

// Whether to try again what got this answer: 408, 429, 5xx.
bool is_temporary(int status);
// Waits before try number `failures` + 1: as long as the answer asks for (Retry-After), else longer each time. Throws
// Error{kCancelled}.
void wait_before_retry(int failures, const Response* response, const std::stop_token& stop);
// The errors in the body of a refusal, "manifest unknown: manifest unknown"; "" when there are none.
std::string errors_of(const Response& response);
// What a refusal says: "manifest unknown: manifest unknown" of the errors in its body, else its status.
std::string reason_of(const Response& response);
// Throws the Error of an answer that is no success.
[[noreturn]] void refuse(const Response& response, std::string_view what);

}  // namespace hull::registry
