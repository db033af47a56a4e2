// SPDX-License-Identifier: Apache-2.0
#include <sys/socket.h>

#include <condition_variable>

#include "base/file.h"
#include "base/id.h"
#include "base/rollback.h"
#include "base/trace.h"
#include "container/engine_impl.h"
#include "container/network_plan.h"
#include "container/normalize.h"
#include "container/oci_config.h"
#include "container/shared_memory.h"
#include "container/user_namespace.h"
#include "linux/unix_socket.h"

// A step of a build: the way of start.cpp, without a row in the database, without a log, to the end of its process.
namespace hull::container {

namespace {

// How a step ended, told by the reactor, awaited by whoever runs it.
class Ending {
 public:
  void tell(const shim::ExitRecord& record) {
    std::scoped_lock lock(mutex_);
    if (!record_) record_ = record;
    changed_.notify_all();
  }
  shim::ExitRecord wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return record_.has_value(); });
    return *record_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<shim::ExitRecord> record_;
};

constexpr int kLostCode = 137;

shim::Events events_of(const std::shared_ptr<Ending>& ending, const std::string& directory) {
  shim::Events events;
  events.exited = [ending](const shim::ExitRecord& record) { ending->tell(record); };
  events.lost = [ending, directory] {
    ending->tell(shim::read_exit_record(directory).value_or(shim::ExitRecord{kLostCode, false, now()}));
  };
  events.exec_exited = [](const std::string&, const shim::ExecExit&) {};
  events.out_of_memory = [] {};
  events.detached = [](const std::string&) {};
  return events;
}

// The frames of an attached stream (8 bytes, the channel first, the size last).
class Frames {
 public:
  explicit Frames(const std::function<void(std::string_view, bool)>& output) : output_(output) {}

  void feed(std::string_view data) {
    buffer_ += data;
    std::size_t at = 0;
    while (buffer_.size() - at >= kHeader) {
      auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(buffer_[at + i])); };
      std::size_t size = byte(4) << 24 | byte(5) << 16 | byte(6) << 8 | byte(7);
      if (buffer_.size() - at < kHeader + size) break;
      output_(std::string_view(buffer_).substr(at + kHeader, size), byte(0) == 2);
      at += kHeader + size;
    }
    buffer_.erase(0, at);
  }

 private:
  static constexpr std::size_t kHeader = 8;
  const std::function<void(std::string_view, bool)>& output_;
  std::string buffer_;
};

void copy_output(int socket, const StepRequest& request) {
  Frames frames(request.output);
  std::vector<char> buffer(64 << 10);
  std::vector<UniqueFd> none;
  for (;;) {
    auto size = linux::receive_with_descriptors(socket, buffer, none, true);
    if (!size || *size == 0) return;
    frames.feed({buffer.data(), *size});
  }
}

// Whatever there is of it: it takes what was not made yet, too.
void remove_step(Engine::Impl& self, const State& state, const std::string& run_directory) {
  Rollback steps;  // the last one first
  steps.add("container directory", [&] { remove_tree(self.container_directory(state.id)); });
  steps.add("network", [&] { self.services.networks.detach(state.id); });
  steps.add("shared memory", [&] { release_shared_memory(self.configuration, state.id); });
  steps.add("run directory", [&] { remove_tree(run_directory); });
  steps.add("control group", [&] { self.destroy_cgroup(state); });
}

}  // namespace

shim::ExitRecord Engine::run_step(StepRequest request, std::stop_token stop) {
  Impl& self = *impl_;
  Trace trace(self.configuration.trace, cat("step ", short_id(request.id)));
  image::Image image;
  image.config.config = std::move(request.base);
  std::vector<std::string> warnings;
  Spec& spec = request.spec;
  spec.host.log_config = {"none", {}};
  apply_defaults(spec, *self.defaults());
  normalize(
      spec, image, request.id, self.configuration, [&](std::string_view name) { return self.registry.get(name)->id; },
      warnings);
  resolve_networks(spec, self.services.networks);
  spec.created = now().nanoseconds;
  State state = self.initial_state(request.id, request.id, std::make_shared<const Spec>(std::move(spec)));
  std::string directory = self.run_directory(state.id, random_hex(2));
  trace.step("decide");

  // Nothing of the step is to stay, whether it works out or not.
  Rollback undo;
  undo.add("step", [&] { remove_step(self, state, directory); });
  self.directories.take(self.container_directory(state.id));
  PreparedUsers users = prepare_users(self, state);
  auto network = prepare_network(self, state, users.network.get());
  trace.step("network");

  shim::StartRequest start;
  start.id = state.id;
  start.cgroup_driver = self.configuration.cgroup_driver;
  start.rootfs = self.services.snapshots.mount(state.id, true, users.id_map());
  trace.step("rootfs");
  ConfigInputs inputs{state, self.configuration};
  inputs.rootfs = start.rootfs.get();
  inputs.own_network_namespace = network.network_namespace.valid();
  inputs.users = users.range;
  start.config = build_config(inputs);
  for (oci::Mount& mount : request.mounts) start.config.mounts.push_back(std::move(mount));
  start.mounts = std::move(request.detached);
  start.seccomp_program = seccomp_program(state, self.configuration);
  start.network_namespace = std::move(network.network_namespace);
  start.user_namespace = std::move(users.users);
  trace.step("configure");
  auto [ours, theirs] = linux::make_socket_pair();
  shim::Stream& stream = start.streams.emplace_back();
  stream.socket = std::move(theirs);
  stream.out = stream.err = stream.multiplexed = true;

  make_directories(directory, 0711);
  auto ending = std::make_shared<Ending>();
  auto shim = self.services.shims.launch(directory, events_of(ending, directory));
  if (stop.stop_requested()) fail(Kind::kCancelled, "the build was cancelled");
  trace.step("shim");
  shim->start(std::move(start));  // from here on the step's first process exists
  trace.step("start");

  {
    // All that is in its control group ends with the first process, or with this.
    std::stop_callback on_stop(stop, [&] {
      self.services.reactor.run_in_background([&self, state] {
        if (auto cgroup = self.cgroup_of(state); cgroup->exists()) cgroup->kill_all();
      });
    });
    copy_output(ours.get(), request);
  }
  trace.step("command");
  shim::ExitRecord record = ending->wait();
  trace.step("exit");
  if (stop.stop_requested()) fail(Kind::kCancelled, "the build was cancelled");
  // Its processes ended with the first one. The rest nobody has to wait for, nor for the next step's directories.
  undo.commit();
  self.background.run([&self, state, directory] { remove_step(self, state, directory); });
  self.make_ready();
  return record;
}

}  // namespace hull::container
