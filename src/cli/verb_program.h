// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

#include "cli/flags.h"

// A group of commands that is a program of its own (hull-registry, hull-manifest): neither the engine nor the command
// line has to carry what it is linked with. `hull GROUP …` runs it with the words behind GROUP.
namespace hull::cli {

struct ProgramVerb {
  std::string_view name, synopsis, summary;
  int least, most;  // number of arguments; most -1: no limit
  std::span<const Flag> flags;
  int (*run)(const Options& options);  // the exit code; throws Error
};

struct VerbProgram {
  std::string_view group, summary, version;
};

// Finds the verb, reads its flags, runs it, and gives the exit code. Shows help and errors. Throws nothing.
int run_verb_program(const VerbProgram& program, std::span<const ProgramVerb> verbs,
                     std::span<const std::string_view> words);

}  // namespace hull::cli
