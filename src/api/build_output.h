// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "api/call.h"
#include "build/progress.h"

namespace hull::build {
struct Result;
}

namespace hull::api {

// Writes down how a build goes on, as the body of its answer, whose head it sends with the first word.
class BuildOutput : public build::Observer {
 public:
  virtual void built(const build::Result& result) = 0;
  // Says it in the body. False when nothing was written yet: the answer can still have another status.
  virtual bool refused(const Error& error) = 0;
};

// Docker's classic builder: JSON lines with `stream`, `aux` and `errorDetail`, whose texts clients search.
// Steps come in the order of the Dockerfile, whatever the order in which they are done.
// `quiet`: nothing but the image's id.
std::unique_ptr<BuildOutput> classic_build_output(Call& call, bool quiet);
// BuildKit's statuses as JSON lines, as `docker build --progress=rawjson` prints them, and `aux`, `errorDetail` and
// `why` beside them: for hull's own command line.
std::unique_ptr<BuildOutput> status_build_output(Call& call);

}  // namespace hull::api
