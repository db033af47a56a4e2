// SPDX-License-Identifier: Apache-2.0
#include "dockerfile/parse.h"

#include <algorithm>

#include "dockerfile/body.h"
#include "dockerfile/lines.h"
#include "dockerfile/words.h"

namespace hull::dockerfile {

namespace {

std::string describe(const std::vector<std::string>& comments, std::string_view name) {
  for (const std::string& comment : comments)
    if (!name.empty() && comment.size() > name.size() && comment.starts_with(name) && comment[name.size()] == ' ')
      return comment.substr(name.size() + 1);
  return {};
}

Instruction read_instruction(LineReader& reader, LogicalLine line) {
  const std::string_view text = trim_blanks(line.text);
  Request request = split_request(text, reader.escape());
  try {
    if (text.find("<<") != std::string_view::npos && may_have_heredocs(request))
      request.heredocs = reader.read_heredocs(line);
    Instruction out{.body = parse_body(request),
                    .name = std::string(text.substr(0, request.keyword.size())),
                    .original = std::string(text),
                    .lines = line.lines,
                    .pieces = {},
                    .comments = std::move(line.comments)};
    const auto skipped = static_cast<std::size_t>(text.data() - line.text.data());
    for (Piece& piece : line.pieces) piece.offset -= std::min(piece.offset, skipped);
    out.pieces = std::move(line.pieces);
    if (auto* declared = std::get_if<Arg>(&out.body))
      for (auto& argument : declared->arguments) argument.description = describe(out.comments, argument.name);
    return out;
  } catch (const Problem& problem) {
    throw SourceError(problem.reason, line.lines, locate(line.pieces, line.text, problem.word));
  }
}

}  // namespace

Dockerfile parse(std::string_view text, std::string_view file) {
  Dockerfile out;
  parse_into(out, text, file);
  return out;
}

void parse_into(Dockerfile& out, std::string_view text, std::string_view file) {
  if (text.empty()) fail_invalid("the Dockerfile (", file, ") cannot be empty");
  out.directives = read_directives(text);
  LineReader reader(text);
  while (auto line = reader.next()) {
    if (line->has_empty_continuation) out.empty_continuations.push_back({line->lines.last, line->lines.last});
    Instruction instruction = read_instruction(reader, std::move(*line));
    if (const From* from = instruction.as<From>()) {
      std::string description = describe(instruction.comments, from->name);
      From copy = *from;
      out.stages.push_back({std::move(copy), std::move(instruction), {}, std::move(description)});
    } else if (!out.stages.empty()) {
      out.stages.back().instructions.push_back(std::move(instruction));
    } else if (instruction.as<Arg>()) {
      out.arguments.push_back(std::move(instruction));
    } else {
      throw SourceError(
          cat("no build stage in current context: ", upper(instruction.name), " stands before the first FROM"),
          instruction.lines, instruction.position());
    }
  }
  const Lines end{reader.line(), reader.line()};
  if (out.stages.empty() && out.arguments.empty()) throw SourceError("file with no instructions", end, {}, false);
  if (out.stages.empty()) throw SourceError("dockerfile contains no stages to build", end, {}, false);
  out.directives.escape = reader.escape();
}

namespace {

Instruction parse_single(std::string_view text, char escape, std::string_view what) {
  // Directives belong on top of files: the escape character is the file's.
  LineReader reader(text, escape);
  auto line = reader.next();
  if (!line) fail_invalid(what, " should be a single instruction, but it is empty");
  Instruction out = read_instruction(reader, std::move(*line));
  if (reader.next()) fail_invalid(what, " should be a single instruction: ", quoted(text));
  return out;
}

}  // namespace

Instruction parse_trigger(std::string_view text, char escape, const Instruction& start) {
  try {
    Instruction out = parse_single(text, escape, "onbuild trigger");
    if (out.as<From>() || out.as<Maintainer>() || out.as<OnBuild>())
      fail_invalid(upper(out.name), " isn't allowed as an ONBUILD trigger");
    out.lines = start.lines;
    out.pieces = {{0, start.position()}};
    return out;
  } catch (const SourceError& error) {
    throw SourceError(cat(error.reason(), " (in the ONBUILD trigger ", quoted(text), " of the base image)"),
                      start.lines, start.position());
  } catch (const Error& error) {
    throw SourceError(error.message(), start.lines, start.position());
  }
}

Instruction parse_change(std::string_view text) { return parse_single(text, '\\', "a change"); }

std::optional<std::size_t> Dockerfile::find_stage(std::string_view name) const {
  if (name.empty()) return std::nullopt;
  for (std::size_t i = stages.size(); i-- > 0;)
    if (equals_ignoring_case(stages[i].from.name, name)) return i;
  return std::nullopt;
}

std::optional<std::size_t> Dockerfile::base_stage(std::size_t index, std::string_view base) const {
  for (std::size_t i = index; i-- > 0;)
    if (!stages[i].from.name.empty() && stages[i].from.name == base) return i;
  return std::nullopt;
}

std::optional<std::size_t> Dockerfile::source_stage(std::string_view from, bool may_be_number) const {
  if (const auto index = may_be_number ? parse_number<int>(from) : std::nullopt) {
    if (*index < 0 || static_cast<std::size_t>(*index) >= stages.size()) fail_invalid("invalid stage index ", *index);
    return static_cast<std::size_t>(*index);
  }
  return find_stage(from);
}

std::size_t Dockerfile::target(std::string_view name) const {
  if (name.empty()) return stages.size() - 1;
  if (auto found = find_stage(name)) return *found;
  if (auto index = parse_number<std::size_t>(name); index && *index < stages.size()) return *index;
  std::vector<std::string_view> names;
  for (const Stage& stage : stages)
    if (!stage.from.name.empty()) names.push_back(stage.from.name);
  fail_invalid("target stage ", quoted(name), " could not be found", suggestion(name, names));
}

}  // namespace hull::dockerfile
