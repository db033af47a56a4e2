// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <set>
#include <string>

#include "build/graph.h"
#include "build/request.h"
#include "dockerfile/parse.h"

namespace hull::build {

// What the planner asks for.
struct PlannerServices {
  // The image with that name for a platform ("" : this machine's), from the store or from where it can be had. Throws
  // Error{kNotFound}.
  std::function<image::ImagePtr(const std::string& name, const std::string& platform)> image;
  std::function<bool(const std::string& name)> has_context;  // a named context of files
};

// The graph for the target of a request: the stages that it needs, in the order of the Dockerfile, with the triggers of
// base images. Throws dockerfile::SourceError, Error{kInvalidArgument} for a target that is not there.
Graph plan(const dockerfile::Dockerfile& file, const Request& request, const PlannerServices& services,
           Observer& observer);

// The history line of an instruction as BuildKit's front end writes it. `arguments`: the ARGs that RUN sees.
std::string history_line(const dockerfile::Instruction& instruction, const oci::ExecutionConfig& config,
                         const std::vector<dockerfile::KeyValue>& arguments, const std::vector<std::string>& command);

}  // namespace hull::build
