// SPDX-License-Identifier: Apache-2.0
#include "cli/endpoint.h"

#include <spawn.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "cli/connection.h"
#include "cli/context_store.h"

namespace hull::cli {
namespace {

constexpr std::string_view kSsh = "ssh://", kTcp = "tcp://";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// Runs `arguments` (found in PATH) with one end of a socket pair as its standard input and output, in a session of its
// own: the interrupt key is for the command, not for its connection.
UniqueFd connect_through(const std::vector<std::string>& arguments) {
  int ends[2];
  check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "socketpair");
  UniqueFd near(ends[0]), far(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, far.get(), 0);
  posix_spawn_file_actions_adddup2(&actions, far.get(), 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t all, none;
  ::sigfillset(&all);
  ::sigemptyset(&none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  std::vector<char*> words;
  for (const std::string& word : arguments) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  pid_t pid = -1;
  int code = ::posix_spawnp(&pid, words[0], &actions, &attributes, words.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (code) fail(Kind::kUnavailable, "cannot run ", arguments[0], ": ", errno_text(code));
  return near;
}

struct Address {
  std::string user, host, port, path;
};

// "[user@]host[:port][/path]"; the host may be "[::1]".
Address parse_address(std::string_view text, std::string_view whole) {
  Address address;
  if (auto slash = text.find('/'); slash != text.npos) {
    address.path = text.substr(slash);
    text = text.substr(0, slash);
  }
  if (auto at = text.rfind('@'); at != text.npos) {
    address.user = text.substr(0, at);
    text = text.substr(at + 1);
  }
  auto colon = text.rfind(':');
  if (colon != text.npos && text.find(']', colon) == text.npos) {
    address.port = text.substr(colon + 1);
    text = text.substr(0, colon);
  }
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  address.host = text;
  bool port_fits = address.port.empty() || parse_number<std::uint16_t>(address.port);
  // A host that begins with a dash would be an option of ssh.
  if (!port_fits || address.host.starts_with('-') || address.user.starts_with('-'))
    fail_invalid("unable to parse docker host `", whole, "`");
  return address;
}

UniqueFd connect_ssh(const Endpoint& endpoint) {
  Address to = parse_address(std::string_view(endpoint.host).substr(kSsh.size()), endpoint.host);
  if (to.host.empty()) fail_invalid("unable to parse docker host `", endpoint.host, "`: no host");
  if (to.user.find(':') != std::string::npos)
    fail_invalid("unable to parse docker host `", endpoint.host, "`: plain-text password is not supported");
  std::vector<std::string> arguments{"ssh", "-o", "ConnectTimeout=30", "-T"};
  if (!to.user.empty()) arguments.insert(arguments.end(), {"-l", to.user});
  if (!to.port.empty()) arguments.insert(arguments.end(), {"-p", to.port});
  arguments.insert(arguments.end(), {"--", to.host, "hull"});
  if (to.path.size() > 1) arguments.insert(arguments.end(), {"--host", "unix://" + to.path});
  arguments.insert(arguments.end(), {"system", "dial-stdio"});
  return connect_through(arguments);
}

UniqueFd connect_dialed(const Endpoint& endpoint) {
  Address to = parse_address(std::string_view(endpoint.host).substr(kTcp.size()), endpoint.host);
  std::string program = program_beside("hull-dial");
  if (program.empty())
    fail(Kind::kUnavailable, "the program hull-dial, which connects with TLS and by host names, is not installed");
  std::vector<std::string> arguments{program};
  if (endpoint.tls) arguments.emplace_back("--tls");
  if (endpoint.verify) arguments.emplace_back("--verify");
  for (const auto& [flag, file] :
       {std::pair{"--ca", &endpoint.authority}, {"--cert", &endpoint.certificate}, {"--key", &endpoint.key}})
    if (!file->empty()) arguments.insert(arguments.end(), {flag, *file});
  arguments.push_back(to.host.empty() ? "127.0.0.1" : to.host);
  arguments.push_back(to.port.empty() ? (endpoint.tls ? "2376" : "2375") : to.port);
  return connect_through(arguments);
}

}  // namespace

std::string program_beside(const char* name) {
  char self[4096];
  ssize_t size = ::readlink("/proc/self/exe", self, sizeof self);
  if (size > 0) {
    std::string path(self, static_cast<std::size_t>(size));
    path.replace(path.rfind('/') + 1, std::string::npos, name);
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  const std::string search = environment("PATH");
  for (std::string_view folder : split(search, ':')) {
    std::string path = cat(folder, "/", std::string_view(name));
    if (!folder.empty() && ::access(path.c_str(), X_OK) == 0) return path;
  }
  return {};
}

std::string default_host() { return "unix:///run/hull/hull.sock"; }

namespace {

Endpoint endpoint_of(const std::string& name) {
  Endpoint endpoint;
  try {
    Context context = find_context(name);
    endpoint.host = context.host().empty() ? default_host() : context.host();
    endpoint.verify = !context.endpoints[kDockerEndpoint]["SkipTLSVerify"].boolean();
  } catch (const Error& e) {
    fail_invalid("Failed to initialize: unable to resolve docker endpoint: ", e.message(),
                 "\n\n'hull context ls' lists the contexts that there are");
  }
  std::string directory = cat(context_tls_directory(name), "/", kDockerEndpoint, "/");
  for (auto [file, path] :
       {std::pair{"ca.pem", &endpoint.authority}, {"cert.pem", &endpoint.certificate}, {"key.pem", &endpoint.key}})
    if (::access((directory + file).c_str(), R_OK) == 0) *path = directory + file;
  bool has_files = !endpoint.authority.empty() || !endpoint.certificate.empty();
  endpoint.tls = endpoint.host.starts_with(kTcp) && (has_files || !endpoint.verify);
  endpoint.verify = endpoint.verify && endpoint.tls;
  return endpoint;
}

}  // namespace

Endpoint complete(Endpoint given) {
  if (given.host.empty())
    if (std::string name = current_context(given.context); name != kDefaultContext) return endpoint_of(name);
  for (const char* name : {"DOCKER_HOST", "HULL_HOST"})
    if (given.host.empty()) given.host = environment(name);
  if (!environment("DOCKER_TLS_VERIFY").empty()) given.verify = true;
  if (given.verify || !environment("DOCKER_TLS").empty()) given.tls = true;
  if (!given.tls) return given;
  std::string directory = environment("DOCKER_CERT_PATH");
  if (directory.empty()) directory = environment("HOME") + "/.docker";
  auto use = [&](std::string& file, const char* name) {
    std::string path = cat(directory, "/", std::string_view(name));
    if (file.empty() && ::access(path.c_str(), R_OK) == 0) file = path;
  };
  use(given.authority, "ca.pem");
  use(given.certificate, "cert.pem");
  use(given.key, "key.pem");
  return given;
}

UniqueFd connect_to(const Endpoint& endpoint) {
  if (endpoint.host.starts_with(kSsh)) return connect_ssh(endpoint);
  if (endpoint.host.starts_with(kTcp) && (endpoint.tls || !is_plain_address(endpoint.host)))
    return connect_dialed(endpoint);
  return connect_to(endpoint.host);
}

}  // namespace hull::cli
