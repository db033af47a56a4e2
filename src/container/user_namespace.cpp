// SPDX-License-Identifier: Apache-2.0
#include "container/user_namespace.h"

#include "base/file.h"
#include "container/user_ranges.h"
#include "linux/namespaces.h"

namespace hull::container {

namespace {

constexpr std::string_view kContainer = "container:";

// The first id of the host in a map of the kernel's ("0 1879048192 65536"); nothing for the host's own.
UserRange range_of(pid_t pid) {
  auto numbers = [pid](const char* file) {
    std::vector<std::uint32_t> found;
    std::string text = read_if_exists(cat("/proc/", pid, "/", file)).value_or("");
    for (std::string_view word : split(trim(text), ' '))
      if (auto number = parse_number<std::uint32_t>(word)) found.push_back(*number);
    return found;
  };
  auto uids = numbers("uid_map"), gids = numbers("gid_map");
  if (uids.size() != 3 || gids.size() != 3 || uids[1] == 0) return {};
  return {uids[1], gids[1], uids[2]};
}

PreparedUsers join_users(Engine::Impl& engine, std::string_view name) {
  auto target = engine.registry.get(name)->state();
  require_running(*target);
  PreparedUsers prepared;
  prepared.range = range_of(target->pid);
  if (prepared.range.size == 0)
    fail(Kind::kConflict, "cannot join a namespace of container ", target->id,
         " with a user namespace: that container has the host's");
  prepared.users = open_file(cat("/proc/", target->pid, "/ns/user"), O_RDONLY);
  prepared.network = linux::make_network_namespace_of(prepared.users.get());
  return prepared;
}

}  // namespace

bool has_user_range(const HostConfig& host) { return host.userns_mode == "private" || host.userns_mode == "auto"; }

bool has_user_namespace(const HostConfig& host, const Configuration& configuration) {
  return has_user_range(host) || (host.userns_mode.empty() && configuration.remapped.size > 0);
}

std::optional<linux::IdMap> PreparedUsers::id_map() const {
  if (!users) return std::nullopt;
  return linux::IdMap{users.get(), range.uid, range.gid};
}

PreparedUsers prepare_users(Engine::Impl& engine, const State& state) {
  const HostConfig& host = state.spec->host;
  if (!has_user_namespace(host, engine.configuration)) return {};
  for (const std::string* mode : {&host.pid_mode, &host.ipc_mode, &host.network_mode})
    if (mode->starts_with(kContainer)) return join_users(engine, std::string_view(*mode).substr(kContainer.size()));
  PreparedUsers prepared;
  prepared.range = has_user_range(host) ? state.user_range : engine.configuration.remapped;
  auto made = linux::make_user_namespace_with_network(uid_mappings(prepared.range), gid_mappings(prepared.range));
  prepared.users = std::move(made.users);
  prepared.network = std::move(made.network);
  return prepared;
}

}  // namespace hull::container
