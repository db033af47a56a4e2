// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "container/container.h"
#include "container/engine.h"
#include "shim/log_options.h"

// What the logging drivers are called, what they can be told, and what that means for the shim, which does the work.
namespace hull::container {

// In the order of the alphabet.
const std::vector<std::string>& log_driver_names();

// Fills in the engine's default driver, and its options when the driver is that one. An engine without options of its
// own caps json-file at five files of 20 MiB (plan_log()).
void apply_log_defaults(LogConfig& config, const Configuration& configuration);
// Refuses what no container can be started with, in Docker's words: Error{kInvalidArgument}.
void check_log_config(const LogConfig& config);

// What the shim is to do. Resolves names of hosts, which may block: Error{kInternal}.
shim::LogOptions plan_log(const State& state, const Configuration& configuration, const std::string& directory);

// The file that `logs` reads: the driver's own, or the cache of one that cannot be read. `directory` is the container's
// own. Empty when there is none.
struct LogSource {
  std::string path;
  shim::LogFormat format = shim::LogFormat::kJson;
};
std::optional<LogSource> log_source(const State& state, const std::string& directory);

// A tag template, as {{.ImageName}}/{{.Name}}/{{.ID}}. `facts` has what the fields stand for, "Name" and the like;
// `labels` and `extra` what can be asked with {{index .ContainerLabels "x"}} and {{(.ExtraAttributes nil).X}}.
// Functions: lower, upper, title, truncate. Error{kInvalidArgument} for anything else.
struct TagFacts {
  StringMap fields, labels, extra;
};
std::string render_log_tag(std::string_view text, const TagFacts& facts);

}  // namespace hull::container
