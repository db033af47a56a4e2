// SPDX-License-Identifier: Apache-2.0
// First what can be seen from the file alone, then every stage from top to bottom as a build would go through it: only
// there it is known which variables are set.
#include "dockerfile/lint.h"

#include <algorithm>
#include <array>
#include <set>

#include "dockerfile/lines.h"
#include "dockerfile/path_pattern.h"
#include "dockerfile/ports.h"
#include "dockerfile/words.h"
#include "oci/reference.h"

namespace hull::dockerfile {

namespace {

// "api_key", "GITHUB_TOKEN": one of the words, between underscores or ends.
bool has_word(std::string_view name, std::initializer_list<std::string_view> words) {
  for (std::string_view part : split(name, '_'))
    for (std::string_view word : words)
      if (equals_ignoring_case(part, word)) return true;
  return false;
}

bool names_a_secret(std::string_view name) {
  return has_word(name, {"apikey", "auth", "credential", "credentials", "key", "password", "pword", "passwd", "secret",
                         "token"}) &&
         !has_word(name, {"public", "file", "version"});
}

bool one_case(std::string_view word) { return word == lower(word) || word == upper(word); }

// `# check=skip=…` right above an instruction is for that instruction.
CheckOptions with_comments(CheckOptions options, const std::vector<std::string>& comments) {
  for (const std::string& comment : comments) {
    DirectiveScan scan("");
    const auto directive = scan.next(comment);
    if (!directive || directive->name != "check") continue;
    try {
      const CheckOptions own = parse_check_options(directive->value.substr(0, directive->value.find(' ')));
      options.skip_all |= own.skip_all;
      options.experimental_all |= own.experimental_all;
      options.skip.insert(options.skip.end(), own.skip.begin(), own.skip.end());
      options.experimental.insert(options.experimental.end(), own.experimental.begin(), own.experimental.end());
    } catch (const Error&) {
      // A comment that only looks like one.
    }
    break;
  }
  return options;
}

class Checker {
 public:
  Checker(const Dockerfile& file, const CheckInput& input) : file_(file), input_(input) {}

  void run(CheckResult& result);
  // Of a file that ends with an error: what can be seen from the instructions before it.
  void run_before_error(CheckResult& result, const SourceError& error);

 private:
  // What a stage hands on to stages that are FROM it.
  struct StageEnd {
    std::optional<StageScope> scope;
    bool has_shell = false, workdir_set = false;
    std::vector<std::string> on_build;
  };
  // The lines of the last instruction of a kind that only counts once.
  struct Once {
    Lines cmd, entrypoint, healthcheck;
  };

  void report(Rule rule, const CheckOptions& options, Lines lines, std::string message);
  void read_options();
  void hand_over(CheckResult& result);
  void check_words();
  void check_descriptions(std::string_view keyword, const Instruction& instruction,
                          const std::vector<std::string>& names);
  void check_stage_names();
  void check_casing();
  void check_default_bases();
  From check_from(std::size_t index, const GlobalScope& global);
  std::vector<bool> needed(const GlobalScope& global) const;
  void check_stage(std::size_t index, const GlobalScope& global, bool with_triggers);
  void check_instruction(const Instruction& instruction, std::size_t index, StageEnd& stage, Once& once);
  void check_shell_form(const Instruction& instruction, const CommandLine& command, bool has_shell,
                        const CheckOptions& options);
  void check_once(const Instruction& instruction, Lines& earlier, const CheckOptions& options);
  void check_ports(const Instruction& instruction, const StageScope& scope, const CheckOptions& options);
  void check_sources(const Instruction& instruction, const FileSources& files, std::string_view verb,
                     const CheckOptions& options);
  void check_legacy(const Instruction& instruction, const std::vector<KeyValue>& pairs, const CheckOptions& options);
  void check_order(const Instruction& instruction, std::size_t index) const;

