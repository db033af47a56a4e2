// SPDX-License-Identifier: Apache-2.0
#include <sys/epoll.h>

#include <mutex>
#include <vector>

#include "base/log.h"
#include "base/wire.h"
#include "linux/own_program.h"
#include "linux/pidfd.h"
#include "linux/spawn.h"
#include "linux/unix_socket.h"
#include "shim/messages.h"
#include "shim/shim_client.h"

namespace hull::shim {

namespace {

constexpr std::size_t kPoolSize = 2;
constexpr int kAnswerMilliseconds = 10'000;  // for a shim that was found again: one that is stopped must not stop us

struct WaitingShim {
  UniqueFd socket, pidfd;
};

// Reaps a shim whenever it ends, also when its client is long gone. An engine that ends leaves its shims to init.
void reap_when_ended(linux::Reactor& reactor, const UniqueFd& pidfd) {
  auto own = std::make_shared<UniqueFd>(pidfd.duplicate());
  auto id = std::make_shared<linux::Reactor::Id>(0);
  // The callback may come before watch() has returned; it then comes again, because nothing was reaped.
  auto guard = std::make_shared<std::mutex>();
  std::lock_guard lock(*guard);
  *id = reactor.watch(own->get(), EPOLLIN, [&reactor, own, id, guard](std::uint32_t) {
    std::lock_guard inner(*guard);
    linux::reap_pidfd(own->get());
    reactor.cancel(*id);
  });
}

// The executed shims that wait for a container. Shared with the background work that refills it.
class Pool {
 public:
  Pool(linux::Reactor& reactor, std::string program)
      : reactor_(reactor), name_(std::move(program)), held_(linux::read_only_program(name_)) {
    if (held_) program_ = cat("/proc/self/fd/", held_.get());
  }

  WaitingShim take() {
    for (;;) {
      std::unique_lock lock(mutex_);
      if (waiting_.empty()) break;
      WaitingShim shim = std::move(waiting_.back());
      waiting_.pop_back();
      lock.unlock();
      if (!linux::pidfd_ended(shim.pidfd.get())) return shim;
    }
    return spawn();
  }

  void refill() {
    for (;;) {
      {
        std::lock_guard lock(mutex_);
        if (closed_ || waiting_.size() + spawning_ >= kPoolSize) return;
        ++spawning_;
      }
      WaitingShim shim;
      try {
        shim = spawn();
      } catch (const Error& e) {
        log::warn("cannot prepare a shim: ", e.message());
      }
      std::lock_guard lock(mutex_);
      --spawning_;
      if (!shim.socket) return;
      if (!closed_) waiting_.push_back(std::move(shim));
    }
  }

  // The waiting shims see the end of their connection, and end.
  void close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    waiting_.clear();
  }

 private:
  WaitingShim spawn() {
    auto [ours, theirs] = linux::make_socket_pair();
    auto child = linux::spawn_with_socket(program_, theirs.get(), name_);
    reap_when_ended(reactor_, child.pidfd);
    return {std::move(ours), std::move(child.pidfd)};
  }

  linux::Reactor& reactor_;
  const std::string name_;
  // A shim goes into containers, where its program must not be one that can be written to (linux/own_program.h).
  const UniqueFd held_;
  std::string program_ = name_;
  std::mutex mutex_;
  std::vector<WaitingShim> waiting_;
  std::size_t spawning_ = 0;
  bool closed_ = false;
};

class PoolLauncher : public Launcher {
 public:
  PoolLauncher(linux::Reactor& reactor, std::string program)
      : reactor_(reactor), pool_(std::make_shared<Pool>(reactor, std::move(program))) {
    refill_later(reactor_, pool_);
  }
  ~PoolLauncher() override { pool_->close(); }

  std::unique_ptr<Client> launch(const std::string& directory, Events events) override {
    WaitingShim shim = pool_->take();
    auto link = std::make_shared<ShimLink>(reactor_, directory, std::move(shim.socket), std::move(shim.pidfd),
                                           std::move(events));
    // Not before: on a busy machine the replacement would compete with the start itself.
    return std::make_unique<ShimClient>(directory, std::move(link),
                                        [&reactor = reactor_, pool = pool_] { refill_later(reactor, pool); });
  }

  std::optional<Found> reconnect(const std::string& directory, Events events) override {
    auto socket = linux::connect_unix(directory, "shim.sock");
    if (!socket) return std::nullopt;
    linux::Peer peer = linux::peer_of(socket->get());
    if (peer.uid != ::geteuid()) return std::nullopt;
    // While the connection stands the shim lives, so the number is still its own.
    auto pidfd = linux::open_pidfd(peer.pid);
    if (!pidfd) return std::nullopt;
    auto link =
        std::make_shared<ShimLink>(reactor_, directory, std::move(*socket), std::move(*pidfd), std::move(events));
    try {
      Message answer = link->subscribe(kAnswerMilliseconds);
      Found found;
      found.running_execs = wire::decode<StartedMessage>(answer.body).running_execs;
      found.started = to_started(std::move(answer));
      link->watch();
      found.client = std::make_unique<ShimClient>(directory, std::move(link), nullptr);
      return found;
    } catch (const Error& e) {
      if (e.kind() == Kind::kUnavailable) throw;
      return std::nullopt;  // it ended while we asked
    }
  }

 private:
  static void refill_later(linux::Reactor& reactor, const std::shared_ptr<Pool>& pool) {
    reactor.run_in_background([pool] { pool->refill(); });
  }

  linux::Reactor& reactor_;
  std::shared_ptr<Pool> pool_;
};

}  // namespace

std::unique_ptr<Launcher> make_launcher(linux::Reactor& reactor, std::string shim_program) {
  return std::make_unique<PoolLauncher>(reactor, std::move(shim_program));
}

}  // namespace hull::shim
