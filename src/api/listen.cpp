// SPDX-License-Identifier: Apache-2.0
#include "api/listen.h"

#include <grp.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "linux/server_socket.h"

namespace hull::api {

namespace {

constexpr int kFirstPassed = 3;  // SD_LISTEN_FDS_START
constexpr std::uint16_t kDefaultPort = 2375;

std::optional<gid_t> group_id(const std::vector<std::string>& names) {
  for (const auto& name : names)
    if (const group* found = ::getgrnam(name.c_str())) return found->gr_gid;
  return std::nullopt;
}

std::vector<UniqueFd> listen_unix_path(const std::string& path, const std::vector<std::string>& groups) {
  if (!path.starts_with('/')) fail_invalid("the socket path ", hull::quoted(path), " is not absolute");
  make_directories(std::filesystem::path(path).parent_path());
  std::vector<UniqueFd> listeners;
  listeners.push_back(linux::listen_at_path(path, 0660, group_id(groups)));
  return listeners;
}

std::vector<UniqueFd> listen_tcp_address(std::string_view address) {
  if (auto slash = address.find('/'); slash != address.npos) address = address.substr(0, slash);
  auto colon = address.rfind(':');
  bool has_port = colon != address.npos && address.find(']', colon) == address.npos;
  std::string host(address.substr(0, has_port ? colon : address.npos));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  std::uint16_t port = kDefaultPort;
  if (has_port) {
    auto number = parse_number<std::uint16_t>(address.substr(colon + 1));
    if (!number) fail_invalid("invalid port in tcp://", address);
    port = *number;
  }
  std::vector<UniqueFd> listeners;
  listeners.push_back(linux::listen_tcp(host.empty() ? "127.0.0.1" : host, port));
  return listeners;
}

std::vector<UniqueFd> passed_sockets() {
  const char* pid = ::getenv("LISTEN_PID");
  const char* count = ::getenv("LISTEN_FDS");
  auto number = parse_number<int>(count ? count : "");
  if (!pid || parse_number<pid_t>(pid) != ::getpid() || !number || *number < 1)
    fail_invalid("--host fd:// needs sockets from systemd (LISTEN_PID and LISTEN_FDS are not for this process)");
  std::vector<UniqueFd> listeners;
  for (int i = 0; i < *number; ++i) {
    UniqueFd fd(kFirstPassed + i);
    if (!linux::is_listener(fd.get())) fail_invalid("descriptor ", fd.get(), " of systemd is no listening socket");
    listeners.push_back(fd.duplicate());  // close-on-exec
  }
  // Programs that the engine runs are not meant.
  ::unsetenv("LISTEN_PID");
  ::unsetenv("LISTEN_FDS");
  ::unsetenv("LISTEN_FDNAMES");
  return listeners;
}

}  // namespace

std::vector<UniqueFd> listen_at(const std::string& host, const std::vector<std::string>& groups) {
  if (host.starts_with("unix://")) return listen_unix_path(host.substr(7), groups);
  if (host.starts_with("tcp://")) return listen_tcp_address(std::string_view(host).substr(6));
  if (host.starts_with("fd://")) return passed_sockets();
  if (host.starts_with('/')) return listen_unix_path(host, groups);
  fail_invalid("invalid host ", hull::quoted(host), ": use unix:///path, tcp://host:port or fd://");
}

}  // namespace hull::api