  const Dockerfile& file_;
  const CheckInput& input_;
  CheckOptions options_;
  std::vector<Warning> warnings_;
  std::vector<StageEnd> ends_;
};

void Checker::report(Rule rule, const CheckOptions& options, Lines lines, std::string message) {
  const RuleInfo& about = info(rule);
  auto has = [&](const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), about.name) != names.end();
  };
  if (about.experimental ? !options.experimental_all && !has(options.experimental)
                         : options.skip_all || has(options.skip))
    return;
  warnings_.push_back({rule, std::move(message), lines});
}

void Checker::check_descriptions(std::string_view keyword, const Instruction& instruction,
                                 const std::vector<std::string>& names) {
  if (instruction.comments.empty() || names.empty() || names.front().empty()) return;
  const std::string& comment = instruction.comments.back();
  if (std::find(names.begin(), names.end(), comment.substr(0, comment.find(' '))) != names.end()) return;
  report(Rule::kInvalidDefinitionDescription, with_comments(options_, instruction.comments), instruction.lines,
         cat("Comment for ", keyword, " should follow the format: `# ", names.size() > 1 ? "<arg_key>" : names.front(),
             " <description>`"));
}

// What single instructions show as they are written.
void Checker::check_words() {
  for (const Lines& lines : file_.empty_continuations)
    report(Rule::kNoEmptyContinuation, options_, lines, "Empty continuation line");
  auto check_one = [&](const Instruction& instruction) {
    const CheckOptions options = with_comments(options_, instruction.comments);
    if (instruction.as<Maintainer>())
      report(Rule::kMaintainerDeprecated, options, instruction.lines,
             "Maintainer instruction is deprecated in favor of using label");
    if (const Arg* arg = instruction.as<Arg>()) {
      std::vector<std::string> names;
      for (const auto& one : arg->arguments) names.push_back(one.name);
      check_descriptions("ARG", instruction, names);
    }
  };
  for (const Instruction& instruction : file_.arguments) check_one(instruction);
  for (const Stage& stage : file_.stages) {
    const CheckOptions options = with_comments(options_, stage.start.comments);
    const From& from = stage.from;
    if (from.name_written != lower(from.name_written))
      report(Rule::kStageNameCasing, options, stage.start.lines,
             cat("Stage name '", from.name_written, "' should be lowercase"));
    const std::string& keyword = stage.start.name;
    const std::string wanted = keyword == lower(keyword) ? lower(from.as_written) : upper(from.as_written);
    if (one_case(keyword) && from.as_written != wanted)
      report(Rule::kFromAsCasing, options, stage.start.lines,
             cat("'", from.as_written, "' and '", keyword, "' keywords' casing do not match"));
    check_descriptions("FROM", stage.start, {from.name});
    for (const Instruction& instruction : stage.instructions) check_one(instruction);
  }
}

void Checker::check_stage_names() {
  std::set<std::string> seen;
  for (const Stage& stage : file_.stages) {
    const std::string& name = stage.from.name;
    if (name.empty()) continue;
    if (name == "context" || name == "scratch")
      report(Rule::kReservedStageName, options_, stage.start.lines,
             cat("Stage name should not use the same name as reserved stage ", quoted(name)));
    if (!seen.insert(name).second)
      report(Rule::kDuplicateStageName, options_, stage.start.lines,
             cat("Duplicate stage name ", quoted(name), ", stage names should be unique"));
  }
}

void Checker::check_casing() {
  int lower_count = 0, upper_count = 0;
  auto each = [&](auto action) {
    for (const Stage& stage : file_.stages) {
      action(stage.start);
      for (const Instruction& instruction : stage.instructions) action(instruction);
    }
  };
  each([&](const Instruction& instruction) {
    if (one_case(instruction.name)) ++(instruction.name == lower(instruction.name) ? lower_count : upper_count);
  });
  const bool to_lower = lower_count > upper_count;
  each([&](const Instruction& instruction) {
    if (instruction.name != (to_lower ? lower(instruction.name) : upper(instruction.name)))
      report(Rule::kConsistentInstructionCasing, options_, instruction.lines,
             cat("Command '", instruction.name, "' should match the case of the command majority (",
                 to_lower ? "lowercase" : "uppercase", ")"));
  });
}

