// SPDX-License-Identifier: Apache-2.0
#include "dockerfile/scope.h"

#include <algorithm>
#include <array>
#include <set>

#include "dockerfile/ports.h"
#include "dockerfile/validate.h"

namespace hull::dockerfile {

namespace {

constexpr std::array<std::string_view, 5> kProxies = {"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY",
                                                      "ALL_PROXY"};
// Arguments for the builder that no RUN sees, even when they are declared.
constexpr std::array<std::string_view, 2> kNotInEnvironment = {"BUILDKIT_SBOM_SCAN_CONTEXT",
                                                               "BUILDKIT_SBOM_SCAN_STAGE"};

bool stays_out(std::string_view name) {
  return std::find(kNotInEnvironment.begin(), kNotInEnvironment.end(), name) != kNotInEnvironment.end();
}

// Arguments that say something without an ARG.
bool is_known(std::string_view name) {
  if (is_proxy_argument(name) || name.starts_with("BUILDKIT_") || name == "SOURCE_DATE_EPOCH") return true;
  for (std::string_view side : {"BUILD", "TARGET"})
    for (std::string_view part : {"PLATFORM", "OS", "OSVERSION", "ARCH", "VARIANT", "STAGE"})
      if (name == cat(side, part)) return true;
  return false;
}

[[noreturn]] void fail_at(const Instruction& instruction, std::string_view reason, std::string_view word) {
  throw SourceError(std::string(reason), instruction.lines, instruction.position(word));
}

}  // namespace

bool is_proxy_argument(std::string_view name) {
  return std::any_of(kProxies.begin(), kProxies.end(),
                     [&](std::string_view proxy) { return name == proxy || name == lower(proxy); });
}

std::vector<std::string> unused_arguments(const Dockerfile& file, const BuildArguments& given) {
  std::set<std::string, std::less<>> unused;
  for (const auto& [name, value] : given)
    if (!is_known(name)) unused.insert(name);
  auto take = [&](const std::vector<Instruction>& instructions) {
    for (const Instruction& instruction : instructions)
      if (const Arg* arg = instruction.as<Arg>())
        for (const auto& argument : arg->arguments) unused.erase(argument.name);
  };
  take(file.arguments);
  for (const Stage& stage : file.stages) take(stage.instructions);
  return {unused.begin(), unused.end()};
}

std::vector<std::string> proxy_environment(const BuildArguments& arguments) {
  std::vector<std::string> out;
  for (std::string_view proxy : kProxies) {
    // Either spelling sets both, as programs look at one or the other; the lower case one wins.
    std::optional<std::string> value;
    for (const auto& [name, given] : arguments)
      if (equals_ignoring_case(name, proxy)) value = given;
    if (!value) continue;
    out.push_back(cat(proxy, "=", *value));
    out.push_back(cat(lower(proxy), "=", *value));
  }
  return out;
}

GlobalScope::GlobalScope(const Dockerfile& file, const BuildArguments& given, const Platforms& platforms,
                         std::string_view target)
    : given_(given), escape_(file.directives.escape) {
  const oci::Platform& build = platforms.build;
  const oci::Platform& to = platforms.target;
  std::string stage(target.empty() ? std::string_view(file.stages.back().from.name) : target);
  const std::pair<std::string_view, std::string> predefined[] = {{"BUILDPLATFORM", oci::to_string(build)},
                                                                 {"BUILDOS", build.os},
                                                                 {"BUILDOSVERSION", build.os_version},
                                                                 {"BUILDARCH", build.architecture},
                                                                 {"BUILDVARIANT", build.variant},
                                                                 {"TARGETPLATFORM", oci::to_string(to)},
                                                                 {"TARGETOS", to.os},
                                                                 {"TARGETOSVERSION", to.os_version},
                                                                 {"TARGETARCH", to.architecture},
                                                                 {"TARGETVARIANT", to.variant},
                                                                 {"TARGETSTAGE", stage.empty() ? "default" : stage}};
  for (const auto& [name, value] : predefined) {
    auto override = given.find(std::string(name));
    variables_.set(name, override == given.end() ? value : override->second);
  }
  for (const Instruction& instruction : file.arguments) {
    for (const Arg::Argument& argument : instruction.as<Arg>()->arguments) {
      auto override = given.find(argument.name);
      if (override != given.end()) {
        variables_.set(argument.name, override->second);
      } else if (argument.value) {
        try {
          variables_.set(argument.name, expand(*argument.value, variables_, {.escape = escape_}));
        } catch (const Error& error) {
          fail_at(instruction, error.message(), argument.name);
        }
      }
    }
  }
}

From GlobalScope::resolve(const Stage& stage, Lookups* of_base, Lookups* of_platform) const {
  From out = stage.from;
  const ExpandOptions options{.escape = escape_};
  try {
    out.base = expand(stage.from.base, variables_, options, of_base);
  } catch (const Error& error) {
    fail_at(stage.start, error.message(), stage.from.base);
  }
  if (out.base.empty())
    fail_at(stage.start, cat("base name (", stage.from.base, ") should not be blank"), stage.from.base);
  if (stage.from.platform.empty()) return out;
  Lookups ignored;
  Lookups& found = of_platform ? *of_platform : ignored;
  try {
    out.platform = expand(stage.from.platform, variables_, options, &found);
  } catch (const Error& error) {
    fail_at(stage.start, cat("failed to process arguments for platform ", stage.from.platform, ": ", error.message()),
            "--platform");
  }
  std::string hint;
  for (const std::string& name : found.unset)
    if (hint.empty()) hint = suggestion(name, variables_.names());
  if (out.platform.empty())
    fail_at(stage.start, cat("empty platform value from expression ", stage.from.platform, hint), "--platform");
  try {
    oci::parse_platform(out.platform);
  } catch (const Error& error) {
    fail_at(stage.start, cat("failed to parse platform ", stage.from.platform, ": ", error.message(), hint),
            "--platform");
  }
  return out;
}

StageScope::StageScope(const GlobalScope& global, const std::vector<std::string>& base)
    : global_(&global), environment_(base), image_environment_(base) {}

StageScope StageScope::successor() const {
  StageScope out = *this;
  for (const auto& [name, value] : image_environment_.variables()) out.environment_.set(name, value);
  return out;
}

std::vector<KeyValue> StageScope::declared() const {
  std::vector<KeyValue> out;
  for (const auto& [name, value] : arguments_) {
    const std::string* current = environment_.find(name);
    const std::string shown = current ? *current : value.value_or("");
    auto same = std::find_if(out.begin(), out.end(), [&name = name](const KeyValue& one) { return one.key == name; });
    if (same != out.end())
      same->value = shown;
    else
      out.push_back({name, shown, false});
  }
  return out;
}

// Expands the words of one instruction and remembers which names nobody had set.
class StageScope::Resolver {
 public:
  Resolver(StageScope& scope, const Instruction& instruction, std::vector<UndefinedVariable>* undefined)
      : scope_(scope), instruction_(instruction), undefined_(undefined), before_(scope.environment_) {}

