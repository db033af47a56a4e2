// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "settings/settings.h"

// From the command line and daemon.json to settings that make sense.
namespace hull::settings {

inline constexpr std::string_view kDefaultFile = "/etc/hull/daemon.json";

// What the command line says. Beside the options of the table it has a few that are no configuration.
struct CommandLine {
  Settings settings;
  std::set<std::string, std::less<>> given;  // keys that a flag has set
  std::string file{kDefaultFile};
  bool file_given = false;
  std::string shim;  // path of hull-shim; "": beside hulld
  bool trace = false, validate = false, version = false, help = false;
};
// `arguments` without the program's name. Throws Error{kInvalidArgument} in the words of dockerd's command line.
CommandLine parse_command_line(const std::vector<std::string>& arguments);
std::string help_text();

// The command line with daemon.json laid over it, checked. The default file may be missing. Throws
// Error{kInvalidArgument} for a file that is no JSON object, for unknown keys, values of the wrong type or without
// sense, and for what both say.
Settings load(const CommandLine& command_line);

// Sentences about options that are set and do nothing.
std::vector<std::string> without_effect(const Settings& settings);

// A change of daemon.json while the engine runs.
struct Reload {
  Settings settings;                           // `now`, with the changes that can be made now
  std::vector<std::string> changed, deferred;  // keys; deferred ones need a new start
};
Reload reload(const Settings& now, const Settings& wanted);
// What the event `daemon reload` tells: every option that can be reloaded, in JSON, and what dockerd tells besides.
StringMap reloadable_values(const Settings& settings);

}  // namespace hull::settings