// Would every FROM name an image if nobody gave build arguments?
void Checker::check_default_bases() {
  try {
    BuildArguments predefined;  // only what overrides platform arguments counts
    for (const auto& [name, value] : input_.arguments)
      if (name.starts_with("BUILD") || name.starts_with("TARGET")) predefined[name] = value;
    const GlobalScope defaults(file_, predefined, input_.platforms, input_.target);
    for (const Stage& stage : file_.stages) {
      const std::string base = expand(stage.from.base, defaults.variables(), {.escape = file_.directives.escape});
      try {
        oci::Reference::parse(base);
      } catch (const Error&) {
        report(Rule::kInvalidDefaultArgInFrom, options_, stage.start.lines,
               cat("Default value for ARG ", stage.from.base, " results in empty or invalid base image name"));
      }
    }
  } catch (const Error&) {
    // What cannot be expanded is reported as an error later.
  }
}

From Checker::check_from(std::size_t index, const GlobalScope& global) {
  const Stage& stage = file_.stages[index];
  const CheckOptions options = with_comments(options_, stage.start.comments);
  std::vector<std::string_view> known = global.variables().names();
  for (const Instruction& instruction : file_.arguments)
    for (const auto& argument : instruction.as<Arg>()->arguments) known.push_back(argument.name);
  Lookups base, platform;
  auto report_unset = [&](const Lookups& lookups) {
    for (const std::string& name : lookups.unset)
      if (std::find(known.begin(), known.end(), name) == known.end())
        report(Rule::kUndefinedArgInFrom, options, stage.start.lines,
               cat("FROM argument '", name, "' is not declared", suggestion(name, known)));
  };
  std::optional<SourceError> failure;
  From out;
  try {
    out = global.resolve(stage, &base, &platform);
  } catch (const SourceError& error) {
    failure = error;
  }
  report_unset(base);
  report_unset(platform);
  if (failure) throw *failure;
  if (out.platform.empty()) return out;
  const std::string* target = global.variables().find("TARGETPLATFORM");
  if (platform.unset.empty() && platform.set == std::vector<std::string>{"TARGETPLATFORM"} && target &&
      out.platform == *target)
    report(Rule::kRedundantTargetPlatform, options, stage.start.lines,
           cat("Setting platform to predefined ", stage.from.platform,
               " in FROM is redundant as this is the default behavior"));
  if (platform.unset.empty() && platform.set.empty()) {
    const oci::Platform parsed = oci::parse_platform(out.platform);
    if (stage.from.name.find(parsed.os) == std::string::npos &&
        stage.from.name.find(parsed.architecture) == std::string::npos)
      report(Rule::kFromPlatformFlagConstDisallowed, options, stage.start.lines,
             cat("FROM --platform flag should not use constant value ", quoted(out.platform)));
  }
  return out;
}

// The stages that the target is made of.
std::vector<bool> Checker::needed(const GlobalScope& global) const {
  std::vector<bool> out(file_.stages.size());
  std::vector<std::size_t> open = {file_.target(input_.target)};
  auto want = [&](std::optional<std::size_t> stage) {
    if (stage && !out[*stage]) open.push_back(*stage);
  };
  while (!open.empty()) {
    const std::size_t index = open.back();
    open.pop_back();
    out[index] = true;
    const Stage& stage = file_.stages[index];
    want(file_.base_stage(index, global.resolve(stage).base));
    for (const Instruction& instruction : stage.instructions) {
      if (const Copy* copy = instruction.as<Copy>()) want(file_.source_stage(copy->from, true));
      if (const dockerfile::Run* run = instruction.as<dockerfile::Run>())
        for (const RunMount& mount : run->mounts) want(file_.source_stage(mount.from, false));
    }
  }
  return out;
}

