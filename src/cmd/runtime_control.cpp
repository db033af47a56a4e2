// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <string.h>

#include <cstdio>

#include "base/file.h"
#include "linux/pidfd.h"
#include "oci/json.h"
#include "oci/runtime_config_fields.h"
#include "runtime_state.h"

namespace hull::runtime_cli {

namespace {

int signal_number(const std::string& text) {
  if (auto number = parse_number<int>(text); number && *number > 0 && *number < NSIG) return *number;
  std::string name = upper(text);
  if (name.starts_with("SIG")) name.erase(0, 3);
  for (int number = 1; number < NSIG; ++number)
    if (const char* known = ::sigabbrev_np(number); known && name == known) return number;
  if (name.starts_with("RTMIN")) {
    auto more = name.size() == 5 ? 0 : parse_number<int>(std::string_view(name).substr(6)).value_or(-1);
    if (more >= 0 && SIGRTMIN + more <= SIGRTMAX) return SIGRTMIN + more;
  }
  fail_invalid("unknown signal ", quoted(text));
}

Json state_of(const Globals& globals, const Container& container) {
  Json state = Json::object();
  std::string status = status_of(globals, container);
  state["ociVersion"] = container.config.oci_version;
  state["id"] = container.id;
  state["pid"] = status == "stopped" ? 0 : container.pid;
  state["status"] = status;
  state["bundle"] = container.bundle;
  state["rootfs"] = container.rootfs;
  state["created"] = container.created;
  if (!container.config.annotations.empty()) state["annotations"] = to_json(container.config.annotations);
  state["owner"] = "";
  return state;
}

void print(const std::string& text) { write_all(STDOUT_FILENO, text + "\n"); }

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size() + 1, width), ' ');
  return text;
}

Container only_container(const Globals& globals, const std::vector<std::string>& words) {
  return load(globals, Arguments({}, words).word(0, "the container ID"));
}

}  // namespace

int verb_state(const Globals& globals, std::vector<std::string> words) {
  print(state_of(globals, only_container(globals, words)).dump(2));
  return 0;
}

int verb_kill(const Globals& globals, std::vector<std::string> words) {
  Arguments arguments({{"all", "a", false}}, std::move(words));
  Container container = load(globals, arguments.word(0, "the container ID"));
  int signal = signal_number(arguments.words().size() > 1 ? arguments.words()[1] : "SIGTERM");
  if (arguments.has("all")) {
    for (pid_t pid : container.cgroup()->processes())
      if (auto process = linux::open_pidfd(pid)) linux::signal_pidfd(process->get(), signal);
    return 0;
  }
  pid_t pid = live_pid(container);
  auto process = pid ? linux::open_pidfd(pid) : std::nullopt;
  if (!process || !linux::signal_pidfd(process->get(), signal)) fail(Kind::kConflict, "container not running");
  return 0;
}

int verb_delete(const Globals& globals, std::vector<std::string> words) {
  Arguments arguments({{"force", "f", false}}, std::move(words));
  std::string id = checked_id(arguments.word(0, "the container ID"));
  bool force = arguments.has("force");
  if (!exists(cat(globals.root, "/", id, "/state.json"))) {
    // A creation that was cut short leaves a directory without a state.
    if (force) remove_tree(cat(globals.root, "/", id));
    if (force) return 0;
  }
  Container container = load(globals, id);
  std::string status = status_of(globals, container);
  if (status != "stopped" && status != "created" && !force)
    fail(Kind::kConflict, "cannot delete container ", id, " that is not stopped: ", status);
  if (pid_t pid = live_pid(container)) {
    if (auto process = linux::open_pidfd(pid)) {
      linux::signal_pidfd(process->get(), SIGKILL);
      if (status == "paused") container.cgroup()->thaw();
      linux::pidfd_ended(process->get(), 10000);
    }
  }
  forget(globals, container);
  return 0;
}

