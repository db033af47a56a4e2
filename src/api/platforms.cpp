// SPDX-License-Identifier: Apache-2.0
#include "api/platforms.h"

#include "base/error.h"
#include "oci/json.h"

namespace hull::api {

oci::Platform platform_of(std::string_view text) {
  return text.starts_with('{') ? from_json<oci::Platform>(parse_json(text)) : oci::parse_platform(text);
}

std::vector<oci::Platform> archive_platforms(const Call& call) {
  auto texts = call.query.all("platform");
  if (texts.size() > 1 && !call.since(52))
    fail_invalid("multiple platform parameters are not supported in this API version; use API version 1.52 or later");
  std::vector<oci::Platform> platforms;
  for (const std::string& text : texts) platforms.push_back(platform_of(text));
  return platforms;
}

bool is_for(const oci::ImageConfig& config, const oci::Platform& wanted) {
  return config.os == wanted.os && config.architecture == wanted.architecture &&
         (wanted.variant.empty() || config.variant.empty() || config.variant == wanted.variant);
}

}  // namespace hull::api