void Checker::check_stage(std::size_t index, const GlobalScope& global, bool with_triggers) {
  const Stage& stage = file_.stages[index];
  const From from = global.resolve(stage);
  StageEnd here;
  std::vector<std::string> triggers;
  const auto base = file_.base_stage(index, from.base);
  if (base && ends_[*base].scope) {
    here = ends_[*base];
    triggers = std::move(here.on_build);
    here.on_build.clear();
    here.scope = here.scope->successor();
  } else {
    if (from.base != "scratch") try {
        oci::Reference::parse(from.base);
      } catch (const Error& error) {
        throw SourceError(cat("failed to parse stage name ", quoted(from.base), ": ", error.message()),
                          stage.start.lines, stage.start.position(stage.from.base), false);
      }
    BaseImage image;
    const oci::Platform wanted = from.platform.empty() ? input_.platforms.target : oci::parse_platform(from.platform);
    if (from.base != "scratch" && input_.base_image) {
      try {
        image = input_.base_image(from.base, wanted);
      } catch (const Error& error) {
        throw SourceError(cat(from.base, ": ", error.message()), stage.start.lines,
                          stage.start.position(stage.from.base), false);
      }
    }
    if (image.platform && (image.platform->os != wanted.os || image.platform->architecture != wanted.architecture))
      report(Rule::kInvalidBaseImagePlatform, options_, stage.start.lines,
             cat("Base image ", from.base, " was pulled with platform ", quoted(oci::to_string(*image.platform)),
                 ", expected ", quoted(oci::to_string(wanted)), " for current build"));
    if (!Environment(image.env).find("PATH")) image.env.push_back(cat("PATH=", kDefaultPath));
    here.scope.emplace(global, image.env);
    here.has_shell = !image.shell.empty();
    triggers = image.on_build;
  }
  Once once;
  // As in Docker, a stage that the target does not need gets no triggers.
  if (!with_triggers) triggers.clear();
  for (const std::string& trigger : triggers)
    check_instruction(parse_trigger(trigger, file_.directives.escape, stage.start), index, here, once);
  for (const Instruction& instruction : stage.instructions) check_instruction(instruction, index, here, once);
  ends_[index] = std::move(here);
}

void Checker::check_shell_form(const Instruction& instruction, const CommandLine& command, bool has_shell,
                               const CheckOptions& options) {
  // Whoever sets a shell of his own wants it.
  if (command.shell_form && !has_shell)
    report(Rule::kJsonArgsRecommended, options, instruction.lines,
           cat("JSON arguments recommended for ", instruction.name,
               " to prevent unintended behavior related to OS signals"));
}

void Checker::check_once(const Instruction& instruction, Lines& earlier, const CheckOptions& options) {
  // The place is the earlier one: it is what has no effect.
  if (earlier.first != 0)
    report(Rule::kMultipleInstructionsDisallowed, options, earlier,
           cat("Multiple ", instruction.name,
               " instructions should not be used in the same stage because only the last one will be used"));
  earlier = instruction.lines;
}

void Checker::check_ports(const Instruction& instruction, const StageScope& scope, const CheckOptions& options) {
  for (const std::string& text : instruction.as<Expose>()->ports) {
    for (const std::string& word : expand_words(text, scope.environment(), {.escape = file_.directives.escape})) {
      const ExposedPort port = parse_exposed_port(word);
      if (port.protocol_has_capitals)
        report(Rule::kExposeProtoCasing, options, instruction.lines,
               cat("Defined protocol '", word, "' in EXPOSE instruction should be lowercase"));
      if (port.maps_to_host)
        report(Rule::kExposeInvalidFormat, options, instruction.lines,
               cat("EXPOSE instruction should not define an IP address or host-port mapping, found '", word, "'"));
    }
  }
}

