// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// Patterns of .dockerignore and of COPY --exclude (docs.docker.com/build/concepts/context/#dockerignore-files): `*` and
// `?` do not match "/", `**` any number of path elements, `!pattern` takes back, the last pattern that matches decides.
// A pattern that matches a directory matches everything below it.
namespace hull::dockerfile {

class IgnoreRules {
 public:
  IgnoreRules();  // no rules: nothing matches
  // The text of an ignore file. Throws Error{kInvalidArgument} for a pattern that is none, with its line.
  static IgnoreRules parse(std::string_view text);
  // Patterns one by one, as --exclude gives them: no comments, blanks at both ends are dropped.
  static IgnoreRules from_patterns(const std::vector<std::string>& patterns);
  IgnoreRules(IgnoreRules&&) noexcept;
  IgnoreRules& operator=(IgnoreRules&&) noexcept;
  ~IgnoreRules();

  bool empty() const;
  bool has_exceptions() const;                       // is there a `!pattern`?
  const std::vector<std::string>& patterns() const;  // cleaned: no leading "/", with "!"

  // Is `path` (relative, "a/b", no "./") left out, itself or through a directory above it?
  bool matches(std::string_view path) const;

  // The same for a walk from the top: what the directories above matched is handed down instead of looked up again.
  // A default Above is the top. `below` (may be null) becomes what to hand to the entries of `path`.
  using Above = std::vector<std::uint64_t>;
  bool matches(std::string_view path, const Above& above, Above* below) const;

  // A directory that is left out need not be entered, unless an exception may match something below it.
  bool may_include_below(std::string_view directory) const;

 private:
  struct Compiled;
  std::unique_ptr<Compiled> compiled_;
};

// The ignore files to look for, the best first: "<dockerfile>.dockerignore" beside the Dockerfile, then ".dockerignore"
// at the top of the context.
std::vector<std::string> ignore_files(std::string_view dockerfile);

}  // namespace hull::dockerfile
