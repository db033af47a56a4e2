// SPDX-License-Identifier: Apache-2.0
#include <malloc.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <thread>

#include "api/listen.h"
#include "api/metrics.h"
#include "api/router.h"
#include "base/file.h"
#include "base/id.h"
#include "base/log.h"
#include "build/builder.h"
#include "container/apparmor_default.h"
#include "container/engine.h"
#include "http/server.h"
#include "hulld_configuration.h"
#include "linux/background.h"
#include "linux/notify.h"
#include "linux/own_process.h"
#include "linux/pidfd.h"
#include "linux/server_socket.h"
#include "linux/signal_wait.h"
#include "linux/thread_states.h"
#include "settings/load.h"
#include "settings/published.h"

// hulld: the engine. run() is the list of what is started, in order, and why.
namespace hull {

namespace {

using settings::CommandLine;
using settings::Settings;

constexpr auto kSignals = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};

// Made once per data root, so that monitoring tools know an engine again.
std::string engine_id(const std::string& data_root) {
  std::string path = data_root + "/engine-id";
  if (auto id = read_if_exists(path)) return std::string(trim(*id));
  std::string id = random_id();
  write_file_atomically(path, id + "\n");
  return id;
}

void publish_image_events(image::Images& images, container::Events& events) {
  images.on_event([&](std::string_view action, const std::string& id, const std::string& name) {
    container::Event event;
    event.type = "image";
    event.action = action;
    event.actor_id = id;
    // Filters of labels go by them, as long as the image is there.
    if (auto image = images.find(id)) event.attributes = image->config.config.labels;
    event.attributes["name"] = name;
    events.publish(std::move(event));
  });
}

// The file that says which process we are. One of a hulld that still runs is somebody else's.
class PidFile {
 public:
  explicit PidFile(std::string path) : path_(std::move(path)) {
    if (path_.empty()) return;
    if (auto text = read_if_exists(path_)) {
      auto other = parse_number<pid_t>(trim(*text));
      if (other && *other != ::getpid() && linux::open_pidfd(*other) &&
          trim(read_if_exists(cat("/proc/", *other, "/comm")).value_or("")) == "hulld")
        fail(Kind::kConflict, "process with PID ", *other, " is still running (", path_,
             "): end it, or give this hulld a --pidfile and roots of its own");
    }
    make_directories(std::filesystem::path(path_).parent_path());
    write_file_atomically(path_, cat(::getpid(), "\n"), 0644, Durability::kProcessCrash);
  }
  ~PidFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  PidFile(const PidFile&) = delete;

