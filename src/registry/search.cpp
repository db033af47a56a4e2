// SPDX-License-Identifier: Apache-2.0
#include "registry/search.h"

#include "oci/json.h"
#include "registry/connection.h"

namespace hull::registry {

namespace {

constexpr const char* kHubIndex = "https://index.docker.io";

std::vector<Found> results_in(const std::string& body) {
  std::vector<Found> found;
  Json json = parse_json(body);
  auto results = json.find("results");
  if (results == json.end() || !results->is_array()) return found;
  for (const Json& one : *results) {
    Found entry;
    entry.name = one.value("name", "");
    if (auto text = one.find("description"); text != one.end() && text->is_string()) entry.description = *text;
    entry.stars = one.value("star_count", std::int64_t{0});
    entry.official = one.value("is_official", false);
    entry.automated = one.value("is_automated", false);
    found.push_back(std::move(entry));
  }
  return found;
}

}  // namespace

std::vector<Found> search(const std::string& domain, const std::string& term, int limit, const Options& options,
                          const Credentials& credentials, const std::stop_token& stop) {
  auto endpoints = endpoints_of(domain, options, true);
  if (domain == "docker.io")
    for (Endpoint& endpoint : endpoints) endpoint.url = kHubIndex;
  for (std::size_t at = 0;; ++at) {
    Connection connection(endpoints[at], credentials);
    Request request;
    request.url = cat("/v1/search?q=", percent_encoded(term), "&n=", limit);
    try {
      Response response = connection.perform(request, "", stop);
      if (!response.ok()) refuse(response, cat("searching ", domain));
      return results_in(response.body);
    } catch (const TransportError&) {
      if (at + 1 == endpoints.size()) throw;
    }
  }
}

}  // namespace hull::registry
