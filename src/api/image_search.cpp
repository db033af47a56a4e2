// SPDX-License-Identifier: Apache-2.0
#include "api/filters.h"
#include "api/handlers.h"
#include "api/json_reply.h"
#include "api/registry_auth.h"
#include "oci/json.h"
#include "oci/reference.h"
#include "registry/search.h"

// GET /images/search.
namespace hull::api {

namespace {
constexpr std::int64_t kMost = 100, kUsual = 25;
}

void search_images(Call& call) {
  std::string term = call.query.get("term");
  if (term.empty()) fail_invalid("no term to search for was given");
  std::int64_t limit = call.query.integer("limit").value_or(kUsual);
  if (limit == 0) limit = kUsual;
  if (limit < 1 || limit > kMost) fail_invalid("limit ", limit, " is outside the range of [1, ", kMost, "]");
  Filters filters(call.query, {"is-automated", "is-official", "stars"});
  auto official = filters.flag("is-official"), automated = filters.flag("is-automated");
  std::int64_t stars = 0;
  for (const std::string& text : filters.values("stars")) {
    auto number = parse_number<std::int64_t>(text);
    if (!number) fail_invalid("invalid filter 'stars=", text, "'");
    stars = std::max(stars, *number);
  }
  // "host:5000/term" is searched there.
  std::string domain = "docker.io";
  auto [first, rest] = split_once(term, '/');
  if (rest && (first.find_first_of(".:") != first.npos || first == "localhost")) {
    domain = first;
    term = std::string(*rest);
  }
  Json out = Json::array();
  for (const auto& found : registry::search(domain, term, static_cast<int>(limit), registry_options(call),
                                            credentials_of(call), call.request.hung_up())) {
    if ((official && *official != found.official) || (automated && *automated != found.automated) ||
        found.stars < stars)
      continue;
    out.push_back({{"star_count", found.stars},
                   {"is_official", found.official},
                   {"name", domain == "docker.io" ? found.name : cat(domain, "/", found.name)},
                   {"is_automated", found.automated},
                   {"description", found.description}});
  }
  reply(call, 200, out);
}

}  // namespace hull::api
