// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "build/builder.h"
#include "build/executor.h"

namespace hull::build {

// What the files of this room share.
struct Builder::State {
  explicit State(container::Engine& engine)
      : shared(engine, engine.configuration().data_root, engine.configuration().exec_root) {}

  Shared shared;
  std::mutex mutex;
  std::map<std::string, std::stop_source> running;  // by the build's id
};

// What has to be done after the steps: assemble.cpp, outputs.cpp.
// The image's configuration as it is stored, its layers, and the id that this gives.
struct Assembled {
  std::string config, id;
  std::vector<std::string> chain;
  std::int64_t size = 0;
};
Assembled assemble(Shared& shared, const Graph& graph, const Request& request, const std::vector<NodeResult>& results);
void write_output(Shared& shared, const Assembled& image, const Request& request, const Output& output,
                  Observer& observer);

}  // namespace hull::build
