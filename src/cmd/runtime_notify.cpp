// SPDX-License-Identifier: Apache-2.0
#include "runtime_notify.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>

#include "base/file.h"
#include "linux/notify.h"

namespace hull::runtime_cli {

namespace {

constexpr const char* kVariable = "NOTIFY_SOCKET";
constexpr const char* kPlace = "/notify";  // in the container's directory
constexpr const char* kName = "notify.sock";
constexpr const char* kPlaceInside = "/run/notify";

bool somebody_asks() {
  const char* socket = std::getenv(kVariable);
  return socket && *socket;
}

bool makes_mounts(const oci::RuntimeConfig& config) {
  return std::ranges::any_of(config.linux.namespaces,
                             [](const auto& one) { return one.type == "mount" && one.path.empty(); });
}

}  // namespace

bool readiness_is_asked_for(const oci::RuntimeConfig& config) { return somebody_asks() && makes_mounts(config); }

void offer_readiness(const std::string& directory, oci::RuntimeConfig& config) {
  std::string place = directory + kPlace;
  check(::mkdir(place.c_str(), 0755), "mkdir", place);
  oci::Mount mount;
  mount.destination = kPlaceInside;
  mount.type = "bind";
  mount.source = place;
  mount.options = {"bind", "nosuid", "noexec", "nodev", "ro"};
  config.mounts.push_back(std::move(mount));
  auto& env = config.process->env;
  std::erase_if(env, [](const std::string& one) { return one.starts_with(cat(kVariable, "=")); });
  env.push_back(cat(kVariable, "=", kPlaceInside, "/", kName));
}

std::optional<linux::ReadinessSocket> listen_for_readiness(const std::string& directory) {
  std::string place = directory + kPlace;
  if (!somebody_asks() || !exists(place)) return std::nullopt;
  return linux::ReadinessSocket(place, kName);
}

void pass_on_readiness(pid_t main_process) {
  linux::notify_manager("READY=1");
  linux::notify_manager(cat("MAINPID=", main_process));
  linux::await_manager();
}

}  // namespace hull::runtime_cli
