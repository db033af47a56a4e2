// SPDX-License-Identifier: Apache-2.0
#include "container/dependencies.h"

#include "base/text.h"

namespace hull::container {

namespace {

constexpr std::string_view kContainer = "container:";

// "name:alias", "name:ro".
void add_names(std::vector<std::string>& names, const std::optional<Strings>& list) {
  if (!list) return;
  for (const std::string& text : *list) names.emplace_back(split_once(text, ':').first);
}

}  // namespace

std::vector<std::string> dependencies_of(const Spec& spec) {
  std::vector<std::string> names;
  for (const std::string* mode : {&spec.host.network_mode, &spec.host.ipc_mode, &spec.host.pid_mode})
    if (mode->starts_with(kContainer)) names.push_back(mode->substr(kContainer.size()));
  add_names(names, spec.host.links);
  add_names(names, spec.host.volumes_from);
  for (const auto& [network, settings] : spec.endpoints) add_names(names, settings.links);
  return names;
}

}  // namespace hull::container
