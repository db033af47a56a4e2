// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/rollback.h"
#include "build/builder.h"
#include "build/remote_sources.h"
#include "build/sources.h"

namespace hull::build {

// The Dockerfile of a build and where its files are.
struct Contexts {
  std::map<std::string, std::shared_ptr<SourceTree>> trees;  // "" is the build context, others are named
  std::string path, text;                                    // of the Dockerfile
  std::string project;  // tells builds of this Dockerfile in this place from others
};

// Opens all contexts: descriptors of the client, its upload, what lies at a URL (a git repository, an archive, or a
// Dockerfile alone). `undo` removes what was unpacked for it. Error{kInvalidArgument} "Cannot locate specified
// Dockerfile: …"; what RemoteSources throws.
Contexts open_contexts(Shared& shared, const Request& request, Sources sources, RemoteSources& remote, Rollback& undo);

}  // namespace hull::build
