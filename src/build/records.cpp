// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "base/file.h"
#include "base/log.h"
#include "build/builder_state.h"
#include "build/cache.h"
#include "build/directory_size.h"
#include "store/layout.h"

// What the cache holds, and how it gets smaller.
namespace hull::build {

namespace {

std::int64_t size_of(const store::BuildRecord& record) {
  return record.kind == kCacheMount ? directory_size(record.value) : record.size;
}

bool is_shown(const store::BuildRecord& record) { return record.kind != kImageTime && record.kind != kContent; }

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
  std::ranges::stable_sort(records, {}, &store::BuildRecord::used);

  Pruned pruned;
  Strings keys;
  for (const store::BuildRecord& record : records) {
    const Usage* one = usage_of(record);
    if (!one) continue;
    if (one->in_use || (one->shared && !request.all)) continue;
    if (request.selected && !request.selected(*one)) continue;
    if (request.keep_storage && total <= *request.keep_storage) break;
    keys.push_back(record.key);
    pruned.ids.push_back(one->id);
    if (!one->shared) {
      pruned.space_reclaimed += one->size;
      total -= one->size;
    }
  }
  database.remove_build_records(keys);
  for (const store::BuildRecord& record : records)
    if (record.kind == kCacheMount && std::ranges::find(keys, record.key) != keys.end())
      store::move_to_trash(shared.data_root, record.value);
  // Nothing refers to the times of images whose steps are gone.
  if (!request.selected && !request.keep_storage) {
    Strings times;
    for (const store::BuildRecord& record : records)
      if (!is_shown(record)) times.push_back(record.key);
    database.remove_build_records(times);
    remove_tree(shared.data_root + "/build/index");
  }
  shared.services().snapshots.empty_trash();
  return pruned;
}

}  // namespace hull::build
