// SPDX-License-Identifier: Apache-2.0
#include "build/shared.h"

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

}  // namespace hull::build
