// SPDX-License-Identifier: Apache-2.0
#include "cli/verb_program.h"

#include "cli/command.h"
#include "cli/document.h"
#include "cli/help.h"
#include "cli/terminal.h"

namespace hull::cli {
namespace {

constexpr std::size_t kNameWidth = 12;

std::string program_help(const VerbProgram& program, std::span<const ProgramVerb> verbs) {
  std::string out = cat("Usage:  hull ", program.group, " COMMAND\n\n", program.summary, "\n\nCommands:\n");
  for (const ProgramVerb& verb : verbs)
    out += cat("  ", verb.name, std::string(kNameWidth - verb.name.size(), ' '), verb.summary, "\n");
  return cat(out, "\nRun 'hull ", program.group, " COMMAND --help' for more information on a command.\n");
}

std::string wrong_count(const ProgramVerb& verb) {
  auto arguments = [](int count) { return cat(count, count == 1 ? " argument" : " arguments"); };
  if (verb.most == 0) return "accepts no arguments";
  if (verb.most == verb.least) return cat("requires ", arguments(verb.least));
  if (verb.most < 0) return cat("requires at least ", arguments(verb.least));
  return cat("requires at least ", verb.least, " and at most ", arguments(verb.most));
}

int run_verb(const VerbProgram& program, const ProgramVerb& verb, std::span<const std::string_view> words) {
  std::string spelled = cat("hull ", program.group, " ", verb.name);
  std::string hint =
      cat("\n\nUsage:  ", spelled, " ", verb.synopsis, "\n\nRun '", spelled, " --help' for more information");
  Options options({verb.flags});
  try {
    options.parse(words, true);
  } catch (const Error& e) {
    complain(cat(e.message(), hint));
    return 125;
  }
  if (options.is_set("help")) {
    const Command shown{spelled, {}, verb.synopsis, verb.summary, 0, 0, true, {verb.flags}, nullptr};
    print(command_help(shown, spelled, text_width()));
    return 0;
  }
  int count = static_cast<int>(options.arguments.size());
  if (count < verb.least || (verb.most >= 0 && count > verb.most)) {
    complain(cat("hull: '", spelled, "' ", wrong_count(verb), hint));
    return 1;
  }
  return verb.run(options);
}

int find_verb(const VerbProgram& program, std::span<const ProgramVerb> verbs, std::span<const std::string_view> words) {
  if (words.empty() || words[0] == "--help" || words[0] == "help") {
    print(program_help(program, verbs));
    return 0;
  }
  if (words[0] == "--version") {
    print(cat("hull-", program.group, " version ", program.version, "\n"));
    return 0;
  }
  if (words[0] == "__document" && words.size() == 3) {
    std::vector<std::string> names;
    for (const ProgramVerb& verb : verbs) names.push_back(cat(program.group, " ", verb.name));
    std::vector<Command> commands;
    for (std::size_t i = 0; i < verbs.size(); ++i)
      commands.push_back({names[i], {}, verbs[i].synopsis, verbs[i].summary, 0, 0, true, {verbs[i].flags}, nullptr});
    write_documents(std::string(words[2]), words[1], program.group, program.summary, commands);
    return 0;
  }
  for (const ProgramVerb& verb : verbs)
    if (verb.name == words[0]) return run_verb(program, verb, words.subspan(1));
  complain(cat("hull: unknown command: hull ", program.group, " ", words[0], "\n\nRun 'hull ", program.group,
               " --help' for more information"));
  return 1;
}

}  // namespace

int run_verb_program(const VerbProgram& program, std::span<const ProgramVerb> verbs,
                     std::span<const std::string_view> words) {
  try {
    return find_verb(program, verbs, words);
  } catch (const Exit& e) {
    if (!e.message().empty()) complain(e.message());
    return e.status();
  } catch (const std::exception& e) {
    complain(e.what());
    return 1;
  }
}

}  // namespace hull::cli
