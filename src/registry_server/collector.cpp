// SPDX-License-Identifier: Apache-2.0
#include "registry_server/collector.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <set>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "registry_server/refusal.h"
#include "registry_server/repository_lock.h"
#include "registry_server/times.h"
#include "registry_server/uploads.h"

namespace hull::registry_server {

namespace {

constexpr std::int64_t kLeftoverAge = 24 * 3600 * kSecond;

struct Status {
  std::uint64_t size = 0, links = 0;
};
std::optional<Status> status_of(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) < 0) return std::nullopt;
  return Status{static_cast<std::uint64_t>(info.st_size), static_cast<std::uint64_t>(info.st_nlink)};
}

}  // namespace

// Adds the manifests that are not in the graph, and takes out those that are gone. A manifest never changes, so
// whatever was read once stays true.
void Collector::scan(const std::string& name, Graph& graph) const {
  std::vector<Digest> present = manifests_.list(name);
  std::erase_if(graph, [&](const auto& entry) { return !std::ranges::binary_search(present, entry.first); });
  for (const Digest& digest : present) {
    if (graph.contains(digest)) continue;
    auto manifest = manifests_.read(name, digest, true);
    if (!manifest) continue;
    try {
      ManifestDocument document = read_manifest(manifest->text, manifest->media_type);
      graph[digest] = {std::move(document.blobs), std::move(document.manifests), std::move(document.subject)};
    } catch (const Refusal& e) {
      // Nobody knows what it refers to: nothing of this repository can be called garbage.
      fail(Kind::kInternal, "manifest ", digest.text(), " of ", name, " cannot be read (", std::string_view(e.what()),
           "): remove it with `hull registry rm`");
    }
  }
}

std::int64_t Collector::cutoff(const std::string& name, const CollectOptions& options) const {
  std::int64_t present = now().nanoseconds, grace = options.grace.count();
  if (grace == 0) return present + kSecond;  // somebody who knows that nobody pushes
  std::int64_t since = present;
  for (const std::string& id : list_directory(layout_.uploads(name)))
    if (claimed_at(layout_.upload(name, id)) >= present - grace) since = std::min(since, begun_at(id));
  return since - grace - kFreshness;
}

void Collector::remove_unused(const std::string& name, Graph& graph, std::int64_t before, bool dry_run,
                              Collected& result) const {
  for (auto entry = graph.begin(); entry != graph.end();) {
    if (claimed_at(layout_.manifest(name, entry->first)) >= before) {
      ++entry;
      continue;
    }
    ++result.manifests;
    if (!dry_run) manifests_.unlink(name, entry->first, entry->second.subject);
    entry = graph.erase(entry);
  }
  for (const std::string& tag : manifests_.tags(name)) {
    auto digest = manifests_.resolve(name, tag);
    if ((!digest || !graph.contains(*digest)) && !dry_run) manifests_.remove_tag(name, tag);
  }
}

void Collector::remove_untagged(const std::string& name, Graph& graph, std::int64_t before, bool dry_run,
                                Collected& result) const {
  std::set<Digest> kept;
  std::deque<Digest> queue;
  auto keep = [&](const Digest& digest) {
    if (graph.contains(digest) && kept.insert(digest).second) queue.push_back(digest);
  };
  for (const std::string& tag : manifests_.tags(name))
    if (auto digest = manifests_.resolve(name, tag)) keep(*digest);
  std::multimap<Digest, Digest> referrers;
  for (const auto& [digest, node] : graph) {
    if (node.subject) referrers.emplace(*node.subject, digest);
    if (claimed_at(layout_.manifest(name, digest)) >= before) keep(digest);
  }
  // A manifest keeps what an index lists, and whatever says something about it: signatures, bills of materials.
  for (; !queue.empty(); queue.pop_front()) {
    for (const Digest& child : graph.at(queue.front()).manifests) keep(child);
    auto [first, last] = referrers.equal_range(queue.front());
    for (; first != last; ++first) keep(first->second);
  }
  for (auto entry = graph.begin(); entry != graph.end();) {
    if (kept.contains(entry->first)) {
      ++entry;
      continue;
    }
    ++result.manifests;
    if (!dry_run) manifests_.unlink(name, entry->first, entry->second.subject);
    entry = graph.erase(entry);
  }
}

void Collector::remove_blobs(const std::string& name, const Graph& graph, std::int64_t before, bool dry_run,
                             Collected& result) const {
  std::set<Digest> used;
  for (const auto& [digest, node] : graph) used.insert(node.blobs.begin(), node.blobs.end());
  for (const Digest& digest : digests_in(layout_.blobs(name))) {
    std::string path = layout_.blob(name, digest);
    if (used.contains(digest) || claimed_at(path) >= before) continue;
    auto status = status_of(path);
    if (!status) continue;
    ++result.blobs;
    if (status->links <= 2) result.bytes += status->size;  // ours and that below blobs/
    if (!dry_run) blobs_.unlink(name, digest);
  }
}

