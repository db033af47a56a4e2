// SPDX-License-Identifier: Apache-2.0
#include "build/executor.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <thread>

#include "archive/layer.h"
#include "archive/tree_copy.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/id.h"
#include "base/rollback.h"
#include "base/trace.h"
#include "build/cache.h"
#include "build/cache_import.h"
#include "build/executor_steps.h"
#include "build/step_history.h"
#include "dockerfile/source.h"
#include "linux/root_dir.h"
#include "store/layout.h"

namespace hull::build {

Executor::Executor(Shared& shared, const Graph& graph, const Request& request, Contexts contexts, Helpers helpers,
                   Observer& observer, std::stop_token stop)
    : shared_(shared),
      graph_(graph),
      request_(request),
      contexts_(std::move(contexts)),
      helpers_(helpers),
      observer_(observer),
      on_stop_(std::move(stop),
               [this] {
                 stop_.request_stop();
                 std::scoped_lock lock(mutex_);
                 changed_.notify_all();
               }),
      results_(graph.nodes.size()),
      missing_(graph.nodes.size()),
      waiting_(graph.nodes.size()),
      left_(graph.nodes.size()) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    auto inputs = graph.nodes[i].inputs();
    missing_[i] = inputs.size();
    for (std::size_t input : inputs) waiting_[input].push_back(i);
    if (inputs.empty()) ready_.insert(i);
  }
}

Executor::~Executor() { shared_.let_go(kept_); }

// Whoever runs a node goes on with the first one that it made ready; for more than that there are more threads.
const std::vector<NodeResult>& Executor::run() {
  {
    std::vector<std::jthread> helpers;
    std::size_t beginnings = ready_.size();
    unsigned processors = std::max(2U, std::thread::hardware_concurrency());
    for (std::size_t i = 1; i < std::min<std::size_t>(beginnings, processors); ++i)
      helpers.emplace_back([this] { work(); });
    work();
  }
  if (failure_) std::rethrow_exception(failure_);
  if (stop_.stop_requested()) fail(Kind::kCancelled, "the build was cancelled");
  return results_;
}

void Executor::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return !ready_.empty() || left_ == 0 || stop_.stop_requested() || running_ == 0; });
    if (ready_.empty() || stop_.stop_requested()) return;
    std::size_t index = *ready_.begin();
    ready_.erase(ready_.begin());
    ++running_;
    lock.unlock();
    std::exception_ptr failure;
    try {
      execute(index);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    --running_;
    --left_;
    if (failure) {
      if (!failure_ && !stop_.stop_requested()) failure_ = failure;
      lock.unlock();
      stop_.request_stop();
      lock.lock();
    } else {
      for (std::size_t next : waiting_[index])
        if (--missing_[next] == 0) ready_.insert(next);
    }
    changed_.notify_all();
  }
}

void Executor::execute(std::size_t index) {
  const Node& node = graph_.nodes[index];
  observer_.started(index);
  try {
    results_[index] = perform(node);
  } catch (const Error& e) {
    if (e.kind() != Kind::kCancelled) observer_.failed(index, e.message());
    if (e.kind() == Kind::kCancelled || dynamic_cast<const dockerfile::SourceError*>(&e)) throw;
    throw dockerfile::SourceError(e.message(), node.lines, {node.lines.first, 0}, false);
  }
  const NodeResult& result = results_[index];
  // Something like an image's id for whoever shows one at each step.
  std::string shown = node.base ? node.base->id : result.top().empty() ? node.facts.digest : result.top();
  observer_.done(index, result.cached && node.kind != NodeKind::kBase, shown);
}

NodeResult Executor::perform(const Node& node) {
  if (node.kind == NodeKind::kBase) return perform_base(node);
  const NodeResult& parent = results_[node.parent];
  switch (node.kind) {
    case NodeKind::kFolder: return perform_folder(node, parent);
    case NodeKind::kRun: return perform_run(node, parent);
    case NodeKind::kCopy: return perform_copy(node, parent);
    case NodeKind::kBase:
    case NodeKind::kConfig: break;
  }
  return perform_config(node, parent);
}

