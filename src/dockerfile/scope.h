// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dockerfile/expand.h"
#include "dockerfile/parse.h"
#include "oci/platform.h"

// Which variables exist where. Before the first FROM: the platform arguments and the ARGs there; FROM sees these. In a
// stage: the base image's ENV, and each ARG and ENV from its line on. An ARG without a value takes that of --build-arg
// or of the global ARG of the same name.
namespace hull::dockerfile {

using BuildArguments = std::map<std::string, std::string>;  // --build-arg

struct Platforms {
  oci::Platform build, target;  // where the build runs; what the image is for
};

// The PATH of a base image that has none.
inline constexpr std::string_view kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// HTTP_PROXY … in both cases: set for RUN without an ARG when given as --build-arg, in no cache key and no history.
bool is_proxy_argument(std::string_view name);
// What a RUN must get beside StageScope::environment(): the proxies of --build-arg.
std::vector<std::string> proxy_environment(const BuildArguments& arguments);

// The names in `given` that no ARG of the file takes, and that are not there without one.
std::vector<std::string> unused_arguments(const Dockerfile& file, const BuildArguments& given);

// What FROM and declared ARGs of stages see. `target` is the name of the stage to build: TARGETSTAGE ("default" for
// ""). Throws SourceError for an ARG that cannot be expanded. With `lookups` null warnings are not collected.
class GlobalScope {
 public:
  GlobalScope(const Dockerfile& file, const BuildArguments& given, const Platforms& platforms, std::string_view target);

  const Environment& variables() const { return variables_; }
  const BuildArguments& given() const { return given_; }
  char escape() const { return escape_; }

  // The stage's FROM with its variables replaced. Throws SourceError ("base name ($X) should not be blank"); what was
  // looked up by then is in the lists.
  From resolve(const Stage& stage, Lookups* of_base = nullptr, Lookups* of_platform = nullptr) const;

 private:
  Environment variables_;
  BuildArguments given_;
  char escape_;
};

// A name that was used and that nobody had set, and the set one that may have been meant ("" when none is near).
struct UndefinedVariable {
  std::string name, nearest;
};

// The variables of one stage while its instructions are gone through from top to bottom.
class StageScope {
 public:
  // `base` is the environment in the base image's configuration. Of a base that is a stage: its scope's successor().
  StageScope(const GlobalScope& global, const std::vector<std::string>& base);

  // The instruction with final values (mounts, durations and ports are checked), and its effect on this scope: ARG and
  // ENV. All pairs of one ENV see the values before it. RUN, CMD, ENTRYPOINT, SHELL, ONBUILD and HEALTHCHECK keep their
  // `$`; of RUN the mounts are resolved. Documents of COPY and ADD are expanded unless their delimiter was quoted.
  // Throws SourceError with the place of what is wrong. `undefined` gets every name that was not set, once per word.
  Instruction resolve(const Instruction& instruction, std::vector<UndefinedVariable>* undefined = nullptr);

  // Where a stage begins that is FROM this one: ARGs are still there, but ENV wins over an ARG of the same name.
  StageScope successor() const;

  // What a RUN of this place sees: ENV and ARG, without proxies that nobody declared.
  const Environment& environment() const { return environment_; }
  // The ENV alone, for the image's configuration.
  const Environment& image_environment() const { return image_environment_; }
  // The declared ARGs in order with their current values: the "|1 NAME=value" of history, and part of cache keys.
  std::vector<KeyValue> declared() const;

 private:
  class Resolver;
  const GlobalScope* global_;
  Environment environment_, image_environment_;
  std::vector<std::pair<std::string, std::optional<std::string>>> arguments_;
};

}  // namespace hull::dockerfile