  // Words are expanded with what was set before this instruction.
  std::string word(std::string_view text) {
    return at(text, [&] { return expanded(text, options()); });
  }
  void in_place(std::string& text) { text = word(text); }
  void in_place(std::vector<std::string>& texts) {
    for (std::string& text : texts) in_place(text);
  }

  void apply(From&) {}
  void apply(Cmd&) {}
  void apply(Entrypoint&) {}
  void apply(Shell&) {}
  void apply(OnBuild&) {}
  void apply(HealthCheck&) {}
  void apply(Maintainer&) {}
  void apply(Volume& volume) {
    in_place(volume.paths);
    for (const std::string& path : volume.paths)
      if (path.empty()) fail_at(instruction_, "VOLUME specified can not be an empty string", {});
  }
  void apply(User& user) { in_place(user.user); }
  void apply(Workdir& workdir) { in_place(workdir.path); }
  void apply(StopSignal& stop) {
    in_place(stop.signal);
    check(stop);
  }
  void apply(Label& label) {
    for (KeyValue& one : label.labels) in_place(one.key), in_place(one.value);
  }
  void apply(Run& run) {
    for (RunMount& mount : run.mounts)
      mount = at(cat("--mount=", mount.text), [&] {
        return parse_run_mount(mount.text, [&](std::string_view text) { return expanded(text, options()); });
      });
  }
  void apply(Expose& expose) {
    std::vector<std::string> ports;
    for (const std::string& text : expose.ports) {
      for (const std::string& port : at(text, [&] { return expand_words(text, before_, options()); }))
        for (std::string& one : at(text, [&] { return parse_exposed_port(port).ports; }))
          ports.push_back(std::move(one));
    }
    expose.ports = std::move(ports);
  }
  void apply(FileSources& files) {
    in_place(files.chown);
    in_place(files.chmod);
    in_place(files.paths);
    in_place(files.destination);
    for (Heredoc& document : files.documents) {
      document.content = document.text();
      document.strip_tabs = false;
      if (document.expand)
        document.content = at(document.name, [&] { return expanded(document.content, {.quotes_are_plain = true}); });
      document.expand = false;
    }
  }
  void apply(Copy& copy) {
    apply(copy.files);
    check(copy);
  }
  void apply(Add& add) {
    in_place(add.checksum);
    apply(add.files);
    check(add);
  }
  void apply(Env& env) {
    for (KeyValue& one : env.variables) in_place(one.key), in_place(one.value);
    for (const KeyValue& one : env.variables) {
      scope_.environment_.set(one.key, one.value);
      scope_.image_environment_.set(one.key, one.value);
    }
  }
  void apply(Arg& arg) {
    for (Arg::Argument& one : arg.arguments) declare(one);
  }