int verb_list(const Globals& globals, std::vector<std::string> words) {
  Arguments arguments({{"format", "f", true}, {"quiet", "q", false}}, std::move(words));
  std::string format = arguments.get("format", "table");
  if (format != "table" && format != "json") fail_invalid("invalid format option");
  Json all = Json::array();
  for (const auto& id : list_directory(globals.root))
    if (exists(cat(globals.root, "/", id, "/state.json"))) all.push_back(state_of(globals, load(globals, id)));
  if (arguments.has("quiet")) {
    for (const auto& item : all) print(item["id"].get<std::string>());
  } else if (format == "json") {
    print(all.empty() ? "null" : all.dump());
  } else {
    print("ID          PID         STATUS      BUNDLE                CREATED                          OWNER");
    for (const auto& item : all)
      print(padded(item["id"], 12) + padded(cat(item["pid"].get<int>()), 12) + padded(item["status"], 12) +
            padded(item["bundle"], 22) + padded(item["created"], 33) + "root");
  }
  return 0;
}

int verb_ps(const Globals& globals, std::vector<std::string> words) {
  Arguments arguments({{"format", "f", true}}, std::move(words));
  Container container = load(globals, arguments.word(0, "the container ID"));
  Json pids = Json::array();
  for (pid_t pid : container.cgroup()->processes()) pids.push_back(pid);
  if (arguments.get("format", "table") == "json") {
    print(pids.dump());
    return 0;
  }
  print(padded("PID", 12) + "CMD");
  for (const auto& pid : pids) {
    std::string command = read_if_exists(cat("/proc/", pid.get<int>(), "/cmdline")).value_or("");
    for (char& c : command)
      if (c == '\0') c = ' ';
    print(padded(cat(pid.get<int>()), 12) + std::string(trim(command)));
  }
  return 0;
}

int verb_pause(const Globals& globals, std::vector<std::string> words) {
  Container container = only_container(globals, words);
  std::string status = status_of(globals, container);
  if (status != "running" && status != "created") fail(Kind::kConflict, "container not running");
  container.cgroup()->freeze();
  return 0;
}

int verb_resume(const Globals& globals, std::vector<std::string> words) {
  Container container = only_container(globals, words);
  if (status_of(globals, container) != "paused") fail(Kind::kConflict, "container not paused");
  container.cgroup()->thaw();
  return 0;
}

int verb_update(const Globals& globals, std::vector<std::string> words) {
  std::vector<Flag> flags = {{"resources", "r", true}};
  struct Number {
    std::string_view flag;
    void (*set)(oci::Resources&, std::int64_t);
  };
  const Number numbers[] = {
      {"memory", [](oci::Resources& to, std::int64_t n) { to.memory->limit = n; }},
      {"memory-reservation", [](oci::Resources& to, std::int64_t n) { to.memory->reservation = n; }},
      {"memory-swap", [](oci::Resources& to, std::int64_t n) { to.memory->swap = n; }},
      {"cpu-period", [](oci::Resources& to, std::int64_t n) { to.cpu->period = static_cast<std::uint64_t>(n); }},
      {"cpu-quota", [](oci::Resources& to, std::int64_t n) { to.cpu->quota = n; }},
      {"cpu-share", [](oci::Resources& to, std::int64_t n) { to.cpu->shares = static_cast<std::uint64_t>(n); }},
      {"pids-limit", [](oci::Resources& to, std::int64_t n) { to.pids = oci::PidsLimits{n}; }},
  };
  for (const auto& number : numbers) flags.push_back({number.flag, "", true});
  for (const char* name : {"cpuset-cpus", "cpuset-mems"}) flags.push_back({name, "", true});
  Arguments arguments(flags, std::move(words));
  Container container = load(globals, arguments.word(0, "the container ID"));
  oci::Resources wanted;
  if (arguments.has("resources")) {
    std::string path = arguments.get("resources");
    wanted = from_json<oci::Resources>(parse_json(path == "-" ? read_all(STDIN_FILENO) : read_file(path)));
  }
  if (!wanted.memory) wanted.memory.emplace();
  if (!wanted.cpu) wanted.cpu.emplace();
  for (const auto& number : numbers) {
    if (!arguments.has(number.flag)) continue;
    auto value = parse_number<std::int64_t>(arguments.get(number.flag));
    if (!value) fail_invalid("invalid value for ", number.flag, ": ", arguments.get(number.flag));
    number.set(wanted, *value);
  }
  if (arguments.has("cpuset-cpus")) wanted.cpu->cpus = arguments.get("cpuset-cpus");
  if (arguments.has("cpuset-mems")) wanted.cpu->mems = arguments.get("cpuset-mems");
  container.cgroup()->update(wanted);
  return 0;
}

}  // namespace hull::runtime_cli
