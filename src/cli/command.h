// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/client.h"
#include "cli/flags.h"
#include "cli/output.h"

// A command of hull: what the tables say about it, and one call of it.
namespace hull::cli {

class Invocation;

struct Command {
  std::string_view name;       // "container ls"
  std::string_view spellings;  // the others: "container list|container ps|ps"
  std::string_view synopsis;   // "[OPTIONS] CONTAINER [CONTAINER...]"
  std::string_view summary;    // for --help
  int least, most;             // number of arguments; -1: no limit
  bool interspersed;           // flags may follow arguments
  FlagSet flags;
  int (*run)(Invocation& call);  // the exit code; throws Error and its kin
};

class Invocation {
 public:
  Invocation(const Command& called, std::string spelling, Endpoint endpoint)
      : command(called), spelled(std::move(spelling)), options(called.flags), endpoint_(std::move(endpoint)) {}

  const Command& command;
  std::string spelled;  // "hull ps", as the user typed it
  Options options;

  Client& client() {
    if (!client_) client_.emplace(endpoint_);
    return *client_;
  }
  // The name of the context that is in use.
  std::string context() const;
  const Endpoint& endpoint() const { return endpoint_; }
  const std::vector<std::string>& arguments() const { return options.arguments; }
  const std::string& argument(std::size_t at) const { return options.arguments[at]; }

 private:
  Endpoint endpoint_;
  std::optional<Client> client_;
};

struct Group {
  std::string_view name, summary;
};

std::span<const Command> container_commands();
std::span<const Command> object_commands();  // images, networks, volumes
std::span<const Command> system_commands();
std::span<const Command> client_commands();                  // contexts, completion, and what only hull has
std::span<const std::span<const Command>> command_tables();  // all of these
std::span<const Group> command_groups();
std::span<const Flag> global_flags();

// The command of that name or spelling ("container ls", "ps"); nullptr when there is none.
const Command* find_command(std::string_view words);
const Group* find_group(std::string_view name);
// Whether it is the first word of a command.
bool is_command_name(std::string_view word);
// Spellings of commands of `group` ("" for the top level) that are nearest to what was typed, or begin with it.
std::vector<std::string> similar_commands(std::string_view group, std::string_view typed);

// Runs the command line (without the program's name) and gives the exit code. Throws nothing.
int run_command_line(std::span<const std::string_view> words, std::string_view version);

// hull's own release, as `hull --version` shows it.
std::string_view client_version();

// The endpoint that the flags before the command name.
Endpoint endpoint_of(const Options& global);

// Does `act` for every argument: prints what it returns (nothing when empty), puts errors together, and gives 1 when
// there was any.
template <class Act>
int for_each_argument(const std::vector<std::string>& arguments, Act act) {
  int failed = 0;
  for (const std::string& argument : arguments) {
    try {
      if (std::string said = act(argument); !said.empty()) print_line(said);
    } catch (const Refused& e) {
      complain(e.what());
      failed = 1;
    }
  }
  return failed;
}

}  // namespace hull::cli
