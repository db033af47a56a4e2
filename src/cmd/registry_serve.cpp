// SPDX-License-Identifier: Apache-2.0
#include <malloc.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "http/server.h"
#include "linux/notify.h"
#include "linux/server_socket.h"
#include "linux/signal_wait.h"
#include "linux/socket_address.h"
#include "registry_handover.h"
#include "registry_server/refusal.h"
#include "registry_server/service.h"
#include "registry_verbs.h"

// `hull registry serve`: what is started, in order, and why.
namespace hull::registry_verbs {

namespace {

using namespace std::chrono_literals;
namespace registry = registry_server;

constexpr auto kSignals = {SIGTERM, SIGINT, SIGUSR2};
constexpr auto kIdlePatience = 30s;  // of connections without a request, while a successor serves already
constexpr std::string_view kDefaultAddress = ":5000";

// The lines of requests quote what clients send: they are not quoted once more.
void write_line(log::Level level, std::string_view message) {
  std::string line = cat(format_rfc3339(now()), " ", log::name(level), " ", message, "\n");
  if (::write(STDERR_FILENO, line.data(), line.size()) < 0) return;  // nowhere left to complain
}

registry::UpstreamOptions upstream_of(const cli::Options& options, std::string url) {
  registry::UpstreamOptions upstream{std::move(url), {}, {}};
  std::string file = options.text("mirror-auth");
  if (file.empty()) return upstream;
  // A file, because everybody on the machine can read a command line.
  std::string text = read_file(file);
  auto [user, password] = split_once(trim(text), ':');
  if (user.empty() || !password) fail_invalid("the file ", quoted(file), " of --mirror-auth has no line user:password");
  upstream.user = user;
  upstream.password = *password;
  return upstream;
}

registry::Options options_of(const cli::Options& options) {
  registry::Options wanted;
  wanted.root = root_of(options);
  wanted.read_only = options.is_set("read-only");
  wanted.password_file = options.text("htpasswd");
  wanted.manifest_limit = static_cast<std::uint64_t>(options.bytes("max-manifest-size"));
  wanted.blob_limit = static_cast<std::uint64_t>(options.bytes("max-blob-size"));
  wanted.quiet = options.is_set("quiet");
  if (std::string url = options.text("mirror"); !url.empty()) wanted.upstream = upstream_of(options, std::move(url));
  return wanted;
}

registry::CollectOptions collect_options_of(const cli::Options& options) {
  registry::CollectOptions wanted;
  wanted.grace = std::chrono::nanoseconds(options.nanoseconds("gc-grace"));
  if (!options.text("mirror").empty()) wanted.unused = std::chrono::nanoseconds(options.nanoseconds("mirror-keep"));
  return wanted;
}

std::optional<tls::Context> tls_of(const cli::Options& options) {
  std::string certificate = options.text("tls-cert"), key = options.text("tls-key");
  if (certificate.empty() && key.empty()) return std::nullopt;
  if (certificate.empty() || key.empty()) fail_invalid("--tls-cert and --tls-key belong together");
  return tls::Context::server({{}, certificate, key}, false);
}

// Opens `address`, or takes the socket that the predecessor had there.
http::Listener listen_at(std::string_view address, bool tls, UniqueFd inherited) {
  auto colon = address.rfind(':');
  auto port = colon == address.npos ? std::nullopt : parse_number<std::uint16_t>(address.substr(colon + 1));
  if (!port)
    fail_invalid("invalid address ", quoted(address), " for --listen: it is [address]:port, \":5000\" for example");
  std::string host(address.substr(0, colon));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  http::Listener listener{inherited ? std::move(inherited) : linux::listen_tcp(host, *port), tls};
  log::info("listens at ", tls ? "https" : "http", "://", host.empty() ? "*" : address.substr(0, colon), ":",
            linux::local_port(listener.socket.get()));
  return listener;
}

std::vector<http::Listener> open_listeners(const cli::Options& options, bool tls) {
  auto addresses = options.list("listen");
  if (addresses.empty()) addresses.emplace_back(kDefaultAddress);
  auto inherited = inherited_listeners();
  if (!inherited.empty() && inherited.size() != addresses.size())
    fail_invalid("the predecessor listens at ", inherited.size(), " addresses, the command line has ",
                 addresses.size());
  inherited.resize(addresses.size());
  std::vector<http::Listener> listeners;
  for (std::size_t i = 0; i < addresses.size(); ++i)
    listeners.push_back(listen_at(addresses[i], tls, std::move(inherited[i])));
  return listeners;
}

// Until somebody ends us: false. Or until a successor serves: true.
bool follow_signals(const std::vector<http::Listener>& listeners) {
  for (;;) {
    int signal = linux::wait_for_signal(kSignals);
    if (signal != SIGUSR2) {
      log::info("signal ", signal, ": stopping");
      return false;
    }
    try {
      start_successor(listeners);
      log::info("a new process serves; this one ends with its last connection");
      return true;
    } catch (const Error& e) {
      log::error("no handover: ", e.message());
    }
  }
}

// Collects garbage now and then. Ends with the object.
class Collection {
 public:
  Collection(registry::Service& service, linux::Reactor& reactor, std::chrono::nanoseconds interval,
             registry::CollectOptions wanted)
      : service_(service), reactor_(reactor), interval_(interval), wanted_(wanted) {
    if (interval_.count() > 0) plan();
  }
  ~Collection() {
    ended_ = true;
    // A timer that fires at this moment may have planned the next one before it could see that.
    linux::Reactor::Id id;
    do reactor_.cancel(id = timer_);
    while (id != timer_);
  }
  Collection(const Collection&) = delete;

