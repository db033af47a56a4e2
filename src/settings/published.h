// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>

#include "settings/settings.h"

namespace hull::settings {

// The settings in force. Readers get a snapshot and never wait for a reload.
class Published {
 public:
  explicit Published(Settings settings) { set(std::move(settings)); }
  std::shared_ptr<const Settings> get() const {
    std::scoped_lock lock(mutex_);
    return settings_;
  }
  void set(Settings settings) {
    auto fresh = std::make_shared<const Settings>(std::move(settings));
    std::scoped_lock lock(mutex_);
    settings_ = std::move(fresh);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Settings> settings_;
};

}  // namespace hull::settings
