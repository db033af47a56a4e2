// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/endpoint.h"
#include "cli/value.h"

// Programs docker-NAME in the docker CLI's plug-in directories, which are commands of hull, too. Each of them answers
// `docker-NAME docker-cli-plugin-metadata` with JSON about itself.
// See https://github.com/docker/cli/blob/master/cli-plugins/metadata/metadata.go.
namespace hull::cli {

struct Plugin {
  std::string name, path;
  std::string vendor, version, summary, url, schema;
  std::string problem;                // why it cannot be used; "" when it can
  std::vector<std::string> shadowed;  // paths of others of that name, which it comes before
  Value json() const;                 // as `info --format json` shows it
};

// Where they are looked for, the first one first: "cliPluginsExtraDirs" of config.json, cli-plugins beside it, and the
// system's.
std::vector<std::string> plugin_directories();

// All of them, sorted by name. Each is asked about itself.
std::vector<Plugin> all_plugins();
// The names alone, without asking anybody.
std::vector<std::string> plugin_names();
// One that can be run. Asks it about itself first.
std::optional<Plugin> find_plugin(std::string_view name);

// Becomes the plug-in, which reads the whole command line itself. An engine of hull's own is started for it.
[[noreturn]] void run_plugin(const Plugin& plugin, const Endpoint& endpoint, std::span<const std::string_view> words);

}  // namespace hull::cli
