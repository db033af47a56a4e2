// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/tar.h"

// The local side of `cp`.
namespace hull::cli {

struct PathParts {
  std::string directory, base;  // of the clean path; "." is the base of "a/."
  bool is_dot = false;          // ends with "." as a component: what is in the directory, not the directory
};
PathParts path_parts(const std::string& path);

// Entries whose name begins with the component `from` begin with `to` instead. Nothing when `to` is empty.
struct Renaming {
  std::string from, to;
  std::string operator()(const std::string& name) const;
};

struct LocalSource {
  std::string path;  // with links in its directory followed
  std::string base;  // first component of the names in the archive
  std::string name;  // what that shall be called, when it is not the same
  bool is_directory = false;
};
// Throws Exit when there is nothing.
LocalSource local_source(const std::string& path, bool follow_link);
// All of it into a tar. What is not readable is an error; sockets are left out.
void pack(const LocalSource& source, const Renaming& renaming, TarOutput& tar);

struct Destination {
  std::string directory;
  Renaming renaming;
};
// The directory that an output path lies in has to be there, and the path must not be a device or the like.
void check_output_path(const std::string& path);
// Where an archive whose names begin with `base` is unpacked so that `path` is the result. `name`: what it is called
// when `path` is a directory ("" : base).
Destination local_destination(const std::string& path, bool source_is_directory, const std::string& base,
                              const std::string& name);
// Makes what the archive says below the directory, and nothing outside of it. Owners are the caller's.
void unpack(TarInput& tar, const Destination& destination);

}  // namespace hull::cli
