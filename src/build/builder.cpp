// SPDX-License-Identifier: Apache-2.0
#include "build/builder.h"

#include <algorithm>

#include "base/fault.h"
#include "base/file.h"
#include "base/rollback.h"
#include "build/builder_state.h"
#include "build/cache.h"
#include "build/cache_import.h"
#include "build/contexts.h"
#include "build/planner.h"
#include "build/portable_cache.h"
#include "build/step_history.h"
#include "container/shipped_images.h"
#include "dockerfile/parse.h"
#include "dockerfile/scope.h"
#include "oci/reference.h"

namespace hull::build {

Builder::Builder(container::Engine& engine) : state_(std::make_unique<State>(engine)) {
  // Half-made cache directories and files of steps that ended with an earlier engine.
  remove_tree(state_->shared.exec_root + "/build");
  std::string caches = state_->shared.data_root + "/build/cache", remote = state_->shared.data_root + "/build/remote";
  for (const std::string& name : list_directory(caches))
    if (name.starts_with("new-")) remove_tree(cat(caches, "/", name));
  // What was fetched and not recorded any more.
  for (const std::string& name : list_directory(remote))
    if (!engine.services().database.build_record(cat("sha256:", name))) remove_tree(cat(remote, "/", name));
}
Builder::~Builder() = default;

bool Builder::cancel(const std::string& id) {
  std::scoped_lock lock(state_->mutex);
  auto build = state_->running.find(id);
  if (build == state_->running.end()) return false;
  build->second.request_stop();
  return true;
}

namespace {

// The answer does not wait for it. The database outlives background work, this builder does not.
void remember_use(Shared& shared, const std::vector<NodeResult>& results) {
  Strings used;
  for (const NodeResult& node : results)
    if (node.cached && !node.key.empty()) used.push_back(node.key);
  std::ranges::sort(used);
  used.erase(std::ranges::unique(used).begin(), used.end());
  shared.services().reactor.run_in_background(
      [&database = shared.services().database, used] { database.use_build_records(used, now().nanoseconds); });
}

// The image with that name, pulled when it is not here.
image::ImagePtr find_image(Shared& shared, const Request& request, const std::string& name, const std::string& platform,
                           Observer& observer, const std::stop_token& stop) {
  image::Images& images = shared.services().images;
  auto found = request.pull && request.transfer ? nullptr : images.find(name);
  if (!found) found = container::import_shipped_image(name, shared.engine.configuration(), images);
  if (!found && request.transfer) {
    observer.message(cat("pulling ", name));
    image::PullRequest pull;
    pull.reference = oci::Reference::parse(name);
    if (pull.reference.tag.empty() && pull.reference.digest.empty()) pull.reference.tag = "latest";
    if (!platform.empty()) pull.platform = oci::parse_platform(platform);
    pull.options = request.transfer(pull.reference.domain);
    images.pull(
        pull, [](const image::TransferMessage&) {}, stop);
    found = images.find(name);
  }
  return found ? found : images.get(name);
}

// A cache that cannot be read makes a build slower, not wrong.
void read_imports(ImportedCaches& imports, Shared& shared, const Request& request, Observer& observer,
                  const std::stop_token& stop) {
  for (const CacheTransfer& from : request.cache_imports) try {
      imports.add(shared, request, from, stop);
    } catch (const Error& e) {
      if (e.kind() == Kind::kCancelled || e.kind() == Kind::kInvalidArgument) throw;
      observer.warning(cat("failed to import cache: ", e.message()), {});
    }
}

void export_caches(Shared& shared, const Graph& graph, const std::vector<NodeResult>& results, const Assembled& image,
                   const Request& request, Observer& observer, const std::stop_token& stop) {
  for (const CacheTransfer& to : request.cache_exports) try {
      export_cache(shared, graph, results, image, request, to, observer, stop);
    } catch (const Error& e) {
      auto ignored = to.attributes.find("ignore-error");
      if (ignored == to.attributes.end() || ignored->second != "true") throw;
      observer.warning(cat("failed to export cache: ", e.message()), {});
    }
}

}  // namespace

Result Builder::build(Request request, Sources sources, Observer& to, std::stop_token client) {
  State& self = *state_;
  Shared& shared = self.shared;
  SerialObserver observer(to);
  std::stop_source stop;
  std::stop_callback with_client(client, [&] { stop.request_stop(); });
  Rollback undo;
  if (!request.id.empty()) {
    std::scoped_lock lock(self.mutex);
    self.running.insert_or_assign(request.id, stop);
    undo.add("build", [&] {
      std::scoped_lock relock(self.mutex);
      self.running.erase(request.id);
    });
  }
  for (const std::string& tag : request.tags) oci::Reference::parse(tag);  // refused before anything is done
  check_outputs(request);

  RemoteSources remote(shared, request, stop.get_token());
  Contexts contexts = open_contexts(shared, request, std::move(sources), remote, undo);
  observer.source(contexts.path, contexts.text);
  dockerfile::Dockerfile file = dockerfile::parse(contexts.text, contexts.path);

  PlannerServices services;
  services.has_context = [&](const std::string& name) { return !name.empty() && contexts.trees.contains(name); };
  services.image = [&](const std::string& name, const std::string& platform) {
    return find_image(shared, request, name, platform, observer, stop.get_token());
  };
  Graph graph = plan(file, request, services, observer);
  std::vector<StepFacts> facts;
  for (const Node& node : graph.nodes) facts.push_back(node.facts);
  observer.planned(facts);

  ImportedCaches imports;
  read_imports(imports, shared, request, observer, stop.get_token());
  StepHistory history(shared.data_root, contexts.project);
  Executor executor(shared, graph, request, contexts.trees, {remote, imports, history}, observer, stop.get_token());
  Rollback notes;
  notes.add("what --why knows", [&] { history.save(false); });
  const auto& results = executor.run();
  dockerfile::BuildArguments given = request.arguments;
  for (const std::string& name : request.unset_arguments) given[name];
  if (auto unused = dockerfile::unused_arguments(file, given); !unused.empty())
    observer.warning(cat("One or more build-args [", join(unused, " "), "] were not consumed"), {});
  notes.commit();
  history.save(true);
  for (auto& [name, tree] : contexts.trees) tree->save();

  fault::point("build.executed");
  Assembled image = assemble(shared, graph, request, results, imports);
  if (request.squash) image = squash(shared, graph, image);
  Result result = write_outputs(shared, image, request, observer, stop.get_token());
  export_caches(shared, graph, results, image, request, observer, stop.get_token());
  fault::point("build.stored");
  remember_use(shared, results);
  result.grew = std::ranges::any_of(results, [](const NodeResult& node) { return !node.cached; });
  return result;
}

}  // namespace hull::build
