// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/version.h"
#include "base/clock.h"
#include "container/engine.h"
#include "http/message.h"
#include "http/query.h"
#include "settings/published.h"

namespace hull::build {
class Builder;
}

namespace hull::api {

using http::Headers, http::Hijacked, http::Query, http::Request, http::Response;

// What `GET /version` and `GET /info` tell about this engine and nothing else knows.
struct About {
  std::string version = "0.1.0";  // of hull
  std::string id;                 // stable as long as the data root
  std::string shim_program, runtime_program, init_program;
  const settings::Published* settings = nullptr;
  Timestamp started;
};

// One request on its way: all that a handler gets.
struct Call {
  container::Engine& engine;
  build::Builder& builder;
  const About& about;
  Request& request;
  Response& response;
  Version version;
  Query query;
  std::vector<std::pair<std::string, std::string>> parameters;  // of the path

  const std::string& parameter(std::string_view name) const;
  container::Services& services() const { return engine.services(); }
  std::shared_ptr<const settings::Settings> settings() const { return about.settings->get(); }
  Version oldest() const;  // that this engine is configured to speak
  bool since(int minor) const { return version >= Version{1, minor}; }

  void send_empty(int status) { response.send(status, "", ""); }
};

// Media types that clients compare byte by byte.
inline constexpr std::string_view kJson = "application/json";
inline constexpr std::string_view kRawStream = "application/vnd.docker.raw-stream";
inline constexpr std::string_view kMultiplexedStream = "application/vnd.docker.multiplexed-stream";
// That of attach, logs and exec: with a terminal there are no frames, and old clients do not know the second name.
std::string_view stream_type(const Call& call, bool tty);

}  // namespace hull::api
