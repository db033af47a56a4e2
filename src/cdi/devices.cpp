// SPDX-License-Identifier: Apache-2.0
#include "cdi/devices.h"

#include <set>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "cdi/edits.h"

namespace hull::cdi {

Devices::Devices(const std::vector<std::string>& directories) {
  int priority = 0;
  for (const std::string& directory : directories) {
    for (const std::string& name : list_directory(directory))
      if (name.ends_with(".json") || name.ends_with(".yaml")) read(cat(directory, "/", name), priority);
    ++priority;
  }
  index();
}

void Devices::read(const std::string& path, int priority) {
  try {
    if (auto text = read_if_exists(path))
      sources_.push_back({path, priority, parse_spec(*text, path.ends_with(".yaml"))});
  } catch (const Error& e) {
    problems_.push_back(cat(path, ": ", e.message()));
  }
}

void Devices::index() {
  std::set<std::string> conflicts;
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const Source& source = sources_[i];
    for (std::size_t j = 0; j < source.spec.devices.size(); ++j) {
      std::string name = cat(source.spec.kind, "=", source.spec.devices[j].name);
      auto [place, added] = devices_.try_emplace(name, Found{i, j});
      if (added) continue;
      const Source& other = sources_[place->second.source];
      if (other.priority < source.priority) {
        place->second = {i, j};
        conflicts.erase(name);
      } else {  // directories come in the order of their priority
        problems_.push_back(
            cat("conflicting device ", quoted(name), " (specs ", quoted(other.path), ", ", quoted(source.path), ")"));
        conflicts.insert(name);
      }
    }
  }
  for (const std::string& name : conflicts) devices_.erase(name);
}

std::vector<std::string> Devices::names() const {
  std::vector<std::string> names;
  for (const auto& [name, found] : devices_) names.push_back(name);
  return names;
}

void Devices::inject(oci::RuntimeConfig& config, const std::vector<std::string>& names) const {
  std::vector<std::string> missing;
  for (const std::string& name : names)
    if (!has(name)) missing.push_back(name);
  if (!missing.empty())
    fail_invalid("unresolvable CDI devices ", join(missing, ", "), problems_.empty() ? "" : "; ",
                 join(problems_, "; "));
  std::set<std::size_t> used;
  for (const std::string& name : names) {
    const Found& found = devices_.at(name);
    const Spec& spec = sources_[found.source].spec;
    if (used.insert(found.source).second) apply(spec.edits, config);
    apply(spec.devices[found.device].edits, config);
  }
}

}  // namespace hull::cdi
