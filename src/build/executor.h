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
#include "build/layer_digests.h"
#include "build/remote_sources.h"
#include "build/request.h"
#include "build/shared.h"
#include "build/sources.h"
#include "build/step_key.h"

namespace hull::build {

class ImportedCaches;
class StepHistory;

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
  // What else steps are made with. Outlives this.
  struct Helpers {
    RemoteSources& remote;
    const ImportedCaches& imports;
    StepHistory& history;
  };

  Executor(Shared& shared, const Graph& graph, const Request& request, Contexts contexts, Helpers helpers,
           Observer& observer, std::stop_token stop);
  ~Executor();

  // Results by node. Throws the first node's error, as dockerfile::SourceError with its lines.
  const std::vector<NodeResult>& run();

 private:
  struct CopyWork {
    struct Taken {
      SourceTree* tree;
      SelectedFile file;
      std::string identity;  // of its content, where that has a name (a commit); "" : its digest
      bool unpack = false;   // when it is an archive
    };
    std::vector<Taken> taken;
    dockerfile::IgnoreRules left_out;
    std::string destination;  // absolute
    bool into_directory = false;
    bool linked = false;  // over nothing, in a plain directory
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
  NodeResult cached_or(const Node& node, const NodeResult& parent, StepKey& key, Make make);
  std::optional<NodeResult> look_up(const NodeResult& parent, const std::string& key);
  std::optional<NodeResult> import(const Node& node, const NodeResult& parent, const std::string& key);
  void keep(const std::string& key);
  void explain(const Node& node, StepKey& key);
  // A writable root file system on `parent`; what `change(id, digests)` leaves in it becomes a layer. `digests` it may
  // fill in.
  template <class Change>
  NodeResult make_layer(const Node& node, const NodeResult& parent, const std::string& key, Change change);
  void clamp_times(int directory);

  SourceTree& tree_of(const FileOrigin& origin);
  // The files of a chain of layers, read-only.
  linux::DetachedMount mount_chain(const std::vector<std::string>& chain) const;
  std::optional<archive::Owner> owner_of(const std::string& chown, int root) const;

  void plan_copy(const Node& node, CopyWork& work, StepKey& key);
  void take_remote(const dockerfile::Add& add, const std::string& url, CopyWork& work);
  LayerDigests copy_files(const Node& node, const CopyWork& work, int root, const std::string& upper);
  std::string last_layer(const Node& node) const;
  NodeResult perform_link(const Node& node, const NodeResult& parent, CopyWork& work, StepKey& files);
  // The layer again, over other layers than those it was made on.
  NodeResult put_over(const Node& node, const NodeResult& parent, const NodeResult& layer, const std::string& key);
  SourceTree& remote_tree(const std::string& directory);
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
  void add_mounts_to(StepKey& key, const Node& node);

  Shared& shared_;
  const Graph& graph_;
  const Request& request_;
  Contexts contexts_;
  Helpers helpers_;
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
  std::map<std::string, std::shared_ptr<SourceTree>> trees_;  // of chains by the top layer, of directories by path
};

}  // namespace hull::build
