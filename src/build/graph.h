// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "build/progress.h"
#include "dockerfile/instruction.h"
#include "dockerfile/scope.h"
#include "image/images.h"
#include "oci/image_config.h"

// What has to be done for a target, as nodes that depend on each other. A node says completely what it does (its
// variables are replaced, its user and directory are known): together with what its inputs turn out to be that is its
// key in the cache. Everything that a front end decides is decided when the graph is made; a front end for another
// language makes another graph for the same executor.
namespace hull::build {

inline constexpr std::size_t kNone = static_cast<std::size_t>(-1);

// Where files are taken from: COPY, ADD, RUN --mount.
struct FileOrigin {
  enum class Kind : unsigned char { kContext, kNode, kImage, kEmpty };
  Kind kind = Kind::kContext;
  std::string context;       // kContext: "" is the build context, else a named one
  std::size_t node = kNone;  // kNode: the last one of a stage
  image::ImagePtr image;     // kImage
};

enum class NodeKind : unsigned char {
  kBase,    // the layers of an image, or none
  kRun,     // a command in a container
  kCopy,    // files put into the file system: COPY, ADD
  kFolder,  // WORKDIR: a directory that has to be there
  kConfig,  // nothing in the file system changes
};

struct Node {
  NodeKind kind = NodeKind::kConfig;
  std::size_t stage = 0;       // of the Dockerfile
  std::string stage_name;      // as it is shown: "build", "stage-1"
  std::size_t number = 0;      // within its stage, from 1
  std::size_t parent = kNone;  // whose file system it goes on from
  StepFacts facts;
  dockerfile::Instruction instruction;  // with final values; not of kBase
  dockerfile::Lines lines;
  std::string created_by;  // of the image's history
  bool in_history = true;

  image::ImagePtr base;                  // kBase; null: nothing (scratch), or the parent's file system
  oci::ExecutionConfig config;           // what the image's configuration is after this node
  std::vector<std::string> environment;  // kRun: what the command sees
  std::vector<std::string> proxies;      // kRun: what it sees besides, and no key depends on
  std::vector<std::string> command;      // kRun
  std::string script;                    // kRun: a heredoc with an interpreter, mounted as …
  std::string script_path;               // … this file
  std::string folder;                    // kRun, kCopy: where relative paths start; kFolder: the directory
  FileOrigin origin;                     // kCopy
  std::vector<FileOrigin> mounts;        // kRun: of each of its mounts
  bool never_cached = false;

  // All nodes that have to be done before.
  std::vector<std::size_t> inputs() const;
};

struct Graph {
  std::vector<Node> nodes;  // inputs come before those who need them
  std::size_t result = 0;
  image::ImagePtr base;  // that the result's stage begins with; null: scratch
  std::string author;    // MAINTAINER
  std::shared_ptr<const dockerfile::GlobalScope> global;

  std::vector<std::size_t> way_to_result() const;  // from the image that it begins with
};

}  // namespace hull::build
