// SPDX-License-Identifier: Apache-2.0
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "base/file.h"
#include "base/process.h"
#include "base/unique_fd.h"
#include "cli/command.h"
#include "cli/verbs.h"

// `hull system doctor`: what engines that have crashed, or were removed without being stopped, have left on the
// machine. hull's own leftovers are taken away by the next start of hulld; here are those of others, and of a hulld
// that will not start again. Nothing is touched whose engine, or any part of it, runs.
namespace hull::cli::system {
namespace {

struct Owner {
  std::string_view name;
  std::vector<std::string_view> processes;      // their names in /proc/PID/comm
  std::vector<std::string_view> mounts;         // below these
  std::vector<std::string_view> bridges;        // interfaces; "br-#": and twelve hexadecimal digits
  std::vector<std::string_view> groups;         // control groups, below each hierarchy
  std::vector<std::string_view> sockets, pids;  // files
  std::vector<std::string_view> tables;         // of nftables: "family name"
};

const Owner kOwners[] = {
    {"Docker",
     {"dockerd", "containerd"},
     {"/run/docker/netns", "/var/run/docker/netns", "/var/lib/docker", "/run/containerd", "/var/lib/containerd"},
     {"docker0", "docker_gwbridge", "br-#"},
     {"docker", "system.slice/docker-#.scope"},
     {"/run/docker.sock", "/var/run/docker.sock", "/run/containerd/containerd.sock"},
     {"/run/docker.pid", "/var/run/docker.pid"},
     {"ip docker-bridges", "ip6 docker-bridges"}},
    {"Podman",
     {"podman", "conmon", "netavark"},
     {"/run/containers", "/var/lib/containers/storage"},
     {"podman0", "cni-podman0"},
     {"libpod_parent", "machine.slice/libpod-#.scope"},
     {},
     {},
     {"inet netavark"}},
    {"hull",
     {"hulld", "hull-shim"},
     {"/run/hull", "/var/lib/hull"},
     {"hull0"},
     {"hull"},
     {"/run/hull/hull.sock"},
     {"/run/hull/hulld.pid"},
     {"inet hull", "ip hull", "ip6 hull"}},
};

struct Leftover {
  std::string what, reason;
  std::vector<std::string> command;  // that takes it away
};

bool is_hexadecimal(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// "br-#" fits "br-0123456789ab".
bool fits(std::string_view pattern, std::string_view text) {
  auto mark = pattern.find('#');
  if (mark == pattern.npos) return pattern == text;
  std::string_view before = pattern.substr(0, mark), after = pattern.substr(mark + 1);
  return text.size() > before.size() + after.size() && text.starts_with(before) && text.ends_with(after) &&
         is_hexadecimal(text.substr(before.size(), text.size() - before.size() - after.size()));
}

std::string running_part(const Owner& owner) {
  for (const std::string& pid : list_directory("/proc")) {
    if (!parse_number<int>(pid)) continue;
    auto name = read_if_exists(cat("/proc/", pid, "/comm"));
    if (name && std::ranges::find(owner.processes, trim(*name)) != owner.processes.end())
      return std::string(trim(*name));
  }
  return {};
}

std::string unescaped_mount(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto code = text[i] == '\\' ? parse_number<int>(text.substr(i + 1, 3), 8) : std::nullopt;
    out += code ? static_cast<char>(*code) : text[i];
    if (code) i += 3;
  }
  return out;
}

void find_mounts(const Owner& owner, std::vector<Leftover>& found) {
  const std::string mounts = read_if_exists("/proc/self/mounts").value_or("");
  std::vector<std::string> paths;
  for (std::string_view line : split(mounts, '\n')) {
    auto words = split(line, ' ');
    if (words.size() < 3) continue;
    std::string path = unescaped_mount(words[1]);
    // A data root may be a disk of its own: only what is within it is a container's.
    bool below =
        std::ranges::any_of(owner.mounts, [&](std::string_view root) { return path.starts_with(cat(root, "/")); });
    if (below) paths.push_back(path);
  }
  std::reverse(paths.begin(), paths.end());  // the last one mounted is the first to go
  for (const std::string& path : paths)
    found.push_back({cat("the mount ", path),
                     cat("a container of ", owner.name, " had it, and keeps its files busy"),
                     {"umount", "--lazy", path}});
}

// hull names the bridges of its networks as Docker does: while an engine of hull runs, they may be its own.
bool may_be_ours(std::string_view pattern) {
  return pattern.find('#') != pattern.npos && std::ranges::any_of(kOwners, [](const Owner& one) {
           return one.name == "hull" && !running_part(one).empty();
         });
}

void find_interfaces(const Owner& owner, std::vector<Leftover>& found) {
  for (const std::string& name : list_directory("/sys/class/net")) {
    bool bridge = std::ranges::any_of(
        owner.bridges, [&](std::string_view pattern) { return fits(pattern, name) && !may_be_ours(pattern); });
    if (bridge && exists(cat("/sys/class/net/", name, "/bridge"))) {
      for (const std::string& port : list_directory(cat("/sys/class/net/", name, "/brif")))
        found.push_back({cat("the interface ", port),
                         cat("it was a container's end of the bridge ", name),
                         {"ip", "link", "delete", port}});
      found.push_back({cat("the bridge ", name),
                       cat(owner.name, " made it; its addresses may be in the way of other networks"),
                       {"ip", "link", "delete", name}});
    }
  }
}

bool has_processes(const std::filesystem::path& group) {
  std::error_code code;
  auto here = read_if_exists((group / "cgroup.procs").string());
  if (here && !trim(*here).empty()) return true;
  for (const auto& entry : std::filesystem::directory_iterator(group, code))
    if (entry.is_directory(code) && has_processes(entry.path())) return true;
  return false;
}

// The directories that a pattern ("docker", "system.slice/docker-#.scope") names in a hierarchy.
std::vector<std::string> groups_in(const std::string& hierarchy, std::string_view pattern) {
  auto slash = pattern.rfind('/');
  std::string parent = slash == pattern.npos ? hierarchy : cat(hierarchy, "/", pattern.substr(0, slash));
  std::string_view last = slash == pattern.npos ? pattern : pattern.substr(slash + 1);
  std::vector<std::string> found;
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(parent, code))
    if (entry.is_directory(code) && fits(last, entry.path().filename().string()) && !has_processes(entry.path()))
      found.push_back(entry.path().string());
  return found;
}

void find_groups(const Owner& owner, std::vector<Leftover>& found) {
  const std::string mounts = read_if_exists("/proc/self/mounts").value_or("");
  for (std::string_view pattern : owner.groups) {
    std::vector<std::string> paths;
    for (std::string_view line : split(mounts, '\n')) {
      auto words = split(line, ' ');
      if (words.size() < 3 || (words[2] != "cgroup" && words[2] != "cgroup2")) continue;
      auto here = groups_in(std::string(words[1]), pattern);
      paths.insert(paths.end(), here.begin(), here.end());
    }
    if (paths.empty()) continue;
    std::vector<std::string> command{"find"};
    command.insert(command.end(), paths.begin(), paths.end());
    command.insert(command.end(), {"-depth", "-type", "d", "-delete"});
    std::string what =
        paths.size() == 1 ? cat("the control group ", paths[0]) : cat(paths.size(), " control groups like ", paths[0]);
    found.push_back(
        {what, cat("nothing runs in them; ", owner.name, " made them for containers that are gone"), command});
  }
}

// Whether somebody answers at a socket's path.
bool is_listening(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return true;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return !fd || ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ||
         errno != ECONNREFUSED;
}

void find_files(const Owner& owner, std::vector<Leftover>& found) {
  std::error_code code;
  for (std::string_view path_view : owner.sockets) {
    std::string path(path_view);
    if (std::filesystem::is_socket(path, code) &&
        !std::filesystem::is_symlink(std::filesystem::path(path).parent_path(), code) && !is_listening(path))
      found.push_back({cat("the socket ", path),
                       "nobody listens there: clients that find it get \"connection refused\"",
                       {"rm", path}});
  }
  for (std::string_view path_view : owner.pids) {
    std::string path(path_view);
    if (std::filesystem::is_symlink(std::filesystem::path(path).parent_path(), code)) continue;
    auto text = read_if_exists(path);
    auto pid = text ? parse_number<int>(trim(*text)) : std::nullopt;
    if (pid && !exists(cat("/proc/", *pid)))
      found.push_back({cat("the file ", path),
                       cat("it names the process ", *pid, ", which is gone, and keeps ", owner.name, " from starting"),
                       {"rm", path}});
  }
}

void find_tables(const Owner& owner, std::vector<Leftover>& found) {
  std::string listed;
  try {
    listed = run_program({"nft", "list", "tables"}).output;
  } catch (const Error&) {
    return;  // without the program there is no way to look, nor to take away
  }
  for (std::string_view line : split(listed, '\n'))
    for (std::string_view table : owner.tables)
      if (trim(line) == cat("table ", table)) {
        auto [family, name] = split_once(table, ' ');
        found.push_back({cat("the firewall table ", table),
                         cat("its rules were for containers of ", owner.name, " that are gone"),
                         {"nft", "delete", "table", std::string(family), std::string(*name)}});
      }
}

// Rules of Docker's that stay behind drop what other engines' containers send.
void find_forward_policy(const Owner& owner, std::vector<Leftover>& found) {
  if (owner.name != "Docker") return;
  try {
    ProcessOutput rules = run_program({"iptables", "-S"});
    if (rules.output.find("-P FORWARD DROP") != std::string::npos &&
        rules.output.find("-N DOCKER") != std::string::npos)
      found.push_back({"the policy DROP of iptables' chain FORWARD",
                       "Docker set it, and it drops what containers of any engine send to other machines",
                       {"iptables", "-P", "FORWARD", "ACCEPT"}});
  } catch (const Error&) {
    // no iptables: no such policy
  }
}

std::vector<Leftover> look_for(const Owner& owner) {
  std::vector<Leftover> found;
  find_mounts(owner, found);
  find_interfaces(owner, found);
  find_groups(owner, found);
  find_files(owner, found);
  find_tables(owner, found);
  find_forward_policy(owner, found);
  return found;
}

bool agreed(const std::string& question) {
  print(cat(question, " [y/N] "));
  std::string answer;
  for (char c; ::read(STDIN_FILENO, &c, 1) == 1 && c != '\n';) answer += c;
  return equals_ignoring_case(trim(answer), "y");
}

// True when it is gone.
bool take_away(const Leftover& one) {
  try {
    ProcessOutput result = run_program(one.command);
    if (result.exit_code == 0) return true;
    complain(cat("  that failed: ", trim(result.errors.empty() ? result.output : result.errors)));
  } catch (const Error& e) {
    complain(cat("  that failed: ", e.message()));
  }
  return false;
}

}  // namespace

