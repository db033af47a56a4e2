// SPDX-License-Identifier: Apache-2.0
#include <malloc.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "api/http_server.h"
#include "api/listen.h"
#include "api/router.h"
#include "base/file.h"
#include "base/id.h"
#include "base/log.h"
#include "container/engine.h"
#include "container/log_drivers.h"
#include "linux/server_socket.h"
#include "linux/signal_wait.h"
#include "oci/json.h"

// hulld: the engine. main() is the list of what is started, in order, and why.
namespace hull {

namespace {

struct Options {
  std::vector<std::string> hosts, exec_options, tls, log_options;
  std::string data_root = "/var/lib/hull", exec_root = "/run/hull", pidfile;
  std::string bridge = "hull0", bip, log_level = "info", cgroup_parent, group, shim, init, config_file;
  std::string log_driver = "json-file";
  std::map<std::string, std::string> file_log_options;
  int stop_timeout = 10;
  bool debug = false, trace = false;
};

// The keys of daemon.json are the flags without dashes in front; lists have an "s" at the end.
struct FileOptions {
  std::vector<std::string> hosts, exec_options;
  std::string data_root, exec_root, pidfile, bridge, bip, log_level, cgroup_parent, group;
  std::optional<int> stop_timeout;
  bool debug = false;
  std::string log_driver;
  std::map<std::string, std::string> log_options;
};
template <class Visitor>
void fields(Visitor& visit, FileOptions& value) {
  visit("hosts", value.hosts);
  visit("exec-opts", value.exec_options);
  visit("data-root", value.data_root);
  visit("exec-root", value.exec_root);
  visit("pidfile", value.pidfile);
  visit("bridge", value.bridge);
  visit("bip", value.bip);
  visit("log-level", value.log_level);
  visit("cgroup-parent", value.cgroup_parent);
  visit("group", value.group);
  visit("default-stop-timeout", value.stop_timeout);
  visit("debug", value.debug);
  visit("log-driver", value.log_driver);
  visit("log-opts", value.log_options);
}

void add_flags(CLI::App& app, Options& options) {
  app.add_option("-H,--host", options.hosts, "Listen at unix:///path, tcp://host:port or fd:// (repeatable)");
  app.add_option("--data-root,-g", options.data_root, "Root of all durable state")->capture_default_str();
  app.add_option("--exec-root", options.exec_root, "Root of what lives as long as the machine is up")
      ->capture_default_str();
  app.add_option("-p,--pidfile", options.pidfile, "File for the id of this process");
  app.add_option("-b,--bridge", options.bridge, "Bridge device of the default network, or none")->capture_default_str();
  app.add_option("--bip", options.bip, "Address and prefix of the bridge, as 172.30.0.1/24");
  app.add_option("-l,--log-level", options.log_level, "debug, info, warn, error")->capture_default_str();
  app.add_flag("-D,--debug", options.debug, "The same as --log-level debug");
  app.add_option("--cgroup-parent", options.cgroup_parent, "Parent control group of all containers");
  app.add_option("--exec-opt", options.exec_options, "native.cgroupdriver=cgroupfs|systemd");
  app.add_option("-G,--group", options.group, "Group that may use the unix sockets");
  app.add_option("--default-stop-timeout", options.stop_timeout, "Seconds before a stop kills")->capture_default_str();
  app.add_option("--log-driver", options.log_driver, "Logging driver of containers that name none")
      ->capture_default_str();
  app.add_option("--log-opt", options.log_options, "Option of that driver, as max-size=10m (repeatable)");
  app.add_option("--shim", options.shim, "Path of hull-shim");
  app.add_option("--init-path", options.init, "Path of the init for containers with --init");
  app.add_option("--config-file", options.config_file, "daemon.json with the same keys");
  app.add_flag("--trace", options.trace, "Log the microseconds of each step of a start");
  for (const char* flag : {"--tls", "--tlsverify"})
    app.add_flag_callback(
        flag, [&options, flag] { options.tls.emplace_back(flag); }, "TLS (refused: not available)");
  for (const char* flag : {"--tlscacert", "--tlscert", "--tlskey"})
    app.add_option_function<std::string>(
        flag, [&options, flag](const std::string&) { options.tls.emplace_back(flag); }, "TLS (refused: not available)");
}

template <class Value>
void take(const CLI::App& app, const std::string& flag, Value& target, const Value& from_file) {
  if (from_file == Value{}) return;
  if (app.count(flag) > 0)
    fail_invalid("the configuration file and ", flag, " both say the same thing: use one of them");
  target = from_file;
}

void merge_config_file(const CLI::App& app, Options& options) {
  if (options.config_file.empty()) return;
  auto json = parse_json(read_file(options.config_file));
  if (!json.is_object()) fail_invalid(options.config_file, " is no JSON object");
  Json known = to_json(FileOptions{});
  for (const auto& [key, value] : json.items())
    if (!known.contains(key)) fail_invalid(options.config_file, ": unknown key ", hull::quoted(key));
  auto file = from_json<FileOptions>(json);
  take(app, "--host", options.hosts, file.hosts);
  take(app, "--exec-opt", options.exec_options, file.exec_options);
  take(app, "--data-root", options.data_root, file.data_root);
  take(app, "--exec-root", options.exec_root, file.exec_root);
  take(app, "--pidfile", options.pidfile, file.pidfile);
  take(app, "--bridge", options.bridge, file.bridge);
  take(app, "--bip", options.bip, file.bip);
  take(app, "--log-level", options.log_level, file.log_level);
  take(app, "--cgroup-parent", options.cgroup_parent, file.cgroup_parent);
  take(app, "--group", options.group, file.group);
  take(app, "--debug", options.debug, file.debug);
  take(app, "--log-driver", options.log_driver, file.log_driver);
  take(app, "--log-opt", options.file_log_options, file.log_options);
  if (file.stop_timeout) take(app, "--default-stop-timeout", options.stop_timeout, *file.stop_timeout);
}

linux::CgroupDriver cgroup_driver(const Options& options) {
  auto driver = linux::CgroupDriver::kCgroupfs;
  for (const auto& option : options.exec_options) {
    auto [key, value] = split_once(option, '=');
    if (key != "native.cgroupdriver") fail_invalid("unknown --exec-opt ", hull::quoted(key));
    if (value == "cgroupfs")
      driver = linux::CgroupDriver::kCgroupfs;
    else if (value == "systemd")
      driver = linux::CgroupDriver::kSystemd;
    else
      fail_invalid("native.cgroupdriver must be cgroupfs or systemd, not ", hull::quoted(value.value_or("")));
  }
  return driver;
}

// A program of ours: where it was said to be, or beside hulld. "" when it is not there.
std::string own_program(const std::string& given, const char* name) {
  if (!given.empty()) return given;
  std::string beside = std::filesystem::read_symlink("/proc/self/exe").parent_path() / name;
  return exists(beside) ? beside : "";
}

// What no container could be started with is refused now.
container::LogConfig log_config(const Options& options) {
  container::LogConfig config{options.log_driver, options.file_log_options};
  for (const auto& option : options.log_options) {
    auto [key, value] = split_once(option, '=');
    if (!value) fail_invalid("--log-opt ", option, " must have the form name=value");
    config.config[std::string(key)] = *value;
  }
  container::check_log_config(config);
  return config;
}

container::Configuration configuration_of(const Options& options) {
  container::Configuration configuration;
  configuration.data_root = options.data_root;
  configuration.exec_root = options.exec_root;
  configuration.shim_program = own_program(options.shim, "hull-shim");
  if (configuration.shim_program.empty()) fail_invalid("there is no hull-shim beside hulld: name it with --shim");
  configuration.init_program = own_program(options.init, "hull-init");
  configuration.shipped_images =
      std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / "share/hull/images";
  configuration.cgroup_driver = cgroup_driver(options);
  bool systemd = configuration.cgroup_driver == linux::CgroupDriver::kSystemd;
  configuration.cgroup_parent =
      options.cgroup_parent.empty() ? (systemd ? "system.slice" : "/hull") : options.cgroup_parent;
  configuration.default_stop_timeout = options.stop_timeout;
  configuration.trace = options.trace;
  configuration.log_config = log_config(options);
  configuration.tls_program = own_program("", "hull-log-tls");
  return configuration;
}

// Made once per data root, so that monitoring tools know an engine again.
std::string engine_id(const std::string& data_root) {
  std::string path = data_root + "/engine-id";
  if (auto id = read_if_exists(path)) return std::string(trim(*id));
  std::string id = random_id();
  write_file_atomically(path, id + "\n");
  return id;
}

void publish_image_events(image::Images& images, container::Events& events) {
  images.on_event([&events](std::string_view action, const std::string& id, const std::string& name) {
    container::Event event;
    event.type = "image";
    event.action = action;
    event.actor_id = id;
    event.attributes["name"] = name;
    events.publish(std::move(event));
  });
}

void tell_systemd(const char* text) {
  if (const char* socket = ::getenv("NOTIFY_SOCKET")) linux::send_datagram(socket, text);
}

// Until somebody ends us. SIGHUP is for reloading elsewhere: here it is no reason to end.
void wait_for_the_end() {
  int signal = 0;
  do signal = linux::wait_for_signal({SIGTERM, SIGINT, SIGHUP});
  while (signal == SIGHUP);
  log::info("signal ", signal, ": stopping; containers go on");
}

int run(const Options& options) {
  // A second engine at the same data root is refused here, before anything is touched.
  make_directories(options.data_root, 0711);
  make_directories(options.exec_root, 0711);
  auto database = store::Database::open(options.data_root);
  auto configuration = configuration_of(options);

  // What everything else waits with: shims, timers, netlink.
  linux::Reactor reactor;
  container::Events events;
  store::Snapshots snapshots(*database, options.data_root);
  image::Images images(*database, snapshots, options.data_root);
  publish_image_events(images, events);

  // Bridge and firewall are made in the background: the first container does not pay for them.
  network::Options network_options;
  network_options.bridge = options.bridge;
  network_options.bip = options.bip;
  network_options.firewall_table = options.bridge == "hull0" ? "hull" : "hull_" + options.bridge;
  network::Networks networks(*database, reactor, network_options);
  volume::Volumes volumes(*database, options.data_root);
  auto shims = shim::make_launcher(reactor, configuration.shim_program);

  // The truth about containers is known before anybody can ask.
  api::About about{HULL_VERSION,
                   engine_id(options.data_root),
                   configuration.shim_program,
                   own_program("", "hull-runtime"),
                   configuration.init_program,
                   options.debug,
                   now()};
  container::Engine engine(std::move(configuration),
                           {*database, snapshots, images, networks, volumes, *shims, reactor, events});
  engine.recover();
  if (options.bridge != "none") reactor.run_in_background([&networks] { networks.prepare(); });

  // From here on clients can connect.
  std::vector<UniqueFd> listeners;
  auto hosts = options.hosts.empty() ? std::vector<std::string>{"unix:///run/hull/hull.sock"} : options.hosts;
  auto groups = options.group.empty() ? std::vector<std::string>{"hull", "docker"} : std::vector{options.group};
  for (const auto& host : hosts)
    for (auto& listener : api::listen_at(host, groups)) listeners.push_back(std::move(listener));
  api::Server server(api::Router(engine, about, api::all_routes()), reactor);
  std::thread acceptor([&] { server.serve(listeners); });
  if (!options.pidfile.empty()) write_file_atomically(options.pidfile, cat(::getpid(), "\n"));
  tell_systemd("READY=1");
  log::info("hulld ", std::string_view(HULL_VERSION), " listens at ", join(hosts, ", "));
  ::malloc_trim(0);

  wait_for_the_end();
  tell_systemd("STOPPING=1");
  bool drained = server.stop();
  acceptor.join();
  if (!options.pidfile.empty()) std::filesystem::remove(options.pidfile);
  // A request that does not end (a kernel that hangs) still uses all of this: it cannot be taken away in order.
  if (!drained) ::_exit(0);
  return 0;
}

int main_of(int argc, char** argv) {
  // 64 threads with an arena each would keep megabytes that nobody uses.
  ::mallopt(M_ARENA_MAX, 2);
  ::mallopt(M_TRIM_THRESHOLD, 256 << 10);
  Options options;
  CLI::App app("hulld, the container engine", "hulld");
  app.set_version_flag("-v,--version", "hulld version " HULL_VERSION);
  add_flags(app, options);
  CLI11_PARSE(app, argc, argv);
  merge_config_file(app, options);
  if (!options.tls.empty())
    fail_invalid(options.tls.front(), ": TLS is not available in this build; listen at a unix socket");
  if (::geteuid() != 0)
    fail(Kind::kForbidden, "hulld has to be started as root: it makes namespaces, mounts and control groups");
  log::set_level(options.debug ? log::Level::kDebug : log::parse_level(options.log_level));
  linux::block_signals({SIGTERM, SIGINT, SIGHUP});
  linux::ignore_signal(SIGPIPE);
  return run(options);
}

}  // namespace

}  // namespace hull

int main(int argc, char** argv) {
  try {
    return hull::main_of(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "hulld: %s\n", e.what());
    return 1;
  }
}
