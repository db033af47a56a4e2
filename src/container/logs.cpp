// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include "base/file.h"
#include "container/engine_impl.h"
#include "container/log_drivers.h"
#include "container/log_reader.h"

namespace hull::container {

namespace {

// Clients read a log right behind a start, and count on the time that Docker takes for the two: the first line is
// there by then.
constexpr std::int64_t kFirstLineWithin = 100'000'000;  // nanoseconds after the start

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

bool has_begun(const std::string& path) {
  std::error_code missing;
  auto size = std::filesystem::file_size(path, missing);
  return !missing && size > 0;
}

// One run of a container, as a reader that follows its log sees it.
class Follower {
 public:
  explicit Follower(LivePtr container) : container_(std::move(container)) {
    std::scoped_lock lock(container_->mutex);
    run_ = container_->run;
  }

  bool mark() {
    std::scoped_lock lock(container_->mutex);
    seen_ = container_->log_writes;
    return over();
  }

  void wait(std::optional<Timestamp> until, const std::stop_token& stop) {
    std::unique_lock lock(container_->mutex);
    auto changed = [&] { return container_->log_writes != seen_ || over(); };
    if (!until) {
      container_->changed.wait(lock, stop, changed);
      return;
    }
    std::chrono::nanoseconds left(std::max<std::int64_t>(0, until->nanoseconds - now().nanoseconds + 1));
    container_->changed.wait_for(lock, stop, left, changed);
  }

 private:
  bool over() const {
    return container_->removed || container_->run != run_ || (!is_up(*container_->state()) && !container_->starting);
  }

  LivePtr container_;
  std::uint64_t run_ = 0, seen_ = 0;
};

}  // namespace

void Engine::require_readable_log(const State& state) const {
  if (state.status == Status::kRemoving || state.status == Status::kDead)
    fail(Kind::kConflict, "can not get logs from container which is dead or marked for removal");
  if (!log_source(state, impl_->container_directory(state.id)))
    fail(Kind::kNotImplemented, "configured logging driver does not support reading");
}

void Engine::logs(std::string_view name, const LogQuery& query, const LogReceiver& receiver, std::stop_token stop) {
  auto container = impl_->registry.get(name);
  auto state = container->state();
  require_readable_log(*state);
  auto source = log_source(*state, impl_->container_directory(state->id));
  Follower follower(container);
  std::unique_ptr<LogBell::Listening> bell;
  const Timestamp first_line{state->started.nanoseconds + kFirstLineWithin};
  bool expects_more = query.follow || (state->status == Status::kRunning && now() < first_line);
  if (expects_more && !follower.mark()) {
    make_directories(parent_of(source->path), 0710);
    bell = impl_->log_bell.listen(parent_of(source->path), [live = container.get()] {
      std::scoped_lock lock(live->mutex);
      ++live->log_writes;
      live->changed.notify_all();
    });
  }
  if (bell && !query.follow && !has_begun(source->path)) follower.wait(first_line, stop);
  LogFollowing following{
      [&] { return follower.mark(); },
      [&](std::optional<Timestamp> until, const std::stop_token& token) { follower.wait(until, token); }};
  read_log(*source, query, receiver, following, stop);
}

}  // namespace hull::container