// There is nothing to do, and so nothing to save: the record only tells whether this was built before.
NodeResult Executor::perform_config(const Node& node, const NodeResult& parent) {
  NodeResult result = parent;
  result.diff_id.clear();
  result.size = 0;
  result.key = KeyMaker("config").add(parent.top()).add(parent.key).add(node.created_by).digest();
  store::Database& database = shared_.services().database;
  result.cached = !node.never_cached && database.build_record(result.key).has_value();
  if (result.cached) return result;
  std::int64_t time = now().nanoseconds;
  if (const PortableStep* known = node.never_cached ? nullptr : helpers_.imports.find(result.key)) {
    result.cached = true;
    time = known->created;
  }
  database.put_build_record({.key = result.key,
                             .kind = std::string(kImageTime),
                             .parent_key = parent.key,
                             .chain_id = "",
                             .value = "",
                             .description = node.facts.name,
                             .size = 0,
                             .created = time,
                             .used = time,
                             .uses = 1},
                            {});
  return result;
}

NodeResult Executor::perform_base(const Node& node) {
  NodeResult result;
  if (node.parent != kNone) result = results_[node.parent];
  if (node.base) result.chain = node.base->layer_chain_ids;
  result.diff_id.clear();
  result.size = 0;
  result.cached = true;
  return result;
}

std::optional<NodeResult> Executor::look_up(const NodeResult& parent, const std::string& key) {
  auto record = shared_.services().database.build_record(key);
  if (!record) return std::nullopt;
  NodeResult result = parent;
  result.cached = true;
  result.key = key;
  result.created = record->created;
  result.diff_id = record->value;
  result.size = record->size;
  if (!record->chain_id.empty()) {
    if (!shared_.services().database.layer(record->chain_id)) return std::nullopt;
    result.chain.push_back(record->chain_id);
  }
  return result;
}

// What --cache-from knows becomes a step of the engine's own cache.
std::optional<NodeResult> Executor::import(const Node& node, const NodeResult& parent, const std::string& key) {
  const PortableStep* known = helpers_.imports.find(key);
  if (!known) return std::nullopt;
  store::BuildRecord record{.key = key,
                            .kind = std::string(kRegular),
                            .parent_key = parent.key,
                            .chain_id = "",
                            .value = known->diff_id,
                            .description = node.facts.name,
                            .size = known->size,
                            .created = known->created,
                            .used = now().nanoseconds,
                            .uses = 1};
  std::optional<store::StagedLayer> staged;
  Rollback undo;
  if (!known->diff_id.empty()) {
    record.chain_id = store::Layers::chain_id(parent.top(), known->diff_id);
    if (!shared_.services().database.layer(record.chain_id)) {
      staged = helpers_.imports.fetch(shared_, key, parent.top(), stop_.get_token());
      if (!staged) return std::nullopt;
      undo.add("incoming layer", [&] { remove_tree(staged->directory); });
      fault::point("build.imported");
    }
  }
  shared_.services().snapshots.layers().commit_step(record, staged ? &*staged : nullptr);
  return look_up(parent, key);
}

void Executor::keep(const std::string& key) {
  shared_.keep(key);
  std::scoped_lock lock(mutex_);
  if (!kept_.insert(key).second) shared_.let_go({key});
}

// Notes what the step depends on, and says what of it is not as it was.
void Executor::explain(const Node& node, StepKey& key) {
  helpers_.history.keep_listings(key);
  if (!request_.explain) return;
  if (node.never_cached) return observer_.because(node.facts.number, "--no-cache or --no-cache-filter says so");
  StepNote note{node.stage_name, static_cast<std::int64_t>(node.number),
                node.facts.name, node.facts.instruction,
                key.digest(),    key.parts()};
  std::string below = node.parent == kNone ? "" : graph_.nodes[node.parent].facts.name;
  observer_.because(node.facts.number, helpers_.history.why(note, below));
}

template <class Make>
NodeResult Executor::cached_or(const Node& node, const NodeResult& parent, StepKey& key, Make make) {
  const std::string& digest = key.digest();
  keep(digest);
  helpers_.history.note({node.stage_name, static_cast<std::int64_t>(node.number), node.facts.name,
                         node.facts.instruction, digest, key.parts()});
  if (!node.never_cached)
    if (auto known = look_up(parent, digest)) return *known;
  // Another build may be at the same step.
  Shared::Hold hold(shared_, digest, stop_.get_token());
  if (!node.never_cached) {
    if (auto known = look_up(parent, digest)) return *known;
    if (auto known = import(node, parent, digest)) return *known;
  }
  explain(node, key);
  NodeResult made = make();
  made.cached = false;
  return made;
}