 private:
  std::string path_;
};

void publish_reload(container::Events& events, const std::string& id, const Settings& settings) {
  container::Event event;
  event.type = "daemon";
  event.action = "reload";
  event.actor_id = id;
  event.attributes = settings::reloadable_values(settings);
  event.attributes["name"] = trim(read_file("/proc/sys/kernel/hostname"));
  events.publish(std::move(event));
}

// Docker's words, which scripts look for.
void log_transfers(std::string_view begin, const Settings& settings) {
  log::debug(begin, "Max Concurrent Downloads: ", settings.max_concurrent_downloads);
  log::debug(begin, "Max Concurrent Uploads: ", settings.max_concurrent_uploads);
  log::debug(begin, "Max Download Attempts: ", settings.max_download_attempts);
}

// SIGHUP: what can change without a new start does. A file with a mistake in it changes nothing.
void reload(const CommandLine& line, settings::Published& published, container::Engine& engine, const std::string& id) {
  linux::notify_manager(linux::reloading_message());
  try {
    auto result = settings::reload(*published.get(), settings::load(line));
    engine.set_defaults(container_defaults(result.settings));
    configure_log(result.settings);
    published.set(result.settings);
    log::info("configuration reloaded; changed: ", result.changed.empty() ? "nothing" : join(result.changed, ", "));
    if (!result.deferred.empty())
      log::warn("only a new start of hulld makes these changes effective: ", join(result.deferred, ", "));
    log_transfers("Reset ", result.settings);
    publish_reload(engine.services().events, id, result.settings);
  } catch (const Error& e) {
    log::error("the configuration stays as it was: ", e.message());
  }
  linux::notify_manager("READY=1");
}

// Until somebody ends us.
void follow_signals(const CommandLine& line, settings::Published& published, container::Engine& engine,
                    const std::string& id) {
  for (;;) {
    int signal = linux::wait_for_signal(kSignals);
    if (signal == SIGHUP) {
      reload(line, published, engine, id);
    } else if (signal == SIGUSR1) {
      for (const auto& state : linux::thread_states()) log::info("thread ", state);
    } else {
      log::info("signal ", signal, ": stopping; containers go on");
      return;
    }
  }
}

// Each once. What nobody names is a socket, with TLS dockerd's port of this machine.
settings::Strings hosts_of(const Settings& settings) {
  auto hosts = settings.hosts;
  if (hosts.empty()) hosts.emplace_back(settings.tls ? "tcp://localhost:2376" : "unix:///run/hull/hull.sock");
  std::set<std::string> seen;
  std::erase_if(hosts, [&](const std::string& host) { return !seen.insert(host).second; });
  return hosts;
}

std::vector<http::Listener> open_listeners(const Settings& settings) {
  std::vector<http::Listener> listeners;
  const auto hosts = hosts_of(settings);
  for (const auto& host : hosts)
    for (auto& listener : api::listen_at(host, listen_options(settings))) listeners.push_back(std::move(listener));
  api::forget_passed_sockets();
  log::info("hulld ", std::string_view(HULL_VERSION), " listens at ", join(hosts, ", "));
  return listeners;
}

// While they are still listened at: later they may be somebody else's.
void remove_socket_files(const Settings& settings) {
  constexpr std::string_view kUnix = "unix://";
  for (const auto& host : hosts_of(settings)) {
    if (host.starts_with(kUnix)) ::unlink(host.substr(kUnix.size()).c_str());
    if (host.starts_with('/')) ::unlink(host.c_str());
  }
}

std::optional<tls::Context> tls_context(const Settings& settings) {
  if (!settings.tls) return std::nullopt;
  return tls::Context::server({settings.tls_ca, settings.tls_certificate, settings.tls_key}, settings.tls_verify);
}

int run(const CommandLine& line, Settings wanted) {
  // A second engine at the same data root is refused here, before anything is touched.
  const Settings settings = wanted;
  make_directories(settings.data_root, 0711);
  make_directories(settings.exec_root, 0711);
  PidFile pidfile(settings.pidfile);
  auto database = store::Database::open(settings.data_root);
  container::load_default_apparmor_profile();
  auto configuration = container_configuration(settings, line);
  auto tls = tls_context(settings);
  if (settings.oom_score_adjust) linux::set_oom_score_adjustment(settings.oom_score_adjust);

  // What everything else waits with: shims, timers, netlink.
  linux::Reactor reactor;
  container::Events events;
  store::Snapshots snapshots(*database, settings.data_root);
  image::Images images(*database, snapshots, settings.data_root);
  publish_image_events(images, events);

  // Bridge and firewall are made in the background: the first container does not pay for them.
  network::Networks networks(*database, reactor, network_options(settings));
  volume::Volumes volumes(*database, settings.data_root);
  auto shims = shim::make_launcher(reactor, configuration.shim_program);

  // The truth about containers is known before anybody can ask.
  settings::Published published(std::move(wanted));
  api::About about{HULL_VERSION,
                   engine_id(settings.data_root),
                   configuration.shim_program,
                   own_program("hull-runtime"),
                   configuration.init_program,
                   &published,
                   now()};
  container::Engine engine(std::move(configuration),
                           {*database, snapshots, images, networks, volumes, *shims, reactor, events});
  linux::Background background(reactor);  // ends before what it prepares
  engine.recover();
  build::Builder builder(engine);
  if (settings.bridge != "none") background.run([&networks] { networks.prepare(); });

  // From here on clients can connect.
  auto listeners = open_listeners(settings);
  api::Metrics metrics;
  http::Server server(api::Router(engine, builder, about, api::all_routes(), &metrics), reactor, std::move(tls));
  std::thread acceptor([&] { server.serve(listeners); });
  api::MetricsServer metrics_server(settings.metrics_address, metrics, engine, about, reactor);
  linux::notify_manager(cat("READY=1\nMAINPID=", ::getpid()));
  ::malloc_trim(0);

  follow_signals(line, published, engine, about.id);
  linux::notify_manager("STOPPING=1");
  remove_socket_files(settings);
  bool drained = server.stop();
  acceptor.join();
  // A request that does not end (a kernel that hangs) still uses all of this: it cannot be taken away in order.
  if (!drained) {
    if (!settings.pidfile.empty()) ::unlink(settings.pidfile.c_str());
    ::_exit(0);
  }
  return 0;
}

int main_of(int argc, char** argv) {
  // 64 threads with an arena each would keep megabytes that nobody uses.
  ::mallopt(M_ARENA_MAX, 2);
  ::mallopt(M_TRIM_THRESHOLD, 256 << 10);
  CommandLine line = settings::parse_command_line({argv + 1, argv + argc});
  if (line.version || line.help) {
    std::fputs(line.help ? settings::help_text().c_str() : "hulld version " HULL_VERSION "\n", stdout);
    return 0;
  }
  Settings settings = settings::load(line);
  container_defaults(settings);  // reads the files that are named
  if (line.validate) {
    std::fputs("configuration OK\n", stderr);
    return 0;
  }
  if (::geteuid() != 0)
    fail(Kind::kForbidden, "hulld has to be started as root: it makes namespaces, mounts and control groups");
  configure_log(settings);
  for (const auto& sentence : settings::without_effect(settings)) log::warn(sentence);
  log_transfers("", settings);
  linux::block_signals(kSignals);
  linux::ignore_signal(SIGPIPE);
  return run(line, std::move(settings));
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
