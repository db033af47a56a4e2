// SPDX-License-Identifier: Apache-2.0
#include "cli/credentials.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include "base/base64.h"
#include "base/process.h"
#include "cli/config_file.h"
#include "cli/output.h"

namespace hull::cli {
namespace {

constexpr std::string_view kHubServer = "https://index.docker.io/v1/";
constexpr std::string_view kTokenUser = "<token>";  // a helper's name of the user when the secret is an identity token

Value without(const Value& map, std::string_view name) {
  Value::Map rest;
  for (const auto& entry : map.map())
    if (entry.first != name) rest.push_back(entry);
  return rest;
}

// "https://host:5000/v2/" and "host:5000" are the same registry to every client.
std::string_view host_of(std::string_view key) {
  if (auto scheme = key.find("://"); scheme != key.npos) key.remove_prefix(scheme + 3);
  return key.substr(0, key.find('/'));
}

// The helper that keeps the login of a server; "" : config.json itself.
std::string helper_of(const Value& config, const std::string& server) {
  for (const auto& [name, helper] : config["credHelpers"].map())
    if (name == server || name == host_of(server)) return helper.text();
  return config["credsStore"].text();
}

// The helpers' protocol: a verb, the server's name or JSON on standard input, JSON or an error on standard output.
std::optional<std::string> ask_helper(const std::string& helper, const std::string& verb, const std::string& input) {
  std::string program = "docker-credential-" + helper;
  ProcessOutput result = run_program({program, verb}, input);
  if (result.exit_code == 0) return result.output;
  std::string said(trim(result.output.empty() ? result.errors : result.output));
  if (said.find("credentials not found") != std::string::npos) return std::nullopt;
  fail(Kind::kInternal, "error getting credentials - err: exit status ", result.exit_code, ", out: `", said, "`");
}

std::optional<Login> login_of_helper(const std::string& helper, const std::string& server) {
  auto output = ask_helper(helper, "get", server);
  if (!output) return std::nullopt;
  Value found = parse_value(*output);
  Login login{server, found["Username"].text(), found["Secret"].text(), {}};
  if (login.username == kTokenUser) login = {server, {}, {}, login.password};
  return login;
}

}  // namespace

std::string server_key(const std::string& registry) {
  std::string host(host_of(registry));
  bool hub = host.empty() || host == "docker.io" || host == "index.docker.io" || host == "registry-1.docker.io";
  return hub ? std::string(kHubServer) : host;
}

namespace {

// $DOCKER_AUTH_CONFIG: {"auths":{"host":{"auth":"…"}}}, which counts more than the file.
Value environment_auths() {
  const char* text = std::getenv("DOCKER_AUTH_CONFIG");
  if (!text || !*text) return {};
  try {
    return parse_value(text)["auths"];
  } catch (const Error& e) {
    complain(cat("WARNING: failed to read $DOCKER_AUTH_CONFIG, which is left out: ", e.message()));
    return {};
  }
}

std::optional<Login> login_in(const Value& auths, const std::string& server) {
  for (const auto& [key, entry] : auths.map()) {
    if (key != server && host_of(key) != host_of(server)) continue;
    Login login{server, entry["username"].text(), entry["password"].text(), entry["identitytoken"].text()};
    if (auto both = base64_decoded(entry["auth"].text()); both && !both->empty()) {
      auto [name, password] = split_once(*both, ':');
      login.username = name;
      login.password = password.value_or("");
    }
    return login;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Login> find_login(const std::string& server) {
  if (auto login = login_in(environment_auths(), server)) return login;
  const Value config = read_config();
  if (std::string helper = helper_of(config, server); !helper.empty()) return login_of_helper(helper, server);
  return login_in(config["auths"], server);
}

std::vector<std::string> known_servers() {
  const Value config = read_config();
  std::set<std::string> servers;
  for (const char* part : {"auths", "credHelpers"})
    for (const auto& [server, entry] : config[part].map()) servers.insert(server_key(server));
  if (std::string helper = config["credsStore"].text(); !helper.empty())
    if (auto listed = ask_helper(helper, "list", "")) {
      const Value logins = parse_value(*listed);
      for (const auto& [server, user] : logins.map()) servers.insert(server_key(server));
    }
  return {servers.begin(), servers.end()};
}

Stored store_login(const Login& login) {
  Value config = read_config();
  std::string helper = helper_of(config, login.server);
  Value entry = Value::empty_map();
  if (!helper.empty()) {
    bool token = !login.identity_token.empty();
    ask_helper(helper, "store",
               to_json(Value::Map{{"ServerURL", login.server},
                                  {"Username", token ? std::string(kTokenUser) : login.username},
                                  {"Secret", token ? login.identity_token : login.password}}));
  } else {
    entry.set("auth", base64(cat(login.username, ":", login.identity_token.empty() ? login.password : "")));
    if (!login.identity_token.empty()) entry.set("identitytoken", login.identity_token);
  }
  // The docker CLI leaves an empty entry for what a helper keeps, and so do we: it says that there is a login.
  Value auths = config["auths"].is_map() ? config["auths"] : Value::empty_map();
  auths.set(login.server, entry);
  config.set("auths", auths);
  write_config(config);
  return {helper.empty() ? config_path() : helper, helper.empty()};
}

bool erase_login(const std::string& server) {
  Value config = read_config();
  bool known = config["auths"].find_exact(server) != nullptr;
  if (std::string helper = helper_of(config, server); !helper.empty())
    known = ask_helper(helper, "erase", server).has_value() || known;
  if (config["auths"].find_exact(server)) {
    config.set("auths", without(config["auths"], server));
    write_config(config);
  }
  return known;
}

namespace {

Value shape(const Login& login) {
  Value out = Value::empty_map();
  out.set("username", login.username);
  out.set("password", login.password);
  if (!login.identity_token.empty()) out.set("identitytoken", login.identity_token);
  out.set("serveraddress", login.server);
  return out;
}

}  // namespace

Headers registry_headers(const std::string& registry) {
  std::string server = server_key(registry);
  auto login = find_login(server);
  Value header = login ? shape(*login) : Value::empty_map();
  return {{"X-Registry-Auth", base64(to_json(header), true)}};
}

Headers all_registry_headers() {
  Value all = Value::empty_map();
  try {
    for (const std::string& server : known_servers())
      if (auto login = find_login(server)) all.set(server, shape(*login));
  } catch (const Error& e) {
    complain(cat("WARNING: ", e.message()));
  }
  if (all.map().empty()) return {};
  return {{"X-Registry-Config", base64(to_json(all), true)}};
}

}  // namespace hull::cli
