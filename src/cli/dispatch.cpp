// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <exception>

#include "cli/command.h"
#include "cli/complete.h"
#include "cli/config_file.h"
#include "cli/context_store.h"
#include "cli/help.h"
#include "cli/plugins.h"
#include "cli/terminal.h"

namespace hull::cli {
namespace {

constexpr int kFlagError = 125, kOtherError = 1;

constexpr std::string_view kLevels[] = {"panic", "fatal", "error", "warn", "warning", "info", "debug", "trace"};

std::string_view release;

int unknown_command(std::string_view group, std::string_view typed) {
  std::string path = group.empty() ? std::string("hull") : cat("hull ", group);
  std::string text = cat("hull: unknown command: ", path, " ", typed);
  if (!group.empty()) text += cat("\n\nUsage:  ", path);
  if (auto similar = similar_commands(group, typed); !similar.empty()) {
    text += "\n\nDid you mean this?";
    for (const std::string& name : similar) text += cat("\n\t", path, " ", name);
  }
  complain(cat(text, "\n\nRun '", path, " --help' for more information"));
  return kOtherError;
}

std::string usage(const Invocation& call) {
  return cat("Usage:  ", call.spelled, call.command.synopsis.empty() ? "" : " ", call.command.synopsis, "\n\nRun '",
             call.spelled, " --help' for more information");
}

std::string wrong_count(const Command& command) {
  auto plural = [](int count) { return count == 1 ? " argument" : " arguments"; };
  if (command.most == 0) return "accepts no arguments";
  if (command.least == command.most) return cat("requires ", command.least, plural(command.least));
  if (command.most < 0) return cat("requires at least ", command.least, plural(command.least));
  if (command.least == 0) return cat("requires at most ", command.most, plural(command.most));
  return cat("requires at least ", command.least, " and at most ", command.most, plural(command.most));
}

bool creates_container(const Command& command) {
  return command.name == "container run" || command.name == "container create";
}

int invoke(Invocation& call) {
  try {
    return call.command.run(call);
  } catch (const Exit& e) {
    if (!e.message().empty()) complain(e.message());
    return e.status();
  } catch (const std::exception& e) {
    // What the engine says to a create is an error like any other; to a run it is one of the command's own.
    bool refused = dynamic_cast<const Refused*>(&e) && call.command.name == "container create";
    if (!creates_container(call.command) || refused) {
      complain(e.what());
      return kOtherError;
    }
    complain(cat("hull: ", e.what(), "\n\nRun '", call.spelled, " --help' for more information"));
    return kFlagError;
  }
}

int run_command(Invocation& call, std::span<const std::string_view> words) {
  try {
    call.options.parse(words, call.command.interspersed);
  } catch (const Error& e) {
    complain(cat(e.what(), "\n\n", usage(call)));
    return kFlagError;
  }
  if (call.options.is_set("help")) {
    print(command_help(call.command, call.spelled, text_width()));
    return 0;
  }
  int count = static_cast<int>(call.arguments().size());
  if (count < call.command.least || (call.command.most >= 0 && count > call.command.most)) {
    complain(cat("hull: '", call.spelled, "' ", wrong_count(call.command), "\n\n", usage(call)));
    return kOtherError;
  }
  return invoke(call);
}

// Groups whose commands are a program of their own, which reads the rest of the command line itself (verb_program.h).
constexpr std::pair<std::string_view, const char*> kPrograms[] = {{"manifest", "hull-manifest"},
                                                                  {"registry", "hull-registry"}};

// Words of Docker's that hull does not have by itself, and what there is instead.
struct Missing {
  std::string_view groups, reason;
};
constexpr std::string_view kOneMachine =
    "hull runs the containers of one machine and has no swarm. Containers, networks, volumes and 'hull compose' work "
    "without one.";
constexpr Missing kMissing[] = {
    {"swarm|service|stack|node|secret|config", kOneMachine},
    {"plugin",
     "the engine has no plug-ins: drivers of volumes, networks and logs are built in. Plug-ins of the command "
     "line, such as docker-compose, are found in the docker CLI's directories."},
    {"trust", "content trust is gone from Docker, too. Name an image by its digest to be sure of it."},
    {"compose",
     "the plug-in docker-compose is not installed. Install the package docker-compose-plugin, or put the program into "
     "~/.docker/cli-plugins."},
    {"buildx|bake",
     "the plug-in docker-buildx is not installed. 'hull build' needs none: it has caches, secrets, named contexts and "
     "outputs by itself."}};

int run_program_of(const char* name, std::span<const std::string_view> words) {
  std::string program = program_beside(name);
  if (program.empty())
    fail(Kind::kUnavailable, "the program ", std::string_view(name), ", which has these commands, is not installed");
  std::vector<std::string> held(words.begin(), words.end());
  std::vector<char*> arguments;
  for (std::string& word : held) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::execv(program.c_str(), arguments.data());
  throw_errno("run", program);
}

const Missing* find_missing(std::string_view group) {
  for (const Missing& one : kMissing)
    for (std::string_view name : split(one.groups, '|'))
      if (name == group) return &one;
  return nullptr;
}

// Words that "aliases" of config.json puts in place of the first one. A command of hull's own stays what it is.
std::vector<std::string> alias_of(std::string_view word) {
  const Value* found = config()["aliases"].find_exact(word);
  if (!found || find_group(word) || is_command_name(word)) return {};
  std::vector<std::string> words;
  for (std::string_view part : split(found->text(), ' '))
    if (!part.empty()) words.emplace_back(part);
  return words;
}

class Dispatcher {
 public:
  // `all`: the words with the flags before the command.
  Dispatcher(Options& global, std::span<const std::string_view> all) : global_(global), all_(all) {}

