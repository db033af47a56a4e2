// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The wildcards of COPY and ADD sources: Go's filepath.Match. `*` and `?` do not match "/", `[a-z]` `[^a-z]` one
// character, `\` takes the meaning from the next one.
namespace hull::dockerfile {

bool has_wildcards(std::string_view pattern);

// Empty optional when the pattern is malformed ("[a", "a\").
std::optional<bool> matches_wildcard(std::string_view pattern, std::string_view name);

// The leading elements of a source without wildcards, where a walk starts: "a/b" of "a/b/*.c/d"; "" for the top.
std::string fixed_prefix(std::string_view pattern);

// A source of COPY --parents: what is before the pivot "/./" is not kept in the destination.
struct PivotedSource {
  std::string base;      // where the walk starts, without leading "/"; "" is the top. May have wildcards
  std::string pattern;   // below it, kept in the destination; `**` allowed (matches_path_pattern)
  bool required = true;  // no wildcard anywhere: must exist
};
PivotedSource split_pivot(std::string_view source);

}  // namespace hull::dockerfile