void Executor::clamp_times(int directory) {
  if (!request_.rewrite_timestamps || !request_.source_date_epoch) return;
  timespec latest{*request_.source_date_epoch, 0};
  FileList files = walk(directory, "", {});
  for (auto file = files.rbegin(); file != files.rend(); ++file) {
    if (file->modified / 1'000'000'000 < latest.tv_sec || file->path.empty()) continue;
    timespec times[2] = {latest, latest};
    check(::utimensat(directory, file->path.c_str(), times, AT_SYMLINK_NOFOLLOW), "utimens", file->path);
  }
}

template <class Change>
NodeResult Executor::make_layer(const Node& node, const NodeResult& parent, const std::string& key, Change change) {
  container::Services& services = shared_.services();
  std::string id = random_id();
  Trace trace(shared_.engine.configuration().trace, cat("layer ", id.substr(0, 12)));
  Rollback undo;
  services.snapshots.prepare(id, parent.chain);
  undo.add("snapshot", [&] { services.snapshots.remove(id); });
  fault::point("build.snapshot");
  trace.step("snapshot");
  LayerDigests digests;
  change(id, digests);
  fault::point("build.changed");
  trace.step("change");
  if (stop_.stop_requested()) fail(Kind::kCancelled, "the build was cancelled");

  // The writable directory becomes the layer: it is moved, not copied.
  std::string staging = store::incoming_path(shared_.data_root, "build");
  undo.add("incoming layer", [staging] { remove_tree(staging); });  // a copy: it ends before `undo` does
  make_directories(staging, 0710);
  std::string upper = services.snapshots.upper_directory(id);
  UniqueFd directory = open_file(upper, O_RDONLY | O_DIRECTORY);
  clamp_times(directory.get());
  archive::RecordOptions options;
  options.recording = staging + "/tar-split";
  options.with_root = root_has_changed(upper, services.snapshots.top_layer_directory(id));
  archive::ExtractedLayer layer = archive::record_layer(directory.get(), options);
  if (!digests.empty() && !request_.rewrite_timestamps) digests.save(staging);
  fault::point("build.hashed");
  trace.step("hash");

  NodeResult result = parent;
  result.key = key;
  result.created = request_.source_date_epoch ? *request_.source_date_epoch * 1'000'000'000 : now().nanoseconds;
  result.diff_id.clear();
  result.size = layer.size;
  store::BuildRecord record{.key = key,
                            .kind = std::string(kRegular),
                            .parent_key = parent.key,
                            .chain_id = "",
                            .value = "",
                            .description = node.facts.name,
                            .size = layer.size,
                            .created = result.created,
                            .used = now().nanoseconds,
                            .uses = 1};
  store::StagedLayer staged;
  bool empty = layer.diff_id == archive::kEmptyLayer;
  if (!empty) {
    staged.row.diff_id = result.diff_id = record.value = layer.diff_id;
    staged.row.parent_chain_id = parent.top();
    staged.row.chain_id = record.chain_id = store::Layers::chain_id(parent.top(), layer.diff_id);
    staged.row.size = layer.size;
    staged.directory = staging;
    check(::rename(upper.c_str(), (staging + "/diff").c_str()), "rename", upper);
    result.chain.push_back(record.chain_id);
  }
  fault::point("build.moved");
  services.snapshots.layers().commit_step(record, empty ? nullptr : &staged);
  fault::point("build.committed");
  trace.step("commit");
  undo.undo();
  trace.step("clean");
  return result;
}

NodeResult Executor::perform_folder(const Node& node, const NodeResult& parent) {
  StepKey key("folder");
  key.add(kLayersBelow, parent.top()).add("directory", node.folder).add("date", epoch_key(request_));
  return cached_or(node, parent, key, [&] {
    return make_layer(node, parent, key.digest(), [&](const std::string& id, LayerDigests&) {
      auto root = shared_.services().snapshots.mount(id, true);
      linux::RootDir(root.get()).make_directory(node.folder);
    });
  });
}

NodeResult Executor::perform_run(const Node& node, const NodeResult& parent) {
  const auto& run = *node.instruction.as<dockerfile::Run>();
  StepKey key("run");
  key.add(kLayersBelow, parent.top())
      .add("command", node.command)
      .add("script", node.script)
      .add(kVariables, node.environment)
      .add("working directory", node.folder)
      .add("user", node.config.user)
      .add("network", run.network)
      .add("security", run.insecure ? "insecure" : "");
  add_mounts_to(key, node);
  key.add("date", epoch_key(request_));
  return cached_or(node, parent, key, [&] {
    return make_layer(node, parent, key.digest(), [&](const std::string& id, LayerDigests&) { run_command(node, id); });
  });
}

NodeResult Executor::perform_copy(const Node& node, const NodeResult& parent) {
  CopyWork work;
  StepKey files("files");
  plan_copy(node, work, files);
  if (sources_of(node.instruction).link) return perform_link(node, parent, work, files);
  StepKey key("copy");
  key.add(kLayersBelow, parent.top()).add(files).add("date", epoch_key(request_));
  return cached_or(node, parent, key, [&] {
    return make_layer(node, parent, key.digest(), [&](const std::string& id, LayerDigests& digests) {
      auto root = shared_.services().snapshots.mount(id, true);
      digests = copy_files(node, work, root.get(), shared_.services().snapshots.upper_directory(id));
    });
  });
}

// COPY --link: the layer is made over nothing, once, and lies on whatever is below as it is. Over other layers it is a
// second directory of the same files. There is no overlay while it is made: that would mark new directories as ones
// that hide what is below.
NodeResult Executor::perform_link(const Node& node, const NodeResult& parent, CopyWork& work, StepKey& files) {
  StepKey alone("linked files"), key("link");
  alone.add(files).add("date", epoch_key(request_));
  work.linked = true;
  key.add(kLayersBelow, parent.top()).add(alone);
  return cached_or(node, parent, key, [&] {
    const NodeResult nothing;
    keep(alone.digest());
    Shared::Hold hold(shared_, alone.digest(), stop_.get_token());
    std::optional<NodeResult> layer;
    if (!node.never_cached) layer = look_up(nothing, alone.digest());
    if (!layer)
      layer = make_layer(node, nothing, alone.digest(), [&](const std::string& id, LayerDigests& digests) {
        std::string upper = shared_.services().snapshots.upper_directory(id);
        digests = copy_files(node, work, open_file(upper, O_RDONLY | O_DIRECTORY).get(), upper);
      });
    return put_over(node, parent, *layer, key.digest());
  });
}

NodeResult Executor::put_over(const Node& node, const NodeResult& parent, const NodeResult& layer,
                              const std::string& key) {
  NodeResult result = parent;
  result.key = key;
  result.created = layer.created;
  result.diff_id = layer.diff_id;
  result.size = layer.size;
  store::BuildRecord record{.key = key,
                            .kind = std::string(kRegular),
                            .parent_key = parent.key,
                            .chain_id = "",
                            .value = layer.diff_id,
                            .description = node.facts.name,
                            .size = layer.size,
                            .created = layer.created,
                            .used = now().nanoseconds,
                            .uses = 1};
  std::optional<store::StagedLayer> staged;
  Rollback undo;
  if (!layer.diff_id.empty()) {
    record.chain_id = store::Layers::chain_id(parent.top(), layer.diff_id);
    result.chain.push_back(record.chain_id);
    if (!shared_.services().database.layer(record.chain_id)) {
      staged.emplace();
      staged->directory = store::incoming_path(shared_.data_root, "link");
      undo.add("incoming layer", [&] { remove_tree(staged->directory); });
      archive::link_tree(store::layer_path(shared_.data_root, layer.top()), staged->directory);
      remove_tree(staged->directory + "/init");  // what containers find over a layer is each layer's own
      staged->row.diff_id = layer.diff_id;
      staged->row.parent_chain_id = parent.top();
      staged->row.chain_id = record.chain_id;
      staged->row.size = layer.size;
      fault::point("build.linked");
    }
  }
  shared_.services().snapshots.layers().commit_step(record, staged ? &*staged : nullptr);
  return result;
}

}  // namespace hull::build