 private:
  void plan() {
    if (ended_) return;
    timer_ = reactor_.after(interval_, [this] {
      // The work may outlive this object: it takes along what it needs.
      reactor_.run_in_background([&service = service_, wanted = wanted_] { run(service, wanted); });
      plan();
    });
  }
  static void run(registry::Service& service, const registry::CollectOptions& wanted) {
    auto done = service.collector.run(wanted);
    log::info("garbage: ", done.manifests, " manifests, ", done.blobs, " blobs, ", done.uploads, " uploads, ",
              done.bytes, " bytes removed");
  }

  registry::Service& service_;
  linux::Reactor& reactor_;
  std::chrono::nanoseconds interval_;
  registry::CollectOptions wanted_;
  std::atomic<linux::Reactor::Id> timer_ = 0;
  std::atomic<bool> ended_ = false;
};

}  // namespace

int serve(const cli::Options& options) {
  // Threads are many and short-lived: arenas of their own would keep memory that nobody uses.
  ::mallopt(M_ARENA_MAX, 2);
  ::mallopt(M_TRIM_THRESHOLD, 256 << 10);
  log::set_sink(write_line);
  linux::block_signals(kSignals);
  linux::ignore_signal(SIGPIPE);

  auto tls = tls_of(options);
  registry::Service service(options_of(options));
  if (!service.options.password_file.empty() && !tls)
    log::warn("passwords are sent in the clear: use --tls-cert and --tls-key, or a proxy that does");
  auto listeners = open_listeners(options, tls.has_value());

  linux::Reactor reactor;
  std::optional<Collection> collection(std::in_place, service, reactor,
                                       std::chrono::nanoseconds(options.nanoseconds("gc-interval")),
                                       collect_options_of(options));
  http::Rules rules{registry::refusal_body, 5min, 5min};
  http::Server server([&](http::Request& request, http::Response& response) { service.answer(request, response); },
                      reactor, std::move(tls), rules);
  std::thread acceptor([&] { server.serve(listeners); });
  linux::notify_manager(cat("READY=1\nMAINPID=", ::getpid()));
  log::info("hull registry ", std::string_view(HULL_VERSION), " serves ", service.options.root);
  report_ready();

  bool handed_over = follow_signals(listeners);
  collection.reset();
  if (handed_over)
    server.drain(kIdlePatience);
  else
    linux::notify_manager("STOPPING=1");
  bool drained = server.stop();
  acceptor.join();
  // Requests that go on use all of this: it cannot be taken away in order. What they have written so far stays.
  if (!drained) ::_exit(0);
  return 0;
}

}  // namespace hull::registry_verbs