void Checker::check_sources(const Instruction& instruction, const FileSources& files, std::string_view verb,
                            const CheckOptions& options) {
  // With exceptions it cannot be told from the patterns whether something below is left.
  if (!input_.ignore || input_.ignore->empty() || input_.ignore->has_exceptions()) return;
  const auto& patterns = input_.ignore->patterns();
  const bool all_ignored = std::any_of(patterns.begin(), patterns.end(), [](const std::string& pattern) {
    return pattern == "*" || pattern == "**" || pattern == "**/*";
  });
  for (const std::string& source : files.paths) {
    if (source.find("://") != std::string::npos) continue;
    const std::string path = clean_path(source);
    const bool top = path == "." || path == "/";
    if (top ? !all_ignored : !input_.ignore->matches(path)) continue;
    report(Rule::kCopyIgnoredFile, options, instruction.lines,
           cat("Attempting to ", verb, " file ", quoted(path), " that is excluded by .dockerignore"));
  }
}

void Checker::check_legacy(const Instruction& instruction, const std::vector<KeyValue>& pairs,
                           const CheckOptions& options) {
  for (const KeyValue& pair : pairs)
    if (pair.legacy)
      report(Rule::kLegacyKeyValueFormat, options, instruction.lines,
             cat("\"", instruction.name, " key=value\" should be used instead of legacy \"", instruction.name,
                 " key value\" format"));
}

// A stage can only use what is finished before it.
void Checker::check_order(const Instruction& instruction, std::size_t index) const {
  auto refuse_later = [&](std::optional<std::size_t> stage, std::string_view from, std::string_view what) {
    if (!stage || *stage < index) return;
    const std::string& name = file_.stages[index].from.name;
    throw SourceError(
        cat("cannot ", what, " from stage ", quoted(from), ", it needs to be defined before current stage ",
            quoted(name.empty() ? cat("stage-", index) : name)),
        instruction.lines, instruction.position(cat("from=", from)), false);
  };
  if (const Copy* copy = instruction.as<Copy>()) refuse_later(file_.source_stage(copy->from, true), copy->from, "copy");
  if (const auto* run = instruction.as<dockerfile::Run>())
    for (const RunMount& mount : run->mounts) refuse_later(file_.source_stage(mount.from, false), mount.from, "mount");
}

void Checker::check_instruction(const Instruction& instruction, std::size_t index, StageEnd& stage, Once& once) {
  const CheckOptions options = with_comments(options_, instruction.comments);
  if (instruction.as<Expose>()) try {
      check_ports(instruction, *stage.scope, options);
    } catch (const Error& error) {
      throw SourceError(error.message(), instruction.lines, instruction.position(), false);
    }
  try {
    check_order(instruction, index);
  } catch (const SourceError&) {
    throw;
  } catch (const Error& error) {
    throw SourceError(error.message(), instruction.lines, instruction.position("--from"), false);
  }
  std::vector<UndefinedVariable> undefined;
  std::optional<SourceError> failure;
  Instruction resolved;
  try {
    resolved = stage.scope->resolve(instruction, &undefined);
  } catch (const SourceError& error) {
    failure = error;
  }
  for (const UndefinedVariable& variable : undefined) {
    const std::string hint = variable.nearest.empty() ? "" : cat(" (did you mean $", variable.nearest, "?)");
    report(Rule::kUndefinedVar, options, instruction.lines,
           cat("Usage of undefined variable '$", variable.name, "'", hint));
  }
  if (failure) throw *failure;

  auto no_secrets = [&](std::string_view keyword, const std::string& name) {
    if (names_a_secret(name))
      report(Rule::kSecretsUsedInArgOrEnv, options, instruction.lines,
             cat("Do not use ARG or ENV instructions for sensitive data (", keyword, " ", quoted(name), ")"));
  };
  if (const Env* env = resolved.as<Env>()) {
    check_legacy(instruction, env->variables, options);
    for (const KeyValue& pair : env->variables) no_secrets("ENV", pair.key);
  } else if (const Arg* arg = resolved.as<Arg>()) {
    for (const auto& argument : arg->arguments) no_secrets("ARG", argument.name);
  } else if (const Label* label = resolved.as<Label>()) {
    check_legacy(instruction, label->labels, options);
  } else if (const Workdir* workdir = resolved.as<Workdir>()) {
    if (!stage.workdir_set && !workdir->path.starts_with('/'))
      report(Rule::kWorkdirRelativePath, options, instruction.lines,
             cat("Relative workdir ", quoted(workdir->path), " can have unexpected results if the base image changes"));
    stage.workdir_set = true;
  } else if (const Cmd* cmd = resolved.as<Cmd>()) {
    check_once(instruction, once.cmd, options);
    check_shell_form(instruction, cmd->command, stage.has_shell, options);
  } else if (const Entrypoint* entrypoint = resolved.as<Entrypoint>()) {
    check_once(instruction, once.entrypoint, options);
    check_shell_form(instruction, entrypoint->command, stage.has_shell, options);
  } else if (resolved.as<HealthCheck>()) {
    check_once(instruction, once.healthcheck, options);
  } else if (resolved.as<Shell>()) {
    stage.has_shell = true;
  } else if (const OnBuild* on_build = resolved.as<OnBuild>()) {
    stage.on_build.push_back(on_build->trigger);
  } else if (const Copy* copy = resolved.as<Copy>()) {
    if (copy->from.empty()) check_sources(instruction, copy->files, "Copy", options);
  } else if (const Add* add = resolved.as<Add>()) {
    check_sources(instruction, add->files, "Add", options);
  }
}

