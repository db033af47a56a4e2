// SPDX-License-Identifier: Apache-2.0
#include <chrono>

#include "base/text.h"
#include "build/planner.h"

// The texts of the image's history: Go's formats, which people and tools know (BuildKit's history has the same).
namespace hull::build {

namespace {

using namespace dockerfile;

// Go's %q of a list: ["a" "b"].
std::string quoted_list(const std::vector<std::string>& words) {
  std::vector<std::string> quoted_words;
  for (const std::string& word : words) quoted_words.push_back(quoted(word));
  return cat("[", join(quoted_words, " "), "]");
}

std::string pairs(const std::vector<KeyValue>& values) {
  std::vector<std::string> words;
  for (const KeyValue& one : values) words.push_back(cat(one.key, "=", one.value));
  return join(words, " ");
}

// Go's time.Duration: "1m30s", "500ms".
std::string go_duration(std::int64_t nanoseconds) {
  if (nanoseconds == 0) return "0s";
  if (nanoseconds < 1'000'000'000) return cat(nanoseconds / 1'000'000, "ms");
  std::int64_t seconds = nanoseconds / 1'000'000'000;
  std::string text;
  if (seconds >= 3600) text += cat(seconds / 3600, "h");
  if (seconds >= 60) text += cat(seconds / 60 % 60, "m");
  return text + cat(seconds % 60, "s");
}

std::string health(const oci::HealthCheck& check) {
  return cat("HEALTHCHECK &{", quoted_list(check.test.value_or(std::vector<std::string>{})), " \"",
             go_duration(check.interval), "\" \"", go_duration(check.timeout), "\" \"", go_duration(check.start_period),
             "\" \"", go_duration(check.start_interval), "\" '\\x0", "0123456789abcdef"[check.retries % 16], "'}");
}

std::string files(std::string_view word, const FileSources& sources, std::string_view more) {
  std::string text(word);
  if (!more.empty()) text += cat(" ", more);
  if (sources.link) text += " --link";
  if (!sources.chown.empty()) text += cat(" --chown=", sources.chown);
  if (!sources.chmod.empty()) text += cat(" --chmod=", sources.chmod);
  for (const std::string& path : sources.paths) text += cat(" ", path);
  for (const Heredoc& document : sources.documents) text += cat(" <<", document.name);
  return cat(text, " ", sources.destination, " # buildkit");
}

struct Line {
  const oci::ExecutionConfig& config;
  const std::vector<KeyValue>& arguments;
  const std::vector<std::string>& command;

  std::string operator()(const From&) const { return {}; }
  std::string operator()(const Run&) const {
    std::string text = "RUN";
    if (!arguments.empty()) text += cat(" |", arguments.size(), " ", pairs(arguments));
    return cat(text, " ", join(command, " "), " # buildkit");
  }
  std::string operator()(const Cmd&) const {
    return cat("CMD ", quoted_list(config.cmd.value_or(std::vector<std::string>{})));
  }
  std::string operator()(const Entrypoint&) const {
    return cat("ENTRYPOINT ", quoted_list(config.entrypoint.value_or(std::vector<std::string>{})));
  }
  std::string operator()(const Shell& shell) const { return cat("SHELL [", join(shell.words, " "), "]"); }
  std::string operator()(const Label& label) const { return cat("LABEL ", pairs(label.labels)); }
  std::string operator()(const Env& env) const { return cat("ENV ", pairs(env.variables)); }
  std::string operator()(const Arg& arg) const {
    std::vector<std::string> words;
    for (const auto& one : arg.arguments) words.push_back(one.value ? cat(one.name, "=", *one.value) : one.name);
    return cat("ARG ", join(words, " "));
  }
  std::string operator()(const Expose& expose) const { return cat("EXPOSE [", join(expose.ports, " "), "]"); }
  std::string operator()(const Volume& volume) const { return cat("VOLUME [", join(volume.paths, " "), "]"); }
  std::string operator()(const User& user) const { return cat("USER ", user.user); }
  std::string operator()(const Workdir&) const { return cat("WORKDIR ", config.working_dir); }
  std::string operator()(const StopSignal& signal) const { return cat("STOPSIGNAL ", signal.signal); }
  std::string operator()(const Maintainer& maintainer) const { return cat("MAINTAINER ", maintainer.author); }
  std::string operator()(const OnBuild&) const { return {}; }
  std::string operator()(const HealthCheck& check) const { return health(check.check); }
  std::string operator()(const Copy& copy) const { return files("COPY", copy.files, copy.parents ? "--parents" : ""); }
  std::string operator()(const Add& add) const {
    return files("ADD", add.files, add.checksum.empty() ? "" : cat("--checksum=", add.checksum));
  }
};

}  // namespace

std::string history_line(const Instruction& instruction, const oci::ExecutionConfig& config,
                         const std::vector<KeyValue>& arguments, const std::vector<std::string>& command) {
  return std::visit(Line{config, arguments, command}, instruction.body);
}

}  // namespace hull::build
