// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hull::dockerfile {

// A git repository as build context or source of ADD (docs.docker.com/build/concepts/context/#git-repositories):
//   https://host/org/repo.git#ref:subdir      git@host:org/repo.git#ref      ssh://git@host/repo
//   https://host/repo.git?branch=main&subdir=a&commit=1234&submodules=false&keep-git-dir=true
struct GitReference {
  std::string remote;      // what git takes: without fragment and query
  std::string short_name;  // "repo"
  std::string ref;         // branch, tag or commit; "" is the remote's HEAD
  std::string checksum;    // the commit that it must be
  std::string subdir;      // "" is the top
  // "github.com/org/repo" may be a directory as well: a context only, never a source of ADD.
  bool looks_local = false;
  bool unencrypted = false;  // git:// and http://
  std::optional<bool> keep_git_dir, submodules;
  std::string mtime;  // "checkout", "commit" or ""
  bool fetch_by_commit = false;
};

// Empty when the text is no git reference: a path, or a URL of something else (http(s) without ".git"). Throws
// Error{kInvalidArgument} when it is one with a query that makes no sense.
std::optional<GitReference> parse_git_reference(std::string_view text);

// http:// or https://, and not git: a file, an archive or a Dockerfile to download.
bool is_http_source(std::string_view text);
// The name that ADD gives a downloaded file: the last element of the URL's path; "__unnamed__" when there is none.
std::string http_file_name(std::string_view url);

// What a build may be given as context: a directory, "-" (archive or Dockerfile on standard input), or something
// remote.
enum class ContextKind : unsigned char { kDirectory, kStandardInput, kGit, kHttp };
ContextKind context_kind(std::string_view text);

}  // namespace hull::dockerfile