void Checker::read_options() {
  try {
    const auto given = input_.arguments.find("BUILDKIT_DOCKERFILE_CHECK");
    options_ = parse_check_options(given != input_.arguments.end() ? given->second : file_.directives.check);
  } catch (const Error& error) {
    throw SourceError(cat("failed to parse check options: ", error.message()), file_.directives.check_lines, {}, false);
  }
}

void Checker::hand_over(CheckResult& result) {
  std::stable_sort(warnings_.begin(), warnings_.end(),
                   [](const Warning& a, const Warning& b) { return a.lines.first < b.lines.first; });
  result.warnings = std::move(warnings_);
}

void Checker::run_before_error(CheckResult& result, const SourceError& error) {
  read_options();
  check_words();
  hand_over(result);
  result.error = error;
}

void Checker::run(CheckResult& result) {
  read_options();
  try {
    check_words();
    check_stage_names();
    check_casing();
    check_default_bases();
    const GlobalScope global(file_, input_.arguments, input_.platforms, input_.target);
    for (std::size_t i = 0; i < file_.stages.size(); ++i) check_from(i, global);
    const std::vector<bool> wanted = needed(global);
    ends_.resize(file_.stages.size());
    for (std::size_t i = 0; i < file_.stages.size(); ++i)
      if (wanted[i] || input_.target.empty()) check_stage(i, global, wanted[i]);
    if (options_.error && !warnings_.empty()) {
      std::set<std::string_view> names;
      for (const Warning& warning : warnings_) names.insert(info(warning.rule).name);
      fail_invalid("lint violation found for rules: ", join({names.begin(), names.end()}, ", "));
    }
  } catch (const SourceError& error) {
    result.error = error;
  } catch (const Error& error) {
    result.error = SourceError(error.message(), {}, {}, false);
  }
  hand_over(result);
}

}  // namespace

CheckResult check(const Dockerfile& file, const CheckInput& input) {
  CheckResult result;
  try {
    Checker(file, input).run(result);
  } catch (const SourceError& error) {
    result.error = error;
  }
  return result;
}

CheckResult check(std::string_view text, const CheckInput& input, std::string_view file) {
  Dockerfile parsed;
  CheckResult result;
  try {
    try {
      parse_into(parsed, text, file);
    } catch (const SourceError& error) {
      Checker(parsed, input).run_before_error(result, error);
      return result;
    }
    Checker(parsed, input).run(result);
  } catch (const SourceError& error) {
    result.error = error;
  } catch (const Error& error) {
    result.error = SourceError(error.message(), {}, {}, false);
  }
  return result;
}

}  // namespace hull::dockerfile
