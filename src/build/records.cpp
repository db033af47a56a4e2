// SPDX-License-Identifier: Apache-2.0
#include <sys/statvfs.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "build/builder_state.h"
#include "build/cache.h"
#include "build/directory_size.h"
#include "store/layout.h"

// What the cache holds, and how it gets smaller.
namespace hull::build {

namespace {

// What these kinds hold is a directory of their own.
bool has_directory(const store::BuildRecord& record) {
  return record.kind == kCacheMount || record.kind == kHttpSource || record.kind == kGitSource;
}

std::int64_t size_of(const store::BuildRecord& record) {
  return has_directory(record) ? directory_size(record.value) : record.size;
}

bool is_shown(const store::BuildRecord& record) { return record.kind != kImageTime && record.kind != kContent; }

// When everything goes: times of images whose steps are gone, what --why compares with, digests of files, and
// directories whose records were lost with the power.
void remove_unshown(const std::vector<store::BuildRecord>& records, Shared& shared) {
  Strings times;
  for (const store::BuildRecord& record : records)
    if (!is_shown(record)) times.push_back(record.key);
  shared.services().database.remove_build_records(times);
  for (std::string_view name : {"/build/index", "/build/why"}) remove_tree(cat(shared.data_root, name));
  for (std::string_view name : {"/build/cache", "/build/remote"}) {
    std::string parent = cat(shared.data_root, name);
    for (const std::string& hex : list_directory(parent)) {
      std::string key = cat("sha256:", hex);
      if (!shared.is_kept(key) && !shared.services().database.build_record(key))
        store::move_to_trash(shared.data_root, cat(parent, "/", hex));
    }
  }
}

// How many bytes may stay, of `total` (BuildKit's arithmetic). No value: as many as there are of what does not fit.
std::optional<std::int64_t> allowance(const PruneRequest& request, std::int64_t total, const std::string& data_root) {
  if (!request.has_sizes()) return std::nullopt;
  std::optional<std::int64_t> keep = request.max_used_space;
  if (request.min_free_space) {
    struct statvfs info {};
    check(::statvfs(data_root.c_str(), &info), "statvfs", data_root);
    std::int64_t missing = *request.min_free_space - static_cast<std::int64_t>(info.f_bavail * info.f_frsize);
    if (missing > 0)
      keep = std::min(keep.value_or(total), total - missing);
    else if (!keep)
      return total;
  }
  return std::max(keep.value_or(0), request.reserved_space.value_or(0));
}

}  // namespace

std::vector<Usage> Builder::usage() {
  Shared& shared = state_->shared;
  std::set<std::string> in_images;
  for (const auto& image : shared.services().images.list())
    in_images.insert(image->layer_chain_ids.begin(), image->layer_chain_ids.end());
  std::vector<Usage> out;
  for (const store::BuildRecord& record : shared.services().database.build_records()) {
    if (!is_shown(record)) continue;
    Usage one;
    one.id = std::string(store::hex_of(record.key)).substr(0, 25);
    one.parent = record.parent_key.empty() ? "" : std::string(store::hex_of(record.parent_key)).substr(0, 25);
    one.kind = record.kind;
    one.description = record.description;
    one.in_use = shared.is_kept(record.key);
    one.shared = in_images.contains(record.chain_id);
    one.size = size_of(record);
    one.created = {record.created};
    one.used = {record.used};
    one.uses = record.uses;
    out.push_back(std::move(one));
  }
  return out;
}

// A record goes when the filters want it and nothing that stays needs it: what a step was made on does not go before
// it.
Pruned Builder::prune(const PruneRequest& request) {
  std::scoped_lock one_at_a_time(state_->pruning);
  Shared& shared = state_->shared;
  store::Database& database = shared.services().database;
  auto records = database.build_records();
  auto usages = usage();
  std::map<std::string, const Usage*> by_id;
  for (const Usage& one : usages) by_id[one.id] = &one;
  auto usage_of = [&](const store::BuildRecord& record) {
    auto found = by_id.find(std::string(store::hex_of(record.key)).substr(0, 25));
    return found == by_id.end() ? nullptr : found->second;
  };
  std::int64_t total = 0;
  for (const Usage& one : usages) total += one.shared ? 0 : one.size;
  std::optional<std::int64_t> keep = allowance(request, total, shared.data_root);
  std::ranges::stable_sort(records, {}, &store::BuildRecord::used);

  Pruned pruned;
  std::set<std::string> keys;
  for (const store::BuildRecord& record : records) {
    const Usage* one = usage_of(record);
    if (!one) continue;
    if (one->in_use || (one->shared && !request.all)) continue;
    if (request.selected && !request.selected(*one)) continue;
    if (keep && total <= *keep) break;
    keys.insert(record.key);
    pruned.ids.push_back(one->id);
    if (!one->shared) {
      pruned.space_reclaimed += one->size;
      total -= one->size;
    }
  }
  database.remove_build_records({keys.begin(), keys.end()});
  for (const store::BuildRecord& record : records)
    if (has_directory(record) && keys.contains(record.key)) store::move_to_trash(shared.data_root, record.value);
  if (!request.selected && !request.has_sizes()) remove_unshown(records, shared);
  shared.services().snapshots.empty_trash();
  return pruned;
}

void Builder::collect_garbage(std::vector<PruneRequest> rules) {
  constexpr std::int64_t kPause = 10'000'000'000;
  std::int64_t time = monotonic_nanoseconds(), last = state_->collected;
  if (rules.empty() || (last != 0 && time - last < kPause)) return;
  if (!state_->collected.compare_exchange_strong(last, time)) return;
  state_->background.run([this, rules = std::move(rules)] {
    for (const PruneRequest& rule : rules) try {
        Pruned pruned = prune(rule);
        if (!pruned.ids.empty())
          log::info("the cache of builds was over its limits: ", pruned.ids.size(), " records of ",
                    pruned.space_reclaimed, " bytes were removed");
      } catch (const Error& e) {
        log::warn("the cache of builds cannot be made smaller: ", e.message());
      }
  });
}

}  // namespace hull::build
