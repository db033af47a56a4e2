// SPDX-License-Identifier: Apache-2.0
#include "api/listen.h"

#include <grp.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "linux/server_socket.h"
#include "linux/stream_io.h"

namespace hull::api {

namespace {

constexpr int kFirstPassed = 3;  // SD_LISTEN_FDS_START
constexpr std::uint16_t kPort = 2375, kTlsPort = 2376;

// In /etc/group. getgrnam(3) asks there too, and loads all of the machine's name services for it (with Debian's
// nss-systemd a third of a MiB that stays): it is for groups that somebody named.
std::optional<gid_t> local_group(std::string_view wanted) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen("/etc/group", "re"), std::fclose);
  if (!file) return std::nullopt;
  while (const group* entry = ::fgetgrent(file.get()))
    if (entry->gr_name == wanted) return entry->gr_gid;
  return std::nullopt;
}

std::optional<gid_t> group_id(const std::string& wanted) {
  if (wanted.empty()) {
    for (const char* name : kDefaultGroups)
      if (auto found = local_group(name)) return found;
    return std::nullopt;
  }
  if (auto found = local_group(wanted)) return found;
  if (const group* found = ::getgrnam(wanted.c_str())) return found->gr_gid;
  if (auto number = parse_number<gid_t>(wanted)) return number;
  fail_invalid("the group ", hull::quoted(wanted), " of the unix sockets does not exist: name another with --group");
}

Listener listen_unix_path(const std::string& path, const ListenOptions& options) {
  if (!path.starts_with('/')) fail_invalid("the socket path ", hull::quoted(path), " is not absolute");
  make_directories(std::filesystem::path(path).parent_path());
  return {linux::listen_at_path(path, 0660, group_id(options.group))};
}

Listener listen_tcp_address(std::string_view address, const ListenOptions& options) {
  if (auto slash = address.find('/'); slash != address.npos) address = address.substr(0, slash);
  auto colon = address.rfind(':');
  bool has_port = colon != address.npos && address.find(']', colon) == address.npos;
  std::string host(address.substr(0, has_port ? colon : address.npos));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) host = "127.0.0.1";
  std::uint16_t port = options.tls ? kTlsPort : kPort;
  if (has_port) {
    auto number = parse_number<std::uint16_t>(address.substr(colon + 1));
    if (!number) fail_invalid("invalid port in tcp://", address);
    port = *number;
  }
  if (!options.tls && options.warn_plain_tcp)
    log::warn("tcp://", address, ": the API is open without TLS: whoever can connect is root on this machine. Use ",
              "--tlsverify, or a unix socket over SSH");
  return {linux::listen_tcp(host, port), options.tls};
}

int passed_count() {
  const char* pid = ::getenv("LISTEN_PID");
  const char* count = ::getenv("LISTEN_FDS");
  auto number = parse_number<int>(count ? count : "");
  if (!pid || parse_number<pid_t>(pid) != ::getpid() || !number || *number < 1)
    fail_invalid("--host fd:// needs sockets from systemd (LISTEN_PID and LISTEN_FDS are not for this process)");
  return *number;
}

// "fd://": all; "fd://3" and "fd://docker.socket": that one.
std::vector<Listener> passed_sockets(std::string_view wanted, const ListenOptions& options) {
  int count = passed_count();
  const char* variable = ::getenv("LISTEN_FDNAMES");
  auto names = split(variable ? variable : "", ':');
  std::vector<Listener> listeners;
  for (int i = 0; i < count; ++i) {
    int fd = kFirstPassed + i;
    std::string_view name = static_cast<std::size_t>(i) < names.size() ? names[static_cast<std::size_t>(i)] : "";
    if (!wanted.empty() && wanted != "*" && wanted != name && parse_number<int>(wanted) != fd) continue;
    if (!linux::is_listener(fd)) fail_invalid("descriptor ", fd, " of systemd is no listening socket");
    Listener listener{linux::duplicate_of(fd)};  // another --host may name it too
    linux::set_nonblocking(listener.socket.get());
    listener.tls = options.tls && linux::is_internet_socket(listener.socket.get());
    listeners.push_back(std::move(listener));
  }
  if (listeners.empty()) fail_invalid("--host fd://", wanted, ": systemd passed no such socket");
  return listeners;
}

template <class... Items>
std::vector<Listener> list_of(Items... items) {
  std::vector<Listener> list;
  (list.push_back(std::move(items)), ...);
  return list;
}

}  // namespace

std::vector<Listener> listen_at(const std::string& host, const ListenOptions& options) {
  std::string_view rest = std::string_view(host).substr(std::min(host.size(), host.find("://") + 3));
  if (host.starts_with("unix://")) return list_of(listen_unix_path(std::string(rest), options));
  if (host.starts_with("tcp://")) return list_of(listen_tcp_address(rest, options));
  if (host.starts_with("fd://")) return passed_sockets(rest, options);
  if (host.starts_with('/')) return list_of(listen_unix_path(host, options));
  fail_invalid("invalid host ", hull::quoted(host), ": use unix:///path, tcp://host:port or fd://");
}

void forget_passed_sockets() {
  const char* pid = ::getenv("LISTEN_PID");
  if (!pid || parse_number<pid_t>(pid) != ::getpid()) return;
  for (int i = 0, count = passed_count(); i < count; ++i) UniqueFd(kFirstPassed + i).reset();
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
}

}  // namespace hull::api