 private:
  ExpandOptions options() const { return {.escape = scope_.global_->escape()}; }

  template <class Kind>
  void check(const Kind& body) {
    try {
      validate(body);
    } catch (const Problem& problem) {
      fail_at(instruction_, problem.reason, problem.word);
    }
  }

  // Arguments of one ARG see those in front of them.
  void declare(Arg::Argument& argument) {
    const auto& given = scope_.global_->given();
    if (auto override = given.find(argument.name); override != given.end()) {
      argument.value = override->second;
    } else if (argument.value) {
      before_ = scope_.environment_;
      in_place(*argument.value);
    } else if (const std::string* global = scope_.global_->variables().find(argument.name)) {
      argument.value = *global;
    }
    if (argument.value && !stays_out(argument.name)) scope_.environment_.set(argument.name, *argument.value);
    scope_.arguments_.emplace_back(argument.name, argument.value);
  }

  std::string expanded(std::string_view text, const ExpandOptions& how) {
    Lookups lookups;
    std::string out = expand(text, before_, how, &lookups);
    if (!undefined_) return out;
    for (const std::string& name : lookups.unset) {
      // A declared argument without a value is known, though empty.
      const bool declared = std::any_of(scope_.arguments_.begin(), scope_.arguments_.end(),
                                        [&](const auto& argument) { return argument.first == name; });
      if (!declared && !stays_out(name)) undefined_->push_back({name, nearest(name, before_.names())});
    }
    return out;
  }

  template <class Action>
  auto at(std::string_view word, Action action) -> decltype(action()) {
    try {
      return action();
    } catch (const SourceError&) {
      throw;
    } catch (const Error& error) {
      fail_at(instruction_, error.message(), word);
    }
  }

  StageScope& scope_;
  const Instruction& instruction_;
  std::vector<UndefinedVariable>* undefined_;
  Environment before_;
};

Instruction StageScope::resolve(const Instruction& instruction, std::vector<UndefinedVariable>* undefined) {
  Instruction out = instruction;
  Resolver resolver(*this, instruction, undefined);
  std::visit([&](auto& body) { resolver.apply(body); }, out.body);
  return out;
}

}  // namespace hull::dockerfile
