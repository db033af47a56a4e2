// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "base/clock.h"
#include "base/file.h"
#include "build/file_tree.h"

// A file that has its inode, size and times is what it was: nobody can set the time of change. One that changed within
// the last second may change again within one tick of the kernel's clock, unseen: it is not remembered.
namespace hull::build {

namespace {
constexpr std::int64_t kSettled = 1'000'000'000;
constexpr char kMagic[8] = {'h', 'u', 'l', 'l', 's', 't', 'a', '1'};
}  // namespace

StatIndex::StatIndex(std::string file) : file_(std::move(file)) {
  auto text = read_if_exists(file_);
  if (!text || text->size() < sizeof kMagic || std::memcmp(text->data(), kMagic, sizeof kMagic) != 0) return;
  std::size_t count = (text->size() - sizeof kMagic) / sizeof(Row);
  rows_.resize(count);
  std::memcpy(rows_.data(), text->data() + sizeof kMagic, count * sizeof(Row));
  if (!std::ranges::is_sorted(rows_, {}, &Row::inode)) rows_.clear();
}

const FileDigest* StatIndex::find(const FileEntry& file) const {
  auto row = std::ranges::lower_bound(rows_, file.inode, {}, &Row::inode);
  if (row == rows_.end() || row->inode != file.inode) return nullptr;
  bool same = row->size == file.size && row->modified == file.modified && row->changed == file.changed;
  return same ? &row->digest : nullptr;
}

void StatIndex::add(const FileEntry& file) {
  if (now().nanoseconds - std::max(file.changed, file.modified) < kSettled) return;
  added_.push_back({file.inode, file.size, file.modified, file.changed, file.digest});
}

void StatIndex::save() {
  if (added_.empty()) return;
  std::ranges::stable_sort(added_, {}, &Row::inode);
  std::vector<Row> merged;
  std::ranges::set_union(added_, rows_, std::back_inserter(merged), {}, &Row::inode, &Row::inode);
  rows_ = std::move(merged);
  added_.clear();
  std::string text(sizeof kMagic + rows_.size() * sizeof(Row), '\0');
  std::memcpy(text.data(), kMagic, sizeof kMagic);
  std::memcpy(text.data() + sizeof kMagic, rows_.data(), rows_.size() * sizeof(Row));
  // Lost, it is made again.
  write_file_atomically(file_, text, 0600, Durability::kProcessCrash);
}

}  // namespace hull::build
