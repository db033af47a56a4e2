// SPDX-License-Identifier: Apache-2.0
#include "api/registry_auth.h"

#include "api/handlers.h"
#include "api/json_reply.h"
#include "base/base64.h"
#include "oci/json.h"

namespace hull::api {

namespace {

std::string text_of(const Json& json, const char* key) {
  auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

registry::Credentials credentials_in(const Json& json) {
  registry::Credentials credentials;
  credentials.username = text_of(json, "username");
  credentials.password = text_of(json, "password");
  credentials.identity_token = text_of(json, "identitytoken");
  credentials.registry_token = text_of(json, "registrytoken");
  // Old clients send what config.json has.
  if (auto both = base64_decoded(text_of(json, "auth")); credentials.username.empty() && both && !both->empty()) {
    auto [name, password] = split_once(*both, ':');
    credentials.username = name;
    credentials.password = password.value_or("");
  }
  return credentials;
}

}  // namespace

registry::Credentials credentials_of(const Call& call) {
  try {
    auto text = base64_decoded(call.request.header("X-Registry-Auth"));
    if (!text || text->empty()) return {};
    return credentials_in(parse_json(*text));
  } catch (const std::exception&) {
    return {};
  }
}

registry::Credentials credentials_of_build(const Call& call, const std::string& domain) {
  try {
    auto text = base64_decoded(call.request.header("X-Registry-Config"));
    if (!text || text->empty()) return {};
    const Json all = parse_json(*text);
    for (const std::string& name : {domain, std::string("https://index.docker.io/v1/")}) {
      auto found = all.find(name);
      if (found != all.end() && (name == domain || domain == "docker.io")) return credentials_in(*found);
    }
  } catch (const std::exception&) {
    // As with X-Registry-Auth.
  }
  return {};
}

registry::Options registry_options(const Call& call) {
  auto settings = call.settings();
  registry::Options options;
  options.mirrors = settings->registry_mirrors;
  options.insecure = settings->insecure_registries;
  options.http_proxy = settings->http_proxy;
  options.https_proxy = settings->https_proxy;
  options.no_proxy = settings->no_proxy;
  options.attempts = settings->max_download_attempts;
  return options;
}

image::TransferOptions transfer_options(const Call& call, int at_once) {
  return {registry_options(call), credentials_of(call), at_once};
}

// POST /auth: docker login asks the registry through us.
void check_login(Call& call) {
  Json body = json_body(call);
  registry::Credentials credentials = credentials_in(body);
  std::string domain = registry::domain_of_server(text_of(body, "serveraddress"));
  std::string token = registry::log_in(domain, registry_options(call), credentials, call.request.hung_up());
  reply(call, 200, {{"Status", "Login Succeeded"}, {"IdentityToken", token}});
}

}  // namespace hull::api
