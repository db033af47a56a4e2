// SPDX-License-Identifier: Apache-2.0
#include "container/engine_impl.h"
#include "container/log_reader.h"

namespace hull::container {

void Engine::logs(std::string_view name, const LogQuery& query, const std::function<void(const LogLine&)>& line,
                  std::stop_token stop) {
  auto container = impl_->registry.get(name);
  auto state = container->state();
  if (state->status == Status::kRemoving || state->status == Status::kDead)
    fail(Kind::kConflict, "can not get logs from container which is dead or marked for removal");
  if (state->log_path.empty()) fail(Kind::kNotImplemented, "configured logging driver does not support reading");
  std::uint64_t run = 0;
  {
    std::scoped_lock lock(container->mutex);
    run = container->run;
  }
  auto ended = [&] {
    auto now_state = container->state();
    std::scoped_lock lock(container->mutex);
    return container->removed || container->run != run || (!is_up(*now_state) && !container->starting);
  };
  read_log(state->log_path, query, line, ended, stop);
}

}  // namespace hull::container
