// SPDX-License-Identifier: Apache-2.0
#include "linux/background.h"

#include <condition_variable>
#include <mutex>

#include "base/log.h"

namespace hull::linux {

struct Background::Gate {
  std::mutex mutex;
  std::condition_variable idle;
  int running = 0;
  bool closed = false;

  bool enter() {
    std::lock_guard lock(mutex);
    if (closed) return false;
    ++running;
    return true;
  }
  void leave() {
    std::lock_guard lock(mutex);
    --running;
    idle.notify_all();
  }
};

Background::Background(Reactor& reactor) : reactor_(reactor), gate_(std::make_shared<Gate>()) {}

Background::~Background() {
  std::unique_lock lock(gate_->mutex);
  gate_->closed = true;
  gate_->idle.wait(lock, [&] { return gate_->running == 0; });
}

std::function<void()> Background::guarded(std::shared_ptr<Gate> gate, std::function<void()> work) {
  return [gate = std::move(gate), work = std::move(work)] {
    if (!gate->enter()) return;
    try {
      work();
    } catch (const std::exception& e) {
      log::warn("background work: ", e.what());
    }
    gate->leave();
  };
}

void Background::run(std::function<void()> work) { reactor_.run_in_background(guarded(gate_, std::move(work))); }

void Background::run_after(std::chrono::nanoseconds delay, std::function<void()> work) {
  // The timer fires on the reactor's own thread, which must not block.
  reactor_.after(delay,
                 [reactor = &reactor_, job = guarded(gate_, std::move(work))] { reactor->run_in_background(job); });
}

}  // namespace hull::linux
