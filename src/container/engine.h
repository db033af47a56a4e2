// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "container/checkpoint.h"
#include "container/container.h"
#include "container/defaults.h"
#include "container/events.h"
#include "container/files.h"
#include "container/requests.h"
#include "container/spec.h"
#include "image/images.h"
#include "linux/cgroup.h"
#include "linux/reactor.h"
#include "network/networks.h"
#include "shim/client.h"
#include "store/database.h"
#include "store/snapshots.h"
#include "volume/volumes.h"

// The life of containers. This header is the whole of what `api` may do with them; one source file per verb.
// Every function is thread-safe and blocks only for what its comment says. `name` is a full id, an exact name
// (with or without a leading "/") or a unique id prefix: Error{kNotFound} "No such container: x",
// Error{kInvalidArgument} "multiple IDs found with provided prefix: x".
namespace hull::container {

struct Configuration {
  std::string data_root, exec_root;
  std::string shim_program;             // path of hull-shim
  std::string init_program;             // path of the static init for --init; "" : none installed
  std::string shipped_images;           // directory of images that come with hull; "" : none
  std::string cgroup_parent = "/hull";  // systemd driver: a slice
  linux::CgroupDriver cgroup_driver = linux::CgroupDriver::kCgroupfs;
  Defaults defaults;
  LogConfig log_config{"json-file", {}};  // of containers that say nothing else
  std::string tls_program;                // path of hull-log-tls; "" : none installed
  UserRange user_ranges;                  // what containers with a user namespace of their own get theirs from
  UserRange remapped;  // hulld --userns-remap: of all other containers; size 0: they have the host's ids
  std::vector<std::string> cdi_directories;  // of files that describe devices; none: there are no such devices
  bool trace = false;                        // print the microseconds of each step of a start
};

// What the verbs work with; made once by hulld, outlives everything.
struct Services {
  store::Database& database;
  store::Snapshots& snapshots;
  image::Images& images;
  network::Networks& networks;
  volume::Volumes& volumes;
  shim::Launcher& shims;
  linux::Reactor& reactor;
  Events& events;
};

class Engine {
 public:
  struct Impl;  // what the verbs share: engine_impl.h, for this room only
  Engine(Configuration configuration, Services services);
  // Leaves every container running.
  ~Engine();
  Engine(const Engine&) = delete;

  // Rebuilds the truth from the database, the shims and the exit records; removes what crashed work left
  // behind; restarts what its policy wants running. Called once, before the API listens. Idempotent.
  void recover();

  // Readers.
  StatePtr get(std::string_view name) const;
  // The same for who takes the answer as final: when the process has ended and its exit is still on its way to us, this
  // waits for it (two seconds at most). The end of a stream is seen before that.
  StatePtr get_settled(std::string_view name) const;
  std::vector<StatePtr> list() const;  // newest first
  const Configuration& configuration() const;
  std::shared_ptr<const Defaults> defaults() const;
  void set_defaults(Defaults defaults);  // for what is created, started or stopped from now on
  Services& services();

  // Verbs.
  CreateResult create(CreateRequest request);  // a container that cannot start is refused here
  void start(std::string_view name, const std::optional<std::string>& detach_keys = {});  // kNotModified when running
  // Its processes, as they are, into files, and back from there (checkpoint.h). Errors: kConflict when it does not run,
  // or has a checkpoint of that name; kInvalidArgument for containers that cannot be checkpointed; kNotFound; what criu
  // says is kInternal, and the container runs on.
  void checkpoint(std::string_view name, const CheckpointRequest& request);
  void start_from(std::string_view name, const CheckpointPlace& place);
  std::vector<std::string> checkpoints(std::string_view name, const std::string& directory) const;  // names, sorted
  void remove_checkpoint(std::string_view name, const CheckpointPlace& place);
  void stop(std::string_view name, std::optional<int> timeout, const std::string& signal, std::stop_token stop);
  void kill(std::string_view name, const std::string& signal);
  void restart(std::string_view name, std::optional<int> timeout, const std::string& signal);
  void pause(std::string_view name);
  void unpause(std::string_view name);
  void rename(std::string_view name, const std::string& new_name);
  void remove(std::string_view name, const RemoveOptions& options);
  // One more network for a container, at once when it runs; and one less. Errors: kNotFound, those of
  // Networks::connect(), kInvalidArgument for containers that share or have no network.
  void connect(std::string_view name, const std::string& network, const EndpointSettings& settings);
  void disconnect(std::string_view name, const std::string& network, bool force);
  // Limits and restart policy take effect at once, labels too; environment is that of processes started from then on.
  std::vector<std::string> update(std::string_view name, const Changes& changes);
  // Calls `registered` when the wait is certain to see every later exit (the HTTP layer flushes its head then).
  WaitResult wait(std::string_view name, WaitCondition condition, const std::function<void()>& registered,
                  std::stop_token stop);
  void attach(std::string_view name, AttachRequest request);
  void resize(std::string_view name, std::uint32_t height, std::uint32_t width);

  // Gives lines to `receiver`; returns at the end, or with `follow` when the container has exited. Throws what
  // require_readable_log() does.
  void logs(std::string_view name, const LogQuery& query, const LogReceiver& receiver, std::stop_token stop);
  // Error{kNotImplemented} when the driver cannot read back, Error{kConflict} when the container is going away.
  void require_readable_log(const State& state) const;
  StatsSample stats(std::string_view name);
  struct Top {
    std::vector<std::string> titles;
    std::vector<std::vector<std::string>> processes;
  };
  Top top(std::string_view name, const std::string& ps_arguments);
  std::int64_t size_rw(std::string_view name);
  std::int64_t size_root(std::string_view name);

  // The files of a container, running or not. `path` is taken from its root; what symbolic links in it say is
  // confined to that root. Error{kNotFound} "Could not find the file x in container y".
  PathStat stat_path(std::string_view name, const std::string& path);
  // A tar of what is there, written to what `begin` gives when everything that can be refused has been.
  void read_archive(std::string_view name, const std::string& path,
                    const std::function<archive::Sink(const PathStat&)>& begin);
  // Unpacks a tar (plain or compressed) into a directory. Error{kInvalidArgument} when it is none, or read-only.
  void write_archive(std::string_view name, const std::string& path, const archive::Source& tar,
                     const ExtractOptions& options);
  // A tar of the whole root file system, without what is mounted in it.
  void export_root(std::string_view name, const std::function<archive::Sink()>& begin);
  // What differs from the image, sorted by path. Mount points that the engine itself has made are left out.
  std::vector<store::Change> changes(std::string_view name);
  // An image of the container's present state, paused meanwhile if wished. Returns the image's id.
  std::string commit(std::string_view name, CommitRequest request);

  std::string exec_create(std::string_view name, ExecSpec spec);  // returns the exec's id
  void exec_start(const std::string& exec_id, ExecStart start);
  ExecState exec_inspect(const std::string& exec_id) const;  // kNotFound "No such exec instance: id"
  void exec_resize(const std::string& exec_id, std::uint32_t height, std::uint32_t width);

  // Runs the step to its end and returns how that was. Output comes on the calling thread. Errors as those of create()
  // and start(); Error{kCancelled} after `stop`, when the processes are gone.
  shim::ExitRecord run_step(StepRequest request, std::stop_token stop);

  struct Pruned {
    std::vector<std::string> ids;
    std::int64_t space_reclaimed = 0;
  };
  Pruned prune(const std::function<bool(const State&)>& selected);  // of the stopped ones

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace hull::container
