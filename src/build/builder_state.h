// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

#include "build/builder.h"
#include "build/executor.h"
#include "linux/background.h"

namespace hull::build {

class ImportedCaches;

// What the files of this room share.
struct Builder::State {
  explicit State(container::Engine& engine)
      : shared(engine, engine.configuration().data_root, engine.configuration().exec_root),
        background(engine.services().reactor) {}

  Shared shared;
  std::mutex mutex;
  std::map<std::string, std::stop_source> running;  // by the build's id
  std::mutex pruning;                               // one at a time
  std::atomic<std::int64_t> collected = 0;          // monotonic nanoseconds: when garbage was collected last
  linux::Background background;                     // ends before what it uses
};

// What has to be done after the steps: assemble.cpp, outputs.cpp.
// The image's configuration as it is stored, its layers, and the id that this gives.
struct Assembled {
  std::string config, id;
  std::vector<std::string> chain;
  std::int64_t size = 0;
  std::string time_key;   // of the record that says when the image got what no layer says
  std::int64_t time = 0;  // nanoseconds
};
Assembled assemble(Shared& shared, const Graph& graph, const Request& request, const std::vector<NodeResult>& results,
                   const ImportedCaches& imports);
// The same image with one layer in the place of all that are not its base's.
Assembled squash(Shared& shared, const Graph& graph, const Assembled& image);

// Refuses outputs and annotations that make no sense, before anything is done.
void check_outputs(const Request& request);
// Stores, writes and pushes what the request asks for.
Result write_outputs(Shared& shared, const Assembled& image, const Request& request, Observer& observer,
                     const std::stop_token& stop);

}  // namespace hull::build
