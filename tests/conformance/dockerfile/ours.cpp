// SPDX-License-Identifier: Apache-2.0
// Answers the questions that reference.go answers with BuildKit's packages: one JSON array of strings per line, one
// JSON string per answer.
#include <functional>
#include <iostream>

#include "dockerfile/expand.h"
#include "dockerfile/git_reference.h"
#include "dockerfile/ignore.h"
#include "dockerfile/lint.h"
#include "dockerfile/mode.h"
#include "dockerfile/outline.h"
#include "dump.h"
#include "oci/json.h"

namespace hull::dockerfile {
namespace {

using Question = std::vector<std::string>;

std::string answer_expand(const Question& question) {
  ExpandOptions options{.escape = question[2][0]};
  options.quotes_are_plain = question[3] == "raw";
  const Environment variables(std::vector<std::string>(question.begin() + 4, question.end()));
  if (question[3] == "words") try {
      return dump::list(expand_words(question[1], variables, options));
    } catch (const Error&) {
      return "error";
    }
  try {
    Lookups lookups;
    const std::string result = expand(question[1], variables, options, &lookups);
    std::sort(lookups.unset.begin(), lookups.unset.end());
    return cat(dump::quote(result), " unset=", dump::list(lookups.unset));
  } catch (const Error& error) {
    return cat("error ", dump::quote(error.message().substr(error.message().rfind("\": ") + 1)));
  }
}

std::string answer_ignore(const Question& question) {
  try {
    const IgnoreRules rules = IgnoreRules::parse(question[1]);
    std::map<std::string, IgnoreRules::Above> above;
    std::vector<std::string> left_out;
    for (auto path = question.begin() + 2; path != question.end(); ++path) {
      const std::size_t slash = path->rfind('/');
      const auto up = slash == std::string::npos ? above.end() : above.find(path->substr(0, slash));
      const bool match = rules.matches(*path, up == above.end() ? IgnoreRules::Above{} : up->second, &above[*path]);
      if (match != rules.matches(*path)) return cat("disagrees with itself: ", *path);
      if (match) left_out.push_back(*path);
    }
    return dump::list(left_out);
  } catch (const Error&) {
    return "error";
  }
}

std::string answer_git(const Question& question) {
  try {
    const auto ref = parse_git_reference(question[1]);
    if (!ref) return "none";
    return cat(dump::quote(ref->remote), " short=", dump::quote(ref->short_name), " ref=", dump::quote(ref->ref),
               " checksum=", dump::quote(ref->checksum), " subdir=", dump::quote(ref->subdir),
               " local=", ref->looks_local, " plain=", ref->unencrypted, " keep=", dump::tristate(ref->keep_git_dir),
               " submodules=", dump::tristate(ref->submodules), " mtime=", dump::quote(ref->mtime),
               " fetch=", ref->fetch_by_commit);
  } catch (const Error&) {
    return "error";
  }
}

std::string answer_mode(const Question& question) {
  try {
    const auto mode =
        ModeChange::parse(question[1]).apply(*parse_number<std::uint32_t>(question[3], 8), question[2] == "directory");
    std::string octal;
    for (int shift = 9; shift >= 0; shift -= 3) octal += static_cast<char>('0' + (mode >> shift & 7));
    return octal;
  } catch (const Error&) {
    return "error";
  }
}

CheckInput check_input(const Question& question) {
  CheckInput input;
  input.platforms.build =
      input.platforms.target = {.architecture = "amd64", .os = "linux", .os_version = {}, .variant = {}};
  for (auto argument = question.begin() + 2; argument != question.end(); ++argument) {
    const auto [name, value] = split_once(*argument, '=');
    input.arguments[std::string(name)] = value.value_or("");
  }
  return input;
}

std::string answer_targets(const Question& question) {
  try {
    const auto targets = list_targets(parse(question[1]));
    return format_targets(targets) + json_of_targets(targets, question[1]);
  } catch (const Error&) {
    return "error";
  }
}

std::string answer_outline(const Question& question) {
  try {
    const CheckInput input = check_input(question);
    const Outline shown = outline(parse(question[1]), input.arguments, input.platforms, "");
    return format_outline(shown) + json_of_outline(shown, question[1]);
  } catch (const Error&) {
    return "error";
  }
}

std::string answer_lint(const Question& question) {
  const CheckResult result = check(question[1], check_input(question));
  std::vector<std::string> lines;
  for (const Warning& warning : result.warnings)
    lines.push_back(cat(warning.lines.first, " ", info(warning.rule).name, " ", dump::quote(warning.message), " ",
                        info(warning.rule).url));
  std::sort(lines.begin(), lines.end());
  return cat(join(lines, "\n"), "\n", result.error ? "error\n" : "");
}

const std::map<std::string, std::function<std::string(const Question&)>> kAnswers = {
    {"parse", [](const Question& question) { return dump::parse_and_dump(question[1]); }},
    {"expand", answer_expand},
    {"ignore", answer_ignore},
    {"git", answer_git},
    {"mode", answer_mode},
    {"lint", answer_lint},
    {"targets", answer_targets},
    {"outline", answer_outline},
};

}  // namespace
}  // namespace hull::dockerfile

int main() {
  using namespace hull;
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto question = from_json<std::vector<std::string>>(parse_json(line));
    std::cout << dump_json(Json(dockerfile::kAnswers.at(question.at(0))(question))) << "\n";
  }
}
