// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dockerfile/instruction.h"

namespace hull::dockerfile {

// The comments `# key=value` on top of the file that are more than comments.
struct Directives {
  std::string syntax;  // the image of an external front end, up to the first blank; "" when not given
  char escape = '\\';  // or '`'
  std::string check;   // for lint.h: "skip=all", "error=true;skip=StageNameCasing"
  Lines syntax_lines, check_lines;
};

struct Stage {
  From from;
  Instruction start;  // the FROM instruction itself
  std::vector<Instruction> instructions;
  std::string description;  // from a comment "# name description" right above
};

struct Dockerfile {
  Directives directives;
  std::vector<Instruction> arguments;      // the ARG instructions before the first FROM
  std::vector<Stage> stages;               // at least one
  std::vector<Lines> empty_continuations;  // instructions with an empty line inside (check NoEmptyContinuation)

  // The index of the stage with that name, in any case; the last one where a name is given twice.
  std::optional<std::size_t> find_stage(std::string_view name) const;
  // The stage that stage `index` is FROM: an earlier one whose name is `base` (with variables replaced). Empty: an
  // image.
  std::optional<std::size_t> base_stage(std::size_t index, std::string_view base) const;
  // What `COPY --from` and `--mount=from` in stage `index` mean: a name or, with COPY, a number. Empty: an image or a
  // named context. Throws Error{kInvalidArgument} for a number that no stage has.
  std::optional<std::size_t> source_stage(std::string_view from, bool may_be_number) const;
  // What `--target` and `COPY --from` may say: a name, or a number. "" is the last stage.
  // Throws Error{kInvalidArgument} `target stage "tset" could not be found (did you mean test?)`.
  std::size_t target(std::string_view name) const;
};

// The whole file; UTF-8, with or without byte order mark, LF or CRLF. `file` names it in "the Dockerfile (…) cannot be
// empty". Throws SourceError for the first thing that is wrong. Variables are not looked at, so that what only
// resolve() can know (options of --mount, durations after expansion) is refused there.
Dockerfile parse(std::string_view text, std::string_view file = "Dockerfile");

// The same, for whoever also wants what comes before the error: `out` has it when SourceError is thrown.
void parse_into(Dockerfile& out, std::string_view text, std::string_view file);

// One instruction of a base image's OnBuild list. `start` is the FROM instruction that brings it in: errors point
// there. Throws SourceError, also when it is not exactly one instruction or one that ONBUILD may not have.
Instruction parse_trigger(std::string_view text, char escape, const Instruction& start);

// One instruction without context, as `docker commit --change` and `docker import --change` take them.
Instruction parse_change(std::string_view text);

// What stands on top of the file, also where the rest of it does not parse; a first line `#!…` is skipped, and a syntax
// may stand as `// syntax=…` and `{"syntax": "…"}` too. Never throws: what comes twice ends the search.
Directives read_directives(std::string_view text);

}  // namespace hull::dockerfile
