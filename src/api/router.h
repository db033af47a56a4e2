// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/call.h"

namespace hull::api {

class Metrics;

// A line of the table of routes. "{name}" stands for one component of the path, "{name*}" for one or more (images have
// slashes in their names).
struct Route {
  std::string_view method, pattern;
  void (*handle)(Call&);
  std::string_view action = {};  // under which its time counts in the metrics; "": not at all
};

using Parameters = std::vector<std::pair<std::string, std::string>>;
// The parameters when `path` fits `pattern`.
std::optional<Parameters> match_path(std::string_view pattern, std::string_view path);

// "/v1.41/containers/json" to 1.41 and the rest. No version: empty, and the path as it is.
std::pair<std::optional<Version>, std::string_view> split_version(std::string_view path);

// Finds the handler of a request, and answers every error that it throws.
class Router {
 public:
  Router(container::Engine& engine, build::Builder& builder, About about, std::vector<Route> routes,
         Metrics* metrics = nullptr)
      : engine_(engine), builder_(builder), about_(std::move(about)), routes_(std::move(routes)), metrics_(metrics) {}

  void operator()(Request& request, Response& response) const;

 private:
  void dispatch(Request& request, Response& response) const;

  container::Engine& engine_;
  build::Builder& builder_;
  About about_;
  std::vector<Route> routes_;
  Metrics* metrics_;
};

// Every endpoint.
std::vector<Route> all_routes();

}  // namespace hull::api
