// SPDX-License-Identifier: Apache-2.0
#include "container/engine_impl.h"
#include "container/normalize.h"

namespace hull::container {

void Engine::rename(std::string_view name, const std::string& new_name) {
  auto container = impl_->registry.get(name);
  if (new_name.empty() || new_name == "/") fail_invalid("Neither old nor new names may be empty");
  std::string wanted = checked_name(new_name);
  std::scoped_lock operation(container->operation);
  std::string old = container->state()->name;
  if (wanted == old) fail_invalid("Renaming a container with the same name as its current name");
  impl_->registry.reserve_name(wanted, container->id);
  try {
    impl_->services.database.rename_container(container->id, wanted);
  } catch (...) {
    impl_->registry.release_name(wanted, container->id);
    throw;
  }
  impl_->registry.release_name(old, container->id);
  auto state = container->change([&](State& s) { s.name = wanted; });
  impl_->services.networks.rename(container->id, old, wanted);
  impl_->publish(*state, "rename", {{"oldName", "/" + old}});
}

}  // namespace hull::container
