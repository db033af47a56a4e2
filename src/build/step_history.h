// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "build/step_key.h"

// Why a step was not in the cache (`hull build --why`): what it depends on now, beside what it depended on in the last
// build of the same context, Dockerfile and target. Kept in <data-root>/build/why: a file of steps for each of those,
// and a file for each list of files that was copied.
namespace hull::build {

// One step of a build.
struct StepNote {
  std::string stage;        // its name or number
  std::int64_t number = 0;  // within its stage
  std::string name;         // as it is shown
  std::string instruction;  // as written
  std::string key;
  std::vector<KeyPart> parts;
};
template <class Visitor>
void fields(Visitor& visit, StepNote& value) {
  visit("stage", value.stage);
  visit("number", value.number);
  visit("name", value.name);
  visit("instruction", value.instruction);
  visit("key", value.key);
  visit("parts", value.parts);
}

// Thread-safe.
class StepHistory {
 public:
  // `project` tells builds of one thing from those of others.
  StepHistory(const std::string& data_root, const std::string& project);

  // A sentence about a step that was not in the cache: which argument, which file, which step before it. `below`: the
  // name of the step before.
  std::string why(const StepNote& step, const std::string& below) const;
  // The key that the step had in the last build.
  std::optional<std::string> last_key(const std::string& stage, std::int64_t number,
                                      const std::string& instruction) const;
  // A step of this build.
  void note(StepNote step);
  // Writes down the lists of files that are not there yet.
  void keep_listings(const StepKey& key) const;
  // Puts what was noted in the place of what the last build has left. Of a build that has failed (not `whole`) the rest
  // stays as it was.
  void save(bool whole);

 private:
  const StepNote* counterpart(const StepNote& step) const;
  std::string changed_files(const std::string& before, const std::string& after) const;
  std::string listing_path(const std::string& digest) const;

  std::string directory_, file_, old_text_;
  std::vector<StepNote> old_, new_;
  std::mutex mutex_;
};

}  // namespace hull::build
