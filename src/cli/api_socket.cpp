// SPDX-License-Identifier: Apache-2.0
#include "cli/api_socket.h"

#include <algorithm>

#include "base/base64.h"
#include "base/clock.h"
#include "base/text.h"
#include "cli/container_path.h"
#include "cli/credentials.h"
#include "cli/tar.h"

namespace hull::cli {
namespace {

constexpr std::string_view kSocketInside = "/var/run/docker.sock";
constexpr std::string_view kDirectories[] = {"run", "run/secrets", "run/secrets/docker"};
constexpr std::string_view kVariable = "DOCKER_CONFIG";

Value logins() {
  Value auths = Value::empty_map();
  for (const std::string& server : known_servers()) {
    auto login = find_login(server);
    if (!login) continue;
    Value entry = Value::Map{{"auth", base64(cat(login->username, ":", login->password))}};
    if (!login->identity_token.empty()) entry.set("identitytoken", login->identity_token);
    auths.set(server, entry);
  }
  return auths;
}

}  // namespace

void add_api_socket(Value& request, const std::string& host) {
  std::string_view path = host;
  if (path.starts_with("unix://")) path.remove_prefix(7);
  if (!path.starts_with('/'))
    fail_invalid("--use-api-socket needs an engine of this machine, reached by a unix socket: ", host, " is none");
  Value environment = request["Env"];
  auto is_set = [](const Value& variable) { return variable.text().starts_with(cat(kVariable, "=")); };
  if (!environment.is_list() || std::ranges::none_of(environment.list(), is_set))
    environment.push(cat(kVariable, "=/", kDirectories[2]));
  request.set("Env", environment);
  Value host_config = request["HostConfig"], mounts = host_config["Mounts"];
  mounts.push(Value::Map{{"Type", "bind"}, {"Source", std::string(path)}, {"Target", std::string(kSocketInside)}});
  host_config.set("Mounts", mounts);
  request.set("HostConfig", host_config);
}

void put_logins(Client& client, const std::string& id) {
  const std::string text = to_json(Value::Map{{"auths", logins()}});
  Query query;
  query.add("path", "/");
  client.upload_with("PUT", container_path(id, "/archive", query.text()), "application/x-tar",
                     [&](const Client::Send& send) {
                       TarOutput tar(send);
                       TarEntry entry;
                       entry.modified = now().nanoseconds / 1'000'000'000;
                       entry.type = '5';
                       entry.mode = 0755;
                       for (std::string_view directory : kDirectories) {
                         entry.name = directory;
                         tar.add(entry);
                       }
                       entry.name = cat(kDirectories[2], "/config.json");
                       entry.type = '0';
                       entry.mode = 0600;
                       entry.size = static_cast<std::int64_t>(text.size());
                       tar.add(entry);
                       tar.content(text);
                       tar.end_content();
                       tar.finish();
                     });
}

}  // namespace hull::cli
