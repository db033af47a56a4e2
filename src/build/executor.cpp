// SPDX-License-Identifier: Apache-2.0
#include "build/executor.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <thread>

#include "archive/layer.h"
#include "base/file.h"
#include "base/id.h"
#include "base/rollback.h"
#include "build/cache.h"
#include "build/executor_steps.h"
#include "dockerfile/source.h"
#include "linux/root_dir.h"
#include "store/layout.h"

namespace hull::build {

Shared::Hold::Hold(Shared& shared, std::string name, const std::stop_token& stop)
    : shared_(shared), name_(std::move(name)) {
  std::unique_lock lock(shared_.mutex_);
  if (!shared_.changed_.wait(lock, stop, [&] { return !shared_.held_.contains(name_); }))
    fail(Kind::kCancelled, "the build was cancelled");
  shared_.held_.insert(name_);
}
Shared::Hold::~Hold() {
  std::scoped_lock lock(shared_.mutex_);
  shared_.held_.erase(name_);
  shared_.changed_.notify_all();
}
void Shared::keep(const std::string& key) {
  std::scoped_lock lock(mutex_);
  kept_.insert(key);
}
void Shared::let_go(const std::set<std::string>& keys) {
  std::scoped_lock lock(mutex_);
  for (const std::string& key : keys)
    if (auto one = kept_.find(key); one != kept_.end()) kept_.erase(one);
}
bool Shared::is_kept(const std::string& key) {
  std::scoped_lock lock(mutex_);
  return kept_.contains(key);
}

Executor::Executor(Shared& shared, const Graph& graph, const Request& request, Contexts contexts, Observer& observer,
                   std::stop_token stop)
    : shared_(shared),
      graph_(graph),
      request_(request),
      contexts_(std::move(contexts)),
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

std::optional<NodeResult> Executor::look_up(const Node& node, const NodeResult& parent, const std::string& key) {
  auto record = shared_.services().database.build_record(key);
  if (!record) return std::nullopt;
  NodeResult result = parent;
  result.key = key;
  result.created = record->created;
  result.diff_id = record->value;
  result.size = record->size;
  if (!record->chain_id.empty()) {
    if (!shared_.services().database.layer(record->chain_id)) return std::nullopt;
    result.chain.push_back(record->chain_id);
  }
  (void)node;
  return result;
}

template <class Make>
NodeResult Executor::cached_or(const Node& node, const NodeResult& parent, const std::string& key, Make make) {
  shared_.keep(key);
  {
    std::scoped_lock lock(mutex_);
    if (!kept_.insert(key).second) shared_.let_go({key});
  }
  if (!node.never_cached)
    if (auto known = look_up(node, parent, key)) return *known;
  // Another build may be at the same step.
  Shared::Hold hold(shared_, key, stop_.get_token());
  if (!node.never_cached)
    if (auto known = look_up(node, parent, key)) return *known;
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
  Rollback undo;
  services.snapshots.prepare(id, parent.chain);
  undo.add("snapshot", [&] { services.snapshots.remove(id); });
  change(id);
  if (stop_.stop_requested()) fail(Kind::kCancelled, "the build was cancelled");

  // The writable directory becomes the layer: it is moved, not copied.
  std::string staging = store::incoming_path(shared_.data_root, "build");
  undo.add("incoming layer", [&] { remove_tree(staging); });
  make_directories(staging, 0710);
  std::string upper = services.snapshots.upper_directory(id);
  UniqueFd directory = open_file(upper, O_RDONLY | O_DIRECTORY);
  clamp_times(directory.get());
  archive::RecordOptions options;
  options.recording = staging + "/tar-split";
  options.with_root = root_has_changed(upper, services.snapshots.top_layer_directory(id));
  archive::ExtractedLayer layer = archive::record_layer(directory.get(), options);

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
  services.snapshots.layers().commit_step(record, empty ? nullptr : &staged);
  return result;
}

NodeResult Executor::perform_folder(const Node& node, const NodeResult& parent) {
  std::string key = KeyMaker("folder").add(parent.top()).add(node.folder).add(epoch_key(request_)).digest();
  return cached_or(node, parent, key, [&] {
    return make_layer(node, parent, key, [&](const std::string& id) {
      auto root = shared_.services().snapshots.mount(id, true);
      linux::RootDir(root.get()).make_directory(node.folder);
    });
  });
}

NodeResult Executor::perform_run(const Node& node, const NodeResult& parent) {
  const auto& run = *node.instruction.as<dockerfile::Run>();
  std::string key = KeyMaker("run")
                        .add(parent.top())
                        .add(node.command)
                        .add(node.script)
                        .add(node.environment)
                        .add(node.folder)
                        .add(node.config.user)
                        .add(run.network)
                        .add(run.insecure ? "insecure" : "")
                        .add(mounts_key(node))
                        .add(epoch_key(request_))
                        .digest();
  return cached_or(node, parent, key, [&] {
    return make_layer(node, parent, key, [&](const std::string& id) { run_command(node, id); });
  });
}

NodeResult Executor::perform_copy(const Node& node, const NodeResult& parent) {
  CopyWork work = plan_copy(node);
  std::string key = KeyMaker("copy").add(parent.top()).add(work.key).add(epoch_key(request_)).digest();
  return cached_or(node, parent, key, [&] {
    return make_layer(node, parent, key, [&](const std::string& id) {
      auto root = shared_.services().snapshots.mount(id, true);
      copy_files(node, work, root.get(), shared_.services().snapshots.upper_directory(id));
    });
  });
}

}  // namespace hull::build
