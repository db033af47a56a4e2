// SPDX-License-Identifier: Apache-2.0
#include "cli/plugins.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <map>

#include "base/file.h"
#include "base/process.h"
#include "base/text.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/config_file.h"
#include "cli/context_store.h"

namespace hull::cli {
namespace {

constexpr std::string_view kPrefix = "docker-", kQuestion = "docker-cli-plugin-metadata";
constexpr const char* kSystemDirectories[] = {"/usr/local/lib/docker/cli-plugins",
                                              "/usr/local/libexec/docker/cli-plugins", "/usr/lib/docker/cli-plugins",
                                              "/usr/libexec/docker/cli-plugins"};

bool is_plugin_name(std::string_view name) {
  auto is_small = [](char c) { return c >= 'a' && c <= 'z'; };
  return !name.empty() && is_small(name[0]) &&
         std::ranges::all_of(name, [&](char c) { return is_small(c) || (c >= '0' && c <= '9'); });
}

// Paths by name, those that come first in front.
std::map<std::string, std::vector<std::string>> candidates() {
  std::map<std::string, std::vector<std::string>> found;
  for (const std::string& directory : plugin_directories()) {
    try {
      for (const std::string& file : list_directory(directory)) {
        std::string path = cat(directory, "/", file);
        if (file.starts_with(kPrefix) && ::access(path.c_str(), F_OK) == 0)
          found[file.substr(kPrefix.size())].push_back(path);
      }
    } catch (const Error&) {
      // A directory that we may not read has no plug-ins for us.
    }
  }
  return found;
}

// Asks the program about itself; what it does not say, or says wrong, is its problem.
void ask(Plugin& plugin) {
  if (!is_plugin_name(plugin.name)) {
    plugin.problem = cat("plugin candidate ", quoted(plugin.name), " did not match \"^[a-z][a-z0-9]*$\"");
    return;
  }
  if (is_command_name(plugin.name)) {
    plugin.problem = cat("plugin ", quoted(plugin.name), " duplicates builtin command");
    return;
  }
  try {
    ProcessOutput said = run_program({plugin.path, std::string(kQuestion)});
    if (said.exit_code != 0) {
      plugin.problem = cat("failed to fetch metadata: exit status ", said.exit_code);
      return;
    }
    const Value about = parse_value(said.output);
    plugin.schema = about["SchemaVersion"].text();
    plugin.vendor = about["Vendor"].text();
    plugin.version = about["Version"].text();
    plugin.summary = about["ShortDescription"].text();
    plugin.url = about["URL"].text();
  } catch (const Error& e) {
    plugin.problem = cat("failed to fetch metadata: ", e.message());
    return;
  }
  bool known_schema = plugin.schema.starts_with("0.") || plugin.schema.starts_with("1.");
  if (!known_schema)
    plugin.problem =
        cat("plugin SchemaVersion version ", quoted(plugin.schema), " is not supported: must be lower than 2.0.0");
  else if (plugin.vendor.empty())
    plugin.problem = "plugin metadata does not define a vendor";
}

Plugin plugin_at(const std::string& name, const std::vector<std::string>& paths) {
  Plugin plugin;
  plugin.name = name;
  plugin.path = paths[0];
  plugin.shadowed.assign(paths.begin() + 1, paths.end());
  ask(plugin);
  return plugin;
}

// A plug-in knows nothing of $HULL_HOST and of hull's own socket, which is made ready for it.
void tell_host(const Endpoint& given) {
  if (!given.host.empty() || current_context(given.context) != kDefaultContext) return;
  if (const char* host = std::getenv("DOCKER_HOST"); host && *host) return;
  const char* own = std::getenv("HULL_HOST");
  bool own_socket = !own || !*own;
  ::setenv("DOCKER_HOST", own_socket ? default_host().c_str() : own, 1);
  if (!own_socket) return;
  ::unsetenv("DOCKER_HOST");
  try {
    Client(given).connect();  // starts the engine
  } catch (const Error&) {
    // Its help works without one; whatever needs one says so.
  }
  ::setenv("DOCKER_HOST", default_host().c_str(), 1);
}

}  // namespace

Value Plugin::json() const {
  Value out = Value::Map{{"SchemaVersion", schema},
                         {"Vendor", vendor},
                         {"Version", version},
                         {"ShortDescription", summary},
                         {"URL", url},
                         {"Name", name},
                         {"Path", path}};
  if (!problem.empty()) out.set("Err", problem);
  if (!shadowed.empty()) out.set("ShadowedPaths", Value::texts(shadowed));
  return out;
}

std::vector<std::string> plugin_directories() {
  std::vector<std::string> directories;
  for (const Value& extra : config()["cliPluginsExtraDirs"].list()) directories.push_back(extra.text());
  directories.push_back(config_directory() + "/cli-plugins");
  directories.insert(directories.end(), std::begin(kSystemDirectories), std::end(kSystemDirectories));
  return directories;
}

std::vector<Plugin> all_plugins() {
  std::vector<Plugin> plugins;
  for (const auto& [name, paths] : candidates()) plugins.push_back(plugin_at(name, paths));
  return plugins;
}

std::vector<std::string> plugin_names() {
  std::vector<std::string> names;
  for (const auto& [name, paths] : candidates())
    if (is_plugin_name(name) && !is_command_name(name)) names.push_back(name);
  return names;
}

std::optional<Plugin> find_plugin(std::string_view name) {
  if (!is_plugin_name(name)) return std::nullopt;
  for (const std::string& directory : plugin_directories()) {
    std::string path = cat(directory, "/", kPrefix, name);
    if (::access(path.c_str(), F_OK) != 0) continue;
    Plugin plugin = plugin_at(std::string(name), {path});
    if (!plugin.problem.empty()) fail(Kind::kUnavailable, "the plug-in ", path, " cannot be used: ", plugin.problem);
    return plugin;
  }
  return std::nullopt;
}

void run_plugin(const Plugin& plugin, const Endpoint& endpoint, std::span<const std::string_view> words) {
  tell_host(endpoint);
  ::setenv("DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND", "hull", 1);
  ::signal(SIGPIPE, SIG_DFL);
  std::vector<std::string> held{plugin.path};
  held.insert(held.end(), words.begin(), words.end());
  std::vector<char*> arguments;
  for (std::string& word : held) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execv(plugin.path.c_str(), arguments.data());
  throw_errno("run", plugin.path);
}

}  // namespace hull::cli
