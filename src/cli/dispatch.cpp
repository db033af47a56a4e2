// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <exception>

#include "cli/command.h"
#include "cli/endpoint.h"
#include "cli/terminal.h"

namespace hull::cli {
namespace {

constexpr int kFlagError = 125, kOtherError = 1;

constexpr Flag kGlobalFlags[] = {
    {"config", 0, FlagKind::kText, "Folder of the client's configuration files"},
    {"context", 'c', FlagKind::kText, "Context to use (only \"default\" exists)"},
    {"debug", 'D', FlagKind::kBool, "Debug messages"},
    {"host", 'H', FlagKind::kText, "Socket of the engine"},
    {"log-level", 'l', FlagKind::kText, "debug, info, warn, error or fatal", "info"},
    {"tls", 0, FlagKind::kBool, "Use TLS; implied by --tlsverify"},
    {"tlscacert", 0, FlagKind::kText, "Certificates of the CA that the engine's must be signed by"},
    {"tlscert", 0, FlagKind::kText, "Our certificate"},
    {"tlskey", 0, FlagKind::kText, "Our private key"},
    {"tlsverify", 0, FlagKind::kBool, "Use TLS and verify the engine's certificate"},
    {"version", 'v', FlagKind::kBool, "Print the version and quit"},
};

std::string_view release;

bool spells(const Command& command, std::string_view words) {
  if (command.name == words) return true;
  for (std::string_view other : split(command.spellings, '|'))
    if (other == words) return true;
  return false;
}

const Command* find_command(std::string_view words) {
  for (auto table : {container_commands(), object_commands(), system_commands()})
    for (const Command& command : table)
      if (spells(command, words)) return &command;
  return nullptr;
}

const Group* find_group(std::string_view name) {
  auto groups = command_groups();
  auto found = std::ranges::find(groups, name, &Group::name);
  return found == groups.end() ? nullptr : &*found;
}

// The number of single-character edits between two words.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t change = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({change, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

// Commands of `group` ("" for the top level) that look like what was typed.
std::vector<std::string> similar_commands(std::string_view group, std::string_view typed) {
  std::vector<std::string> found;
  auto consider = [&](std::string_view spelling) {
    auto blank = spelling.find(' ');
    std::string_view of = blank == spelling.npos ? std::string_view() : spelling.substr(0, blank);
    std::string_view name = blank == spelling.npos ? spelling : spelling.substr(blank + 1);
    if (of == group && (distance(name, typed) <= 2 || name.starts_with(typed)))
      if (std::ranges::find(found, name) == found.end()) found.emplace_back(name);
  };
  for (auto table : {container_commands(), object_commands(), system_commands()})
    for (const Command& command : table) {
      consider(command.name);
      if (!command.spellings.empty())
        for (std::string_view other : split(command.spellings, '|')) consider(other);
    }
  if (group.empty())
    for (const Group& one : command_groups()) consider(one.name);
  return found;
}

int unknown_command(std::string_view group, std::string_view typed) {
  std::string path = group.empty() ? std::string("hull") : cat("hull ", group);
  std::string text = cat("hull: '", group, group.empty() ? "" : " ", typed, "' is not a hull command");
  if (auto similar = similar_commands(group, typed); !similar.empty()) {
    text += "\n\nDid you mean this?";
    for (const std::string& name : similar) text += cat("\n\t", path, " ", name);
  }
  complain(cat(text, "\n\nRun '", path, " --help' for more information"));
  return kOtherError;
}

std::string usage(const Invocation& call) {
  return cat("Usage:  ", call.spelled, " ", call.command.synopsis, "\n\nRun '", call.spelled,
             " --help' for more information");
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

Endpoint endpoint_of(Options& global) {
  Endpoint endpoint;
  endpoint.host = global.text("host");
  endpoint.verify = global.is_set("tlsverify");
  endpoint.tls = endpoint.verify || global.is_set("tls");
  endpoint.authority = global.text("tlscacert");
  endpoint.certificate = global.text("tlscert");
  endpoint.key = global.text("tlskey");
  return endpoint;
}

// Groups whose commands are a program of their own, which reads the rest of the command line itself (verb_program.h).
constexpr std::pair<std::string_view, const char*> kPrograms[] = {{"manifest", "hull-manifest"},
                                                                  {"registry", "hull-registry"}};

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

int find_and_run(Options& global, std::span<const std::string_view> words) {
  std::string_view first = words[0];
  for (const auto& [group, program] : kPrograms)
    if (first == group) return run_program_of(program, words);
  std::size_t taken = 1;
  std::string name(first);
  if (const Group* group = find_group(first)) {
    if (words.size() == 1 || words[1] == "--help") {
      print(group_help(*group));
      return 0;
    }
    name = cat(first, " ", words[1]);
    taken = 2;
  }
  const Command* command = find_command(name);
  if (!command) return taken == 2 ? unknown_command(first, words[1]) : unknown_command({}, first);
  Invocation call(*command, cat("hull ", name), endpoint_of(global));
  return run_command(call, words.subspan(taken));
}

int help_command(std::span<const std::string_view> words, Options& global) {
  if (words.empty()) {
    print(program_help());
    return 0;
  }
  std::vector<std::string_view> asked(words.begin(), words.end());
  asked.push_back("--help");
  return find_and_run(global, asked);
}

}  // namespace

std::string_view client_version() { return release; }

int run_command_line(std::span<const std::string_view> words, std::string_view version) {
  release = version;
  // A reader that goes away is told apart from success by EPIPE, after the terminal was put back.
  ::signal(SIGPIPE, SIG_IGN);
  Options global{{kGlobalFlags}};
  try {
    global.parse(words, false);
    if (global.is_set("version")) {
      print_line("Hull version ", version);
      return 0;
    }
    if (global.given("config")) ::setenv("DOCKER_CONFIG", global.text("config").c_str(), 1);
    auto rest = words.subspan(words.size() - global.arguments.size());
    if (rest.empty() || global.is_set("help")) return help_command({}, global);
    if (rest[0] == "help") return help_command(rest.subspan(1), global);
    return find_and_run(global, rest);
  } catch (const Exit& e) {
    return e.status();
  } catch (const std::exception& e) {
    complain(cat(e.what(), "\n\nUsage:  hull [OPTIONS] COMMAND\n\nRun 'hull --help' for more information"));
    return kFlagError;
  }
}

}  // namespace hull::cli
