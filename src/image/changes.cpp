// SPDX-License-Identifier: Apache-2.0
#include <csignal>
#include <cstring>

#include <algorithm>

#include "base/clock.h"
#include "image/images.h"
#include "image/words.h"
#include "oci/json.h"

// The Dockerfile instructions that change nothing but the image's config, as import and commit take them.
namespace hull::image {

namespace {

using Config = oci::ExecutionConfig;
using Strings = std::vector<std::string>;

struct Change {
  Config& config;
  std::string_view arguments;
  bool& command_was_set;
};

// ["a", "b"]: empty when the text is no JSON array of strings, which makes it a shell command.
std::optional<Strings> exec_form(std::string_view text) {
  if (!text.starts_with("[")) return std::nullopt;
  try {
    return from_json<Strings>(parse_json(text));
  } catch (const Error&) {
    return std::nullopt;
  }
}

Strings command_of(const Config& config, std::string_view text) {
  if (auto words = exec_form(text)) return *words;
  Strings command = config.shell.empty() ? Strings{"/bin/sh", "-c"} : config.shell;
  command.emplace_back(text);
  return command;
}

void require_arguments(std::string_view instruction, std::string_view arguments) {
  if (arguments.empty()) fail_invalid(instruction, " requires at least one argument");
}

void apply_cmd(const Change& change) {
  change.config.cmd = command_of(change.config, change.arguments);
  if (change.config.cmd->empty()) change.config.cmd.reset();  // an image's configuration has no empty lists
  change.command_was_set = true;
}

void apply_entrypoint(const Change& change) {
  change.config.entrypoint = command_of(change.config, change.arguments);
  if (change.config.entrypoint->empty()) change.config.entrypoint.reset();
  // The command of before was meant for another entry point.
  if (!change.command_was_set) change.config.cmd.reset();
}

void apply_env(const Change& change) {
  require_arguments("ENV", change.arguments);
  for (const auto& [key, value] : expand_pairs("ENV", change.arguments, change.config.env)) {
    auto same_key = [&](const std::string& entry) { return split_once(entry, '=').first == key; };
    auto old = std::ranges::find_if(change.config.env, same_key);
    std::string entry = cat(key, "=", value);
    if (old == change.config.env.end())
      change.config.env.push_back(std::move(entry));
    else
      *old = std::move(entry);
  }
}

void apply_label(const Change& change) {
  require_arguments("LABEL", change.arguments);
  for (auto& [key, value] : expand_pairs("LABEL", change.arguments, change.config.env))
    change.config.labels[key] = value;
}

void expose(Config& config, std::string_view word) {
  auto [ports, protocol_text] = split_once(word, '/');
  std::string protocol = protocol_text ? lower(*protocol_text) : "tcp";
  auto [first_text, last_text] = split_once(ports, '-');
  auto first = parse_number<std::uint16_t>(first_text);
  auto last = last_text ? parse_number<std::uint16_t>(*last_text) : first;
  bool known = protocol == "tcp" || protocol == "udp" || protocol == "sctp";
  if (!first || !last || *first == 0 || *last < *first) fail_invalid("invalid containerPort: ", word);
  if (!known) fail_invalid("invalid proto: ", protocol);
  for (int port = *first; port <= *last; ++port) config.exposed_ports[cat(port, "/", protocol)];
}

void apply_expose(const Change& change) {
  require_arguments("EXPOSE", change.arguments);
  for (const std::string& word : expand_words(change.arguments, change.config.env)) expose(change.config, word);
}

void apply_volume(const Change& change) {
  require_arguments("VOLUME", change.arguments);
  auto paths = exec_form(change.arguments);
  if (!paths) paths = expand_words(change.arguments, change.config.env);
  for (const std::string& path : *paths) {
    if (trim(path).empty()) fail_invalid("VOLUME specified can not be an empty string");
    change.config.volumes[std::string(trim(path))];
  }
}

void apply_user(const Change& change) {
  auto words = expand_words(change.arguments, change.config.env);
  if (words.size() != 1) fail_invalid("USER requires exactly one argument");
  change.config.user = words.front();
}

std::string clean(std::string_view path) {
  Strings kept;
  for (std::string_view part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..")
      kept.emplace_back(part);
    else if (!kept.empty())
      kept.pop_back();
  }
  return "/" + join(kept, "/");
}

void apply_workdir(const Change& change) {
  require_arguments("WORKDIR", change.arguments);
  std::string path = expand_text(change.arguments, change.config.env);
  change.config.working_dir = clean(path.starts_with('/') ? path : cat(change.config.working_dir, "/", path));
}

bool is_signal(std::string_view text) {
  if (auto number = parse_number<int>(text)) return *number >= 1 && *number <= SIGRTMAX;
  std::string name = upper(text);
  if (name.starts_with("SIG")) name.erase(0, 3);
  if (name.starts_with("RTMIN") || name.starts_with("RTMAX")) return true;
  for (int number = 1; number < 32; ++number)
    if (const char* known = ::sigabbrev_np(number); known && name == known) return true;
  return false;
}

void apply_stop_signal(const Change& change) {
  auto words = expand_words(change.arguments, change.config.env);
  if (words.size() != 1) fail_invalid("STOPSIGNAL requires exactly one argument");
  if (!is_signal(words.front())) fail_invalid("invalid signal: ", words.front());
  change.config.stop_signal = words.front();
}

void apply_health_flag(oci::HealthCheck& check, std::string_view flag) {
  struct Duration {
    std::string_view name;
    std::int64_t oci::HealthCheck::*field;
  };
  constexpr Duration kDurations[] = {{"--interval", &oci::HealthCheck::interval},
                                     {"--timeout", &oci::HealthCheck::timeout},
                                     {"--start-period", &oci::HealthCheck::start_period},
                                     {"--start-interval", &oci::HealthCheck::start_interval}};
  auto [name, value] = split_once(flag, '=');
  for (const Duration& known : kDurations) {
    if (known.name != name) continue;
    auto duration = parse_duration(value.value_or(""));
    if (!duration || (duration->count() != 0 && duration->count() < 1'000'000))
      fail_invalid("HEALTHCHECK ", name, ": ", hull::quoted(value.value_or("")), " is not a duration of at least 1ms");
    check.*known.field = duration->count();
    return;
  }
  if (name != "--retries") fail_invalid("unknown flag: ", name.substr(2));
  auto retries = parse_number<int>(value.value_or(""));
  if (!retries || *retries < 0) fail_invalid("--retries cannot be negative (", value.value_or(""), ")");
  check.retries = *retries;
}

void apply_healthcheck(const Change& change) {
  require_arguments("HEALTHCHECK", change.arguments);
  oci::HealthCheck check;
  std::string_view rest = change.arguments;
  auto take_word = [&] {
    std::string_view word = rest.substr(0, rest.find_first_of(" \t"));
    rest = trim(rest.substr(word.size()));
    return word;
  };
  while (rest.starts_with("--")) apply_health_flag(check, take_word());
  std::string type = upper(take_word());
  if (type == "NONE") {
    if (!rest.empty()) fail_invalid("HEALTHCHECK NONE takes no arguments");
    check.test = Strings{"NONE"};
  } else if (type == "CMD") {
    if (rest.empty()) fail_invalid("Missing command after HEALTHCHECK CMD");
    Strings test{"CMD"};
    if (auto words = exec_form(rest))
      test.insert(test.end(), words->begin(), words->end());
    else
      test = {"CMD-SHELL", std::string(rest)};
    check.test = std::move(test);
  } else {
    fail_invalid("Unknown type ", hull::quoted(type), " in HEALTHCHECK (try CMD)");
  }
  change.config.healthcheck = std::move(check);
}

void apply_on_build(const Change& change) {
  require_arguments("ONBUILD", change.arguments);
  std::string trigger = upper(change.arguments.substr(0, change.arguments.find_first_of(" \t")));
  if (trigger == "ONBUILD") fail_invalid("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (trigger == "MAINTAINER" || trigger == "FROM") fail_invalid(trigger, " isn't allowed as an ONBUILD trigger");
  change.config.on_build.emplace_back(change.arguments);
}

struct Instruction {
  std::string_view name;
  void (*apply)(const Change& change);
};
constexpr Instruction kInstructions[] = {
    {"CMD", apply_cmd},          {"ENTRYPOINT", apply_entrypoint},   {"ENV", apply_env},
    {"EXPOSE", apply_expose},    {"HEALTHCHECK", apply_healthcheck}, {"LABEL", apply_label},
    {"ONBUILD", apply_on_build}, {"STOPSIGNAL", apply_stop_signal},  {"USER", apply_user},
    {"VOLUME", apply_volume},    {"WORKDIR", apply_workdir},
};

}  // namespace

void Images::apply_changes(oci::ExecutionConfig& config, const std::vector<std::string>& changes) {
  bool command_was_set = false;
  for (const std::string& text : changes) {
    std::string_view line = trim(text);
    if (line.empty()) continue;
    std::string_view name = line.substr(0, line.find_first_of(" \t"));
    const auto* known = std::ranges::find_if(
        kInstructions, [&](const Instruction& instruction) { return equals_ignoring_case(instruction.name, name); });
    if (known == std::end(kInstructions)) fail_invalid(name, " is not a valid change command");
    known->apply({config, trim(line.substr(name.size())), command_was_set});
  }
}

}  // namespace hull::image
