// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>

#include "build/request.h"
#include "build/shared.h"
#include "dockerfile/git_reference.h"

// What a build takes from elsewhere: files over HTTP, git repositories. What has come stays in
// <data-root>/build/remote/<key>, under a record of the cache, and is asked for again only as far as it has to be: by
// the validators that its server gave, by the commit that a branch or tag stands for, or not at all when the Dockerfile
// says what it must be.
namespace hull::build {

struct RemoteFile {
  std::string directory, name;  // it is <directory>/<name>, readable by root alone, with the time that the server says
  std::string digest;           // "sha256:…"
};

struct Checkout {
  std::string directory;  // of the files
  std::string identity;   // of what is in it: the commit, and how it was checked out
};

// Of one build. Thread-safe: each function blocks, and throws Error{kCancelled} when the build ends.
class RemoteSources {
 public:
  RemoteSources(Shared& shared, const Request& request, std::stop_token stop);
  ~RemoteSources();  // what it has given may be pruned from here on
  RemoteSources(const RemoteSources&) = delete;
  RemoteSources& operator=(const RemoteSources&) = delete;

  // `checksum`: "sha256:…" that it must have, or "". Error{kNotFound}, Error{kUnavailable} in words that name the URL,
  // Error{kInvalidArgument} for the wrong checksum.
  RemoteFile file(const std::string& url, const std::string& checksum);
  // `keep_git_dir` and `checksum` (a commit, or its beginning) as ADD and the reference itself say. Needs git(1), and
  // ssh(1) for ssh:// remotes. Error{kInvalidArgument} with git's own words.
  Checkout repository(const dockerfile::GitReference& reference, bool keep_git_dir, const std::string& checksum);

 private:
  std::string place(const std::string& key) const;
  void keep(const std::string& key);
  void record(const std::string& key, std::string_view kind, const std::string& description);

  Shared& shared_;
  const Request& request_;
  std::stop_token stop_;
  std::mutex mutex_;
  std::set<std::string> kept_;
};

}  // namespace hull::build
