// SPDX-License-Identifier: Apache-2.0
#include "build/builder.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "archive/confined.h"
#include "archive/decompress.h"
#include "archive/placement.h"
#include "archive/tar_reader.h"
#include "base/file.h"
#include "base/id.h"
#include "base/rollback.h"
#include "build/builder_state.h"
#include "build/cache.h"
#include "build/planner.h"
#include "container/shipped_images.h"
#include "dockerfile/parse.h"
#include "oci/reference.h"
#include "store/layout.h"

namespace hull::build {

namespace {

constexpr std::size_t kLargestDockerfile = 2 << 20;

// An upload as a directory.
UniqueFd spool(const archive::Source& tar, const std::string& directory) {
  make_directories(directory, 0700);
  UniqueFd root = open_file(directory, O_RDONLY | O_DIRECTORY);
  archive::TarReader reader(archive::read_ahead(archive::decompress(tar)));
  archive::Placement placement(root.get(), archive::Whiteouts::kLiteral);
  while (const archive::Entry* entry = reader.next()) placement.place(*entry, reader);
  placement.finish();
  return root;
}

std::optional<std::string> read_inside(int root, const std::string& path) {
  if (root < 0) return std::nullopt;
  UniqueFd file = archive::open_confined(root, path, O_RDONLY | O_NONBLOCK);
  struct stat info {};
  if (!file || ::fstat(file.get(), &info) < 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  if (info.st_size > static_cast<off_t>(kLargestDockerfile))
    fail_invalid(quoted(path), " is too large for a text file");
  return read_all(file.get());
}

struct Text {
  std::string path, text;
};

Text find_dockerfile(const Request& request, int context) {
  if (request.dockerfile_text)
    return {request.dockerfile.empty() ? "Dockerfile" : request.dockerfile, *request.dockerfile_text};
  Strings candidates = {request.dockerfile};
  if (request.dockerfile.empty()) candidates = {"Dockerfile", "dockerfile"};
  for (const std::string& path : candidates)
    if (auto text = read_inside(context, path)) return {path, std::move(*text)};
  fail_invalid("Cannot locate specified Dockerfile: ", candidates.front());
}

dockerfile::IgnoreRules ignore_rules(const Request& request, int context, const std::string& dockerfile) {
  if (request.has_ignore_text) return dockerfile::IgnoreRules::parse(request.ignore_text);
  for (const std::string& path : dockerfile::ignore_files(dockerfile))
    if (auto text = read_inside(context, path)) return dockerfile::IgnoreRules::parse(*text);
  return {};
}

std::string index_file(const std::string& data_root, int directory) {
  struct stat info {};
  check(::fstat(directory, &info), "stat", "the build context");
  make_directories(data_root + "/build/index", 0700);
  return cat(data_root, "/build/index/", static_cast<std::uint64_t>(info.st_dev), "-",
             static_cast<std::uint64_t>(info.st_ino));
}

}  // namespace

Builder::Builder(container::Engine& engine) : state_(std::make_unique<State>(engine)) {
  // Half-made cache directories and files of steps that ended with an earlier engine.
  remove_tree(state_->shared.exec_root + "/build");
  std::string caches = state_->shared.data_root + "/build/cache";
  for (const std::string& name : list_directory(caches))
    if (name.starts_with("new-")) remove_tree(cat(caches, "/", name));
}
Builder::~Builder() = default;

bool Builder::cancel(const std::string& id) {
  std::scoped_lock lock(state_->mutex);
  auto build = state_->running.find(id);
  if (build == state_->running.end()) return false;
  build->second.request_stop();
  return true;
}

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

  std::string spooled = store::incoming_path(shared.data_root, "context");
  if (sources.tar) {
    undo.add("build context", [&] { remove_tree(spooled); });
    sources.directories.insert_or_assign("", spool(sources.tar, spooled));
  }
  auto main = sources.directories.find("");
  int context = main == sources.directories.end() ? -1 : main->second.get();
  Text text = find_dockerfile(request, context);
  observer.source(text.path, text.text);
  dockerfile::Dockerfile file = dockerfile::parse(text.text, text.path);

  Executor::Contexts contexts;
  for (auto& [name, directory] : sources.directories) {
    SourceTree::Options options;
    options.owners = false;
    options.ignore = name.empty() ? ignore_rules(request, context, text.path) : ignore_rules({}, directory.get(), "");
    if (!sources.tar || !name.empty()) options.index = index_file(shared.data_root, directory.get());
    contexts[name] = std::make_shared<SourceTree>(std::move(directory), std::move(options));
  }

  PlannerServices services;
  services.has_context = [&](const std::string& name) { return !name.empty() && contexts.contains(name); };
  services.image = [&](const std::string& name, const std::string& platform) {
    image::Images& images = shared.services().images;
    auto found = request.pull && request.fetch ? nullptr : images.find(name);
    if (!found) found = container::import_shipped_image(name, shared.engine.configuration(), images);
    if (!found && request.fetch) {
      observer.message(cat("pulling ", name));
      request.fetch(name, platform, stop.get_token());
      found = images.find(name);
    }
    if (!found) found = images.get(name);
    return found;
  };
  Graph graph = plan(file, request, services, observer);
  std::vector<StepFacts> facts;
  for (const Node& node : graph.nodes) facts.push_back(node.facts);
  observer.planned(facts);

  Executor executor(shared, graph, request, contexts, observer, stop.get_token());
  const auto& results = executor.run();
  for (auto& [name, tree] : contexts) tree->save();

  Assembled image = assemble(shared, graph, request, results);
  bool wanted = request.outputs.empty() ||
                std::ranges::any_of(request.outputs, [](const Output& output) { return output.type == "image"; });
  bool archived = std::ranges::any_of(
      request.outputs, [](const Output& output) { return output.type == "docker" || output.type == "oci"; });
  Result result;
  bool was_there = shared.services().images.find(image.id) != nullptr;
  if (wanted || archived) {
    Strings references;
    for (const std::string& tag : request.tags) {
      references.push_back(oci::Reference::parse(tag).canonical());
      result.tags.push_back(oci::Reference::parse(tag).familiar());
    }
    shared.services().images.add_built(image.config, image.chain, image.size, wanted ? references : Strings{});
    result.image_id = image.id;
  }
  for (const Output& output : request.outputs) write_output(shared, image, request, output, observer);
  if (archived && !wanted && !was_there)
    shared.services().images.remove(image.id, true, true,
                                    [](const auto&) { return std::optional<image::Images::Use>(); });

  Strings used;
  for (const NodeResult& node : results)
    if (node.cached && !node.key.empty()) used.push_back(node.key);
  std::ranges::sort(used);
  used.erase(std::ranges::unique(used).begin(), used.end());
  // The answer does not wait for it. The database outlives background work, this builder does not.
  shared.services().reactor.run_in_background(
      [&database = shared.services().database, used] { database.use_build_records(used, now().nanoseconds); });
  return result;
}

}  // namespace hull::build