int doctor(Invocation& call) {
  const Options& options = call.options;
  bool fix = options.is_set("fix"), ask = !options.is_set("force");
  if (fix && ::geteuid() != 0)
    throw Exit(1, "hull: --fix needs root: what is left belongs to the machine. Try: sudo hull system doctor --fix");
  int left = 0, gone = 0;
  for (const Owner& owner : kOwners) {
    auto found = look_for(owner);
    if (found.empty()) continue;
    if (std::string part = running_part(owner); !part.empty()) {
      print_line(owner.name, " runs here (", part, "): what it has is its own business.");
      continue;
    }
    print_line(owner.name, " does not run here, and has left:");
    if (owner.name == "hull")
      print_line("  (a hulld that starts again takes care of these itself: take them away when none is to come)");
    for (const Leftover& one : found) {
      print_line("  - ", one.what, "\n      ", one.reason, "\n      ", join(one.command, " "));
      bool wanted = fix && (!ask || agreed("    Take it away?"));
      if (wanted && take_away(one))
        ++gone;
      else
        ++left;
    }
  }
  if (left + gone == 0)
    print_line("Nothing is left of engines that do not run.");
  else if (!fix)
    print_line("\n", left, left == 1 ? " thing is" : " things are",
               " left. 'hull system doctor --fix' takes them away, and asks before each.");
  else
    print_line("\n", gone, " taken away, ", left, " left.");
  return left ? 1 : 0;
}

}  // namespace hull::cli::system
