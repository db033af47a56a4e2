// SPDX-License-Identifier: Apache-2.0
#include "build/remote_sources.h"

#include "base/clock.h"
#include "build/cache.h"
#include "store/layout.h"

namespace hull::build {

RemoteSources::RemoteSources(Shared& shared, const Request& request, std::stop_token stop)
    : shared_(shared), request_(request), stop_(std::move(stop)) {}
RemoteSources::~RemoteSources() { shared_.let_go(kept_); }

std::string RemoteSources::place(const std::string& key) const {
  return cat(shared_.data_root, "/build/remote/", store::hex_of(key));
}

void RemoteSources::keep(const std::string& key) {
  std::scoped_lock lock(mutex_);
  if (kept_.insert(key).second) shared_.keep(key);
}

void RemoteSources::record(const std::string& key, std::string_view kind, const std::string& description) {
  std::int64_t time = now().nanoseconds;
  shared_.services().database.put_build_record({.key = key,
                                                .kind = std::string(kind),
                                                .parent_key = "",
                                                .chain_id = "",
                                                .value = place(key),
                                                .description = description,
                                                .size = 0,
                                                .created = time,
                                                .used = time,
                                                .uses = 1},
                                               {});
}

}  // namespace hull::build
