// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "registry/http.h"

// Who we are to a registry (distribution documentation, "Token Authentication Specification"; RFC 7235).
namespace hull::registry {

// What a client sends in X-Registry-Auth. "" : none.
struct Credentials {
  std::string username, password;
  std::string identity_token;  // of an OAuth server: stands in the place of the password
  std::string registry_token;  // is sent as it is
  bool empty() const { return username.empty() && identity_token.empty() && registry_token.empty(); }
};

// One way of a WWW-Authenticate header.
struct Challenge {
  std::string scheme;                         // lower case: "basic", "bearer"
  std::map<std::string, std::string> values;  // "realm", "service", "scope"; names in lower case
};
std::vector<Challenge> parse_challenges(std::string_view header);

// Finds out what the Authorization header of requests to one registry has to be. Thread-safe.
class Authorizer {
 public:
  explicit Authorizer(Credentials credentials) : credentials_(std::move(credentials)) {}

  // What to send with a request for `scope` ("repository:library/debian:pull") as far as it is known; "" : nothing.
  std::string header(const std::string& scope);
  // The registry answered 401: gets what it asks for. False when nothing helps: it was tried already. Throws
  // Error{kUnauthorized} when there are no credentials or the token server refuses, and TransportError.
  bool answer(const Response& refusal, const std::string& scope, const std::string& tried, Session& session,
              const Route& route, const std::stop_token& stop);
  // The token server's new identity token, when it gave one.
  const std::string& identity_token() const { return new_identity_token_; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Token {
    std::string text;
    Clock::time_point expires;
  };
  Token fetch_token(const Challenge& challenge, const std::string& scope, Session& session, const Route& route,
                    const std::stop_token& stop);
  std::string basic() const;

  Credentials credentials_;
  std::mutex mutex_;  // also held while a token is fetched: several layers want the same one
  bool wants_basic_ = false;
  std::map<std::string, Token> tokens_;  // by scope
  std::string new_identity_token_;
};

}  // namespace hull::registry
