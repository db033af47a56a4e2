// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "dockerfile/expand.h"
#include "dockerfile/git_reference.h"
#include "dockerfile/ignore.h"
#include "dockerfile/lint.h"
#include "dockerfile/wildcard.h"
#include "target.h"

// What must hold for any text. Each returns quietly or ends the program.
namespace hull::dockerfile {

using fuzz::require;

// Parsing and checking end with a result, or with an error inside the file; a file that parses can be gone through, and
// its instructions stand in order.
inline void fuzz_dockerfile(std::string_view text) {
  CheckInput input;
  input.platforms.build =
      input.platforms.target = {.architecture = "amd64", .os = "linux", .os_version = {}, .variant = {}};
  const CheckResult result = check(text, input);
  const int lines = static_cast<int>(std::count(text.begin(), text.end(), '\n')) + 1;
  if (result.error) {
    require(result.error->lines().first <= lines && result.error->lines().last <= lines, "an error is inside the file");
    excerpt(text, "Dockerfile", result.error->lines(), result.error->position());
  }
  format_check(result, text, "Dockerfile");
  try {
    const Dockerfile file = parse(text);
    require(!file.stages.empty(), "a file has a stage");
    int last = 0;
    for (const Stage& stage : file.stages) {
      for (const Instruction& one : stage.instructions) {
        require(one.lines.first > last && one.lines.last >= one.lines.first && one.lines.last <= lines,
                "instructions stand in order");
        last = one.lines.last;
      }
    }
  } catch (const SourceError& error) {
    require(result.error.has_value(), "what does not parse is an error of the check");
    require(error.position().line <= lines, "an error is inside the file");
  } catch (const Error&) {
    require(text.empty(), "only an empty file has no place for its error");
  }
}

inline void fuzz_expand(std::string_view text) {
  const Environment variables(std::vector<std::string>{"a=foo/bar.tar.gz", "b=", "c=x y"});
  for (char escape : {'\\', '`'}) {
    for (int bits = 0; bits < 16; ++bits) {
      const ExpandOptions options{.escape = escape,
                                  .keep_quotes = (bits & 1) != 0,
                                  .keep_escapes = (bits & 2) != 0,
                                  .quotes_are_plain = (bits & 4) != 0,
                                  .keep_unset = (bits & 8) != 0};
      try {
        expand(text, variables, options);
        for (const std::string& word : expand_words(text, variables, options))
          require(!word.empty(), "words are not empty");
      } catch (const Error& error) {
        require(error.kind() == Kind::kInvalidArgument, "a text is at fault, not we");
      }
    }
  }
}

inline void fuzz_ignore(std::string_view text) {
  try {
    const IgnoreRules rules = IgnoreRules::parse(text);
    for (std::string_view path : {"a", "a.log", "a/b", "a/x/y/b", "d/e f/*", "!"}) {
      IgnoreRules::Above above;
      for (std::size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
        IgnoreRules::Above below;
        rules.matches(path.substr(0, slash), above, &below);
        above = below;
      }
      require(rules.matches(path) == rules.matches(path, above, nullptr), "asking and walking agree");
      if (!rules.matches(path) && path.find('/') != std::string_view::npos) {
        const std::string_view directory = path.substr(0, path.rfind('/'));
        require(!rules.matches(directory) || rules.may_include_below(directory), "what is included can be reached");
      }
    }
  } catch (const Error& error) {
    require(error.kind() == Kind::kInvalidArgument, "a text is at fault, not we");
  }
  matches_wildcard(text.substr(0, text.size() / 2), text.substr(text.size() / 2));
}

// What comes out of a reference is handed to git and looked up below a checkout.
inline void fuzz_git_reference(std::string_view text) {
  try {
    context_kind(text);
    const auto reference = parse_git_reference(text);
    if (!reference) return;
    require(!reference->remote.empty(), "a repository is somewhere");
    require(!reference->subdir.starts_with('/') && reference->subdir != ".." && !reference->subdir.starts_with("../"),
            "a directory is inside of the repository");
    require(!is_http_source(text), "a repository is no file");
  } catch (const Error& error) {
    require(error.kind() == Kind::kInvalidArgument, "a text is at fault, not we");
  }
}

}  // namespace hull::dockerfile
