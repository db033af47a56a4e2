// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "archive/placement.h"
#include "build/graph.h"
#include "build/request.h"
#include "build/sources.h"
#include "container/engine.h"

namespace hull::build {

// What all builds of one engine share.
class Shared {
 public:
  Shared(container::Engine& with, std::string data, std::string exec)
      : engine(with), data_root(std::move(data)), exec_root(std::move(exec)) {}

  container::Engine& engine;
  const std::string data_root, exec_root;
  container::Services& services() const { return engine.services(); }

  // Held while something with that name is worked on: the same step of two builds is done once, a cache mount with
  // sharing=locked is used by one RUN. Throws Error{kCancelled} after `stop`.
  class Hold {
   public:
    Hold(Shared& shared, std::string name, const std::stop_token& stop);
    ~Hold();
    Hold(const Hold&) = delete;

   private:
    Shared& shared_;
    std::string name_;
  };

  // Records that running builds count on: not to be pruned.
  void keep(const std::string& key);
  void let_go(const std::set<std::string>& keys);
  bool is_kept(const std::string& key);

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::set<std::string> held_;
  std::multiset<std::string> kept_;
};

// What a node turned out to be.
struct NodeResult {
  std::vector<std::string> chain;  // layers, bottom first
  std::string key;                 // of its record; "" for nodes without one
  std::string diff_id;             // of the layer that it added; "" : none
  std::int64_t size = 0;
  std::int64_t created = 0;  // nanoseconds
  bool cached = true;

  std::string top() const { return chain.empty() ? "" : chain.back(); }
};

// Does what a graph says: every node once, when its inputs are done, independent ones at the same time. The first
// failure stops the others.
class Executor {
 public:
  using Contexts = std::map<std::string, std::shared_ptr<SourceTree>>;  // "" is the build context

  Executor(Shared& shared, const Graph& graph, const Request& request, Contexts contexts, Observer& observer,
           std::stop_token stop);
  ~Executor();

  // Results by node. Throws the first node's error, as dockerfile::SourceError with its lines.
  const std::vector<NodeResult>& run();

 private:
  struct CopyWork {
    SourceTree* tree = nullptr;
    std::vector<SelectedFile> selected;
    dockerfile::IgnoreRules left_out;
    std::string destination;  // absolute
    bool into_directory = false;
    std::string key;  // all that the result depends on beside the file system below
  };
  // The mounts of a RUN while it is put together and runs.
  struct RunMounts {
    std::vector<std::unique_ptr<Shared::Hold>> holds;
    std::string directory;  // in the exec root: secrets and scripts, readable by root alone
    std::string scratch;    // in incoming/: writable directories that nobody keeps
    std::vector<std::string> environment;
  };

  void work();
  void execute(std::size_t index);
  NodeResult perform(const Node& node);
  NodeResult perform_base(const Node& node);
  NodeResult perform_config(const Node& node, const NodeResult& parent);
  NodeResult perform_folder(const Node& node, const NodeResult& parent);
  NodeResult perform_run(const Node& node, const NodeResult& parent);
  NodeResult perform_copy(const Node& node, const NodeResult& parent);

  // The result that is recorded under `key`, or the one that `make` gives, which is recorded then.
  template <class Make>
  NodeResult cached_or(const Node& node, const NodeResult& parent, const std::string& key, Make make);
  std::optional<NodeResult> look_up(const Node& node, const NodeResult& parent, const std::string& key);
  // A writable root file system on `parent`; what `change(id)` leaves in it becomes a layer.
  template <class Change>
  NodeResult make_layer(const Node& node, const NodeResult& parent, const std::string& key, Change change);
  void clamp_times(int directory);

  SourceTree& tree_of(const FileOrigin& origin);
  // The files of a chain of layers, read-only.
  linux::DetachedMount mount_chain(const std::vector<std::string>& chain) const;
  std::optional<archive::Owner> owner_of(const std::string& chown, int root) const;

  CopyWork plan_copy(const Node& node);
  void copy_files(const Node& node, const CopyWork& work, int root, const std::string& upper);
  static void unpack(const SourceTree& tree, const std::string& path, const std::string& to, int root,
                     std::optional<archive::Owner> owner);

  // run_step.cpp, run_mounts.cpp
  void run_command(const Node& node, const std::string& id);
  container::Spec spec_of(const Node& node) const;
  void add_mounts(const Node& node, container::StepRequest& step, RunMounts& mounts);
  void add_mount(const Node& node, std::size_t index, container::StepRequest& step, RunMounts& mounts);
  void add_secret(const dockerfile::RunMount& mount, container::StepRequest& step, RunMounts& mounts);
  void add_agent(const dockerfile::RunMount& mount, container::StepRequest& step, RunMounts& mounts);
  UniqueFd bind_source(const FileOrigin& origin, const dockerfile::RunMount& mount, RunMounts& mounts);
  UniqueFd cache_directory(const Node& node, std::size_t index, RunMounts& mounts);
  std::string mounts_key(const Node& node);

  Shared& shared_;
  const Graph& graph_;
  const Request& request_;
  Contexts contexts_;
  Observer& observer_;
  std::stop_source stop_;
  std::stop_callback<std::function<void()>> on_stop_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<NodeResult> results_;
  std::vector<std::size_t> missing_;               // by node: inputs that are not done
  std::vector<std::vector<std::size_t>> waiting_;  // by node: who needs it
  std::set<std::size_t> ready_;
  std::size_t left_ = 0, running_ = 0;
  std::exception_ptr failure_;
  std::set<std::string> kept_;
  std::map<std::string, std::shared_ptr<SourceTree>> trees_;  // of chains, by the top layer
};

}  // namespace hull::build
