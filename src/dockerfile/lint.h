// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dockerfile/ignore.h"
#include "dockerfile/parse.h"
#include "dockerfile/scope.h"

// Build checks (docs.docker.com/reference/build-checks): what is allowed in a Dockerfile and most likely a mistake.
namespace hull::dockerfile {

enum class Rule : unsigned char {
  kStageNameCasing,
  kFromAsCasing,
  kNoEmptyContinuation,
  kConsistentInstructionCasing,
  kDuplicateStageName,
  kReservedStageName,
  kJsonArgsRecommended,
  kMaintainerDeprecated,
  kUndefinedArgInFrom,
  kWorkdirRelativePath,
  kUndefinedVar,
  kMultipleInstructionsDisallowed,
  kLegacyKeyValueFormat,
  kInvalidBaseImagePlatform,
  kRedundantTargetPlatform,
  kSecretsUsedInArgOrEnv,
  kInvalidDefaultArgInFrom,
  kFromPlatformFlagConstDisallowed,
  kCopyIgnoredFile,
  kInvalidDefinitionDescription,
  kExposeProtoCasing,
  kExposeInvalidFormat,
};
inline constexpr std::size_t kRuleCount = 22;

struct RuleInfo {
  std::string_view name, description, url;
  bool experimental = false;  // only on demand: `# check=experimental=…`
};
const RuleInfo& info(Rule rule);

// "skip=JSONArgsRecommended,StageNameCasing;error=true", as the directive `# check=` and the build argument
// BUILDKIT_DOCKERFILE_CHECK have it; the argument takes the directive's place.
struct CheckOptions {
  bool skip_all = false, experimental_all = false, error = false;
  std::vector<std::string> skip, experimental;
};
// Throws Error{kInvalidArgument} `invalid check option "skp"`.
CheckOptions parse_check_options(std::string_view text);

struct Warning {
  Rule rule;
  std::string message;  // "Stage name 'Build' should be lowercase"
  Lines lines;
};

// What a check wants to know of a base image.
struct BaseImage {
  std::vector<std::string> env, shell, on_build;
  std::optional<oci::Platform> platform;
};

struct CheckInput {
  BuildArguments arguments;
  Platforms platforms;
  std::string target;                   // "": all stages
  const IgnoreRules* ignore = nullptr;  // of the context, for CopyIgnoredFile
  // Looks up an image, or an image-like named context. May throw Error: the check ends with it. Empty: every image is
  // taken for one that sets PATH and nothing else.
  std::function<BaseImage(const std::string& name, const oci::Platform& wanted)> base_image;
};

struct CheckResult {
  std::vector<Warning> warnings;  // by line
  // Why the file could not be built; with error=true also "lint violation found for rules: …" (lines 0-0).
  std::optional<SourceError> error;

  bool clean() const { return warnings.empty() && !error; }  // `docker build --check` exits with 1 otherwise
};

// Never throws for what is in the file: a file that does not parse gives a result with an error.
CheckResult check(std::string_view text, const CheckInput& input, std::string_view file = "Dockerfile");
// The same for a file that is parsed already. Throws nothing but std::bad_alloc.
CheckResult check(const Dockerfile& file, const CheckInput& input);

// As `docker build --check` prints it: "Check complete, 2 warnings have been found!" and each warning with its lines.
std::string format_check(const CheckResult& result, std::string_view text, std::string_view file);
// "StageNameCasing: Stage name 'Build' should be lowercase (line 1)", as builds print it.
std::string format_short(const Warning& warning);
// The JSON of `--call=check,format=json`.
std::string format_json(const CheckResult& result, std::string_view text, std::string_view file);

}  // namespace hull::dockerfile