void Collector::remove_uploads(const std::string& name, const CollectOptions& options, Collected& result) const {
  std::int64_t oldest = now().nanoseconds - options.upload_lifetime.count();
  for (const std::string& id : list_directory(layout_.uploads(name))) {
    std::string path = layout_.upload(name, id);
    auto status = status_of(path);
    if (!status || claimed_at(path) >= oldest) continue;
    ++result.uploads;
    result.bytes += status->size;
    if (!options.dry_run) ::unlink(path.c_str());
  }
}

// What a crash between two steps leaves: files that were not renamed, referrers whose manifest never came.
void Collector::remove_leftovers(const std::string& name) const {
  std::int64_t oldest = now().nanoseconds - kLeftoverAge;
  for (const std::string& directory :
       {layout_.manifests(name) + "/sha256", layout_.manifests(name) + "/sha512", layout_.tags(name)})
    for (const std::string& file : list_directory(directory))
      if (std::string path = cat(directory, "/", file); is_temporary(file) && claimed_at(path) < oldest)
        ::unlink(path.c_str());
  for (const Digest& subject : digests_in(layout_.all_referrers(name))) {
    std::string directory = layout_.referrers(name, subject);
    for (const std::string& entry : list_directory(directory)) {
      auto [algorithm, hex] = split_once(entry, '-');
      auto manifest = parse_digest(cat(algorithm, ":", hex.value_or("")));
      std::string path = cat(directory, "/", entry);
      if ((!manifest || !exists(layout_.manifest(name, *manifest))) && claimed_at(path) < oldest)
        ::unlink(path.c_str());
    }
    ::rmdir(directory.c_str());
  }
}

bool Collector::remove_if_empty(const std::string& name) const {
  if (!manifests_.list(name).empty() || !digests_in(layout_.blobs(name)).empty() ||
      !list_directory(layout_.tags(name)).empty() || !list_directory(layout_.uploads(name)).empty())
    return false;
  for (const std::string& part : {layout_.blobs(name), layout_.manifests(name), layout_.all_referrers(name)}) {
    for (Algorithm algorithm : {Algorithm::kSha256, Algorithm::kSha512})
      ::rmdir(cat(part, "/", to_string(algorithm)).c_str());
    ::rmdir(part.c_str());
  }
  ::rmdir(layout_.tags(name).c_str());
  ::rmdir(layout_.uploads(name).c_str());
  // And the directories above it that exist for its sake only.
  for (std::string path = layout_.repository(name); path != layout_.repositories(); path.resize(path.rfind('/')))
    if (::rmdir(path.c_str()) < 0) break;
  return !manifests_.repository_exists(name);
}

void Collector::collect(const std::string& name, const CollectOptions& options, Collected& result) const {
  Graph graph;
  scan(name, graph);
  // From here on nobody pushes to this repository, until the lock goes.
  auto lock = RepositoryLock::alone(layout_, name);
  if (!lock) return;
  scan(name, graph);
  std::int64_t before = cutoff(name, options);
  if (options.unused.count() > 0)
    remove_unused(name, graph, now().nanoseconds - options.unused.count(), options.dry_run, result);
  if (options.untagged) remove_untagged(name, graph, before, options.dry_run, result);
  remove_blobs(name, graph, before, options.dry_run, result);
  remove_uploads(name, options, result);
  if (options.dry_run) return;
  remove_leftovers(name);
  if (remove_if_empty(name)) ++result.repositories;
}

// Content that no repository has: a crash came between its last name there and its name here.
void Collector::sweep_shared(const CollectOptions& options, Collected& result) const {
  for (Algorithm algorithm : {Algorithm::kSha256, Algorithm::kSha512}) {
    std::string directory = cat(layout_.shared_blobs(), "/", to_string(algorithm));
    for (const std::string& part : list_directory(directory))
      for (const std::string& hex : list_directory(cat(directory, "/", part))) {
        std::string path = cat(directory, "/", part, "/", hex);
        auto status = status_of(path);
        if (!status || status->links > 1) continue;
        ++result.blobs;
        result.bytes += status->size;
        if (!options.dry_run) ::unlink(path.c_str());
      }
  }
}

Collected Collector::run(const CollectOptions& options) const {
  auto lock = FileLock::try_acquire(layout_.root + "/collecting.lock");
  if (!lock) fail(Kind::kConflict, "garbage of ", layout_.root, " is being collected by another process");
  Collected result;
  for (const std::string& name : manifests_.repositories(true)) {
    try {
      collect(name, options, result);
    } catch (const Error& e) {
      log::error("garbage of repository ", name, " stays: ", e.message());
    }
  }
  sweep_shared(options, result);
  return result;
}

}  // namespace hull::registry_server