  int run(std::span<const std::string_view> words) {
    std::string_view first = words[0];
    for (const auto& [group, program] : kPrograms)
      if (first == group) return run_program_of(program, words);
    if (const Group* group = find_group(first)) return run_in_group(*group, words);
    if (words.size() > 1)
      if (const Command* command = find_command(cat(first, " ", words[1])))
        return run_found(*command, cat("hull ", first, " ", words[1]), words.subspan(2));
    if (const Command* command = find_command(first)) return run_found(*command, cat("hull ", first), words.subspan(1));
    if (first == "__complete" || first == "__completeNoDesc") return run_complete(global_, words.subspan(1));
    if (auto plugin = find_plugin(first)) run_plugin(*plugin, endpoint_of(global_), all_);
    if (first == "bake") run_bake(words);
    if (const Missing* missing = find_missing(first)) {
      complain(cat("hull: '", join({words.begin(), words.end()}, " "), "': ", missing->reason));
      return kOtherError;
    }
    if (auto alias = alias_of(first); !alias.empty() && !expanded_) {
      expanded_ = true;
      std::vector<std::string_view> expanded(alias.begin(), alias.end());
      expanded.insert(expanded.end(), words.begin() + 1, words.end());
      return run(expanded);
    }
    return unknown_command({}, first);
  }

  int help(std::span<const std::string_view> words) {
    if (words.empty()) {
      print(program_help(text_width()));
      return 0;
    }
    std::vector<std::string_view> asked(words.begin(), words.end());
    asked.push_back("--help");
    all_ = asked;
    return run(asked);
  }

 private:
  int run_in_group(const Group& group, std::span<const std::string_view> words) {
    if (words.size() == 1) {
      complain(trim(group_help(group)));
      return 0;
    }
    if (words[1] == "--help" || words[1] == "help") {
      print(group_help(group));
      return 0;
    }
    std::string name = cat(group.name, " ", words[1]);
    if (const Command* command = find_command(name)) return run_found(*command, cat("hull ", name), words.subspan(2));
    return unknown_command(group.name, words[1]);
  }

  // "bake" is short for "buildx bake", where the plug-in is there.
  void run_bake(std::span<const std::string_view> words) {
    auto plugin = find_plugin("buildx");
    if (!plugin) return;
    std::vector<std::string_view> whole(all_.begin(), all_.end() - static_cast<std::ptrdiff_t>(words.size()));
    whole.push_back("buildx");
    whole.insert(whole.end(), words.begin(), words.end());
    run_plugin(*plugin, endpoint_of(global_), whole);
  }

  int run_found(const Command& command, std::string spelled, std::span<const std::string_view> words) {
    Invocation call(command, std::move(spelled), endpoint_of(global_));
    return run_command(call, words);
  }

  Options& global_;
  std::span<const std::string_view> all_;
  bool expanded_ = false;
};

}  // namespace

std::string_view client_version() { return release; }

std::string Invocation::context() const {
  return endpoint_.host.empty() ? current_context(endpoint_.context) : std::string(kDefaultContext);
}

Endpoint endpoint_of(const Options& global) {
  if (global.given("host") && global.given("context"))
    fail_invalid("conflicting options: cannot specify both --host and --context");
  Endpoint endpoint;
  endpoint.host = global.text("host");
  endpoint.context = global.text("context");
  endpoint.verify = global.is_set("tlsverify");
  endpoint.tls = endpoint.verify || global.is_set("tls");
  endpoint.authority = global.text("tlscacert");
  endpoint.certificate = global.text("tlscert");
  endpoint.key = global.text("tlskey");
  return endpoint;
}

int run_command_line(std::span<const std::string_view> words, std::string_view version) {
  release = version;
  // A reader that goes away is told apart from success by EPIPE, after the terminal was put back.
  ::signal(SIGPIPE, SIG_IGN);
  Options global{{global_flags()}};
  try {
    global.parse(words, false);
    if (global.is_set("version")) {
      print_line("Hull version ", version);
      return 0;
    }
    std::string level = global.text("log-level");
    if (std::ranges::find(kLevels, level) == std::end(kLevels))
      throw Exit(1, cat("unable to parse logging level: ", level));
    set_debug(global.is_set("debug") || level == "debug" || level == "trace");
    if (global.given("config")) ::setenv("DOCKER_CONFIG", global.text("config").c_str(), 1);
    auto rest = words.subspan(words.size() - global.arguments.size());
    Dispatcher dispatcher(global, words);
    if (rest.empty() && !global.is_set("help")) {
      complain(trim(program_help(text_width())));  // as docker does: nobody has asked for it
      return 0;
    }
    if (global.is_set("help")) return dispatcher.help({});
    if (rest[0] == "help") return dispatcher.help(rest.subspan(1));
    return dispatcher.run(rest);
  } catch (const Exit& e) {
    if (!e.message().empty()) complain(e.message());
    return e.status();
  } catch (const Refused& e) {
    complain(e.what());
    return kOtherError;
  } catch (const std::exception& e) {
    complain(cat(e.what(), "\n\nUsage:  hull [OPTIONS] COMMAND\n\nRun 'hull --help' for more information"));
    return kFlagError;
  }
}

}  // namespace hull::cli
