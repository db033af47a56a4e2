// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "base/error.h"
#include "dockerfile/lint.h"
#include "dockerfile/words.h"

namespace hull::dockerfile {

namespace {

#define HULL_RULE_URL(page) "https://docs.docker.com/go/dockerfile/rule/" page "/"

// In the order of the enumeration.
constexpr std::array<RuleInfo, kRuleCount> kRules = {{
    {"StageNameCasing", "Stage names should be lowercase", HULL_RULE_URL("stage-name-casing")},
    {"FromAsCasing", "The 'as' keyword should match the case of the 'from' keyword", HULL_RULE_URL("from-as-casing")},
    {"NoEmptyContinuation", "Empty continuation lines will become errors in a future release",
     HULL_RULE_URL("no-empty-continuation")},
    {"ConsistentInstructionCasing",
     "All commands within the Dockerfile should use the same casing (either upper or lower)",
     HULL_RULE_URL("consistent-instruction-casing")},
    {"DuplicateStageName", "Stage names should be unique", HULL_RULE_URL("duplicate-stage-name")},
    {"ReservedStageName", "Reserved words should not be used as stage names", HULL_RULE_URL("reserved-stage-name")},
    {"JSONArgsRecommended",
     "JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to OS signals",
     HULL_RULE_URL("json-args-recommended")},
    {"MaintainerDeprecated", "The MAINTAINER instruction is deprecated, use a label instead to define an image author",
     HULL_RULE_URL("maintainer-deprecated")},
    {"UndefinedArgInFrom", "FROM command must use declared ARGs", HULL_RULE_URL("undefined-arg-in-from")},
    {"WorkdirRelativePath",
     "Relative workdir without an absolute workdir declared within the build can have unexpected results if the base "
     "image changes",
     HULL_RULE_URL("workdir-relative-path")},
    {"UndefinedVar", "Variables should be defined before their use", HULL_RULE_URL("undefined-var")},
    {"MultipleInstructionsDisallowed", "Multiple instructions of the same type should not be used in the same stage",
     HULL_RULE_URL("multiple-instructions-disallowed")},
    {"LegacyKeyValueFormat", "Legacy key/value format with whitespace separator should not be used",
     HULL_RULE_URL("legacy-key-value-format")},
    {"InvalidBaseImagePlatform", "Base image platform does not match expected target platform", ""},
    {"RedundantTargetPlatform",
     "Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior",
     HULL_RULE_URL("redundant-target-platform")},
    {"SecretsUsedInArgOrEnv", "Sensitive data should not be used in the ARG or ENV commands",
     HULL_RULE_URL("secrets-used-in-arg-or-env")},
    {"InvalidDefaultArgInFrom", "Default value for global ARG results in an empty or invalid base image name",
     HULL_RULE_URL("invalid-default-arg-in-from")},
    {"FromPlatformFlagConstDisallowed", "FROM --platform flag should not use a constant value",
     HULL_RULE_URL("from-platform-flag-const-disallowed")},
    {"CopyIgnoredFile", "Attempting to Copy file that is excluded by .dockerignore",
     HULL_RULE_URL("copy-ignored-file")},
    {"InvalidDefinitionDescription",
     "Comment for build stage or argument should follow the format: `# <arg/stage name> <description>`. If this is not "
     "intended to be a description comment, add an empty line or comment between the instruction and the comment.",
     HULL_RULE_URL("invalid-definition-description"), true},
    {"ExposeProtoCasing", "Protocol in EXPOSE instruction should be lowercase", HULL_RULE_URL("expose-proto-casing")},
    {"ExposeInvalidFormat",
     "IP address and host-port mapping should not be used in EXPOSE instruction. This will become an error in a future "
     "release",
     HULL_RULE_URL("expose-invalid-format")},
}};

#undef HULL_RULE_URL

std::vector<std::string> names(std::string_view text) {
  std::vector<std::string> out;
  for (std::string_view name : split(text, ',')) out.emplace_back(trim_blanks(name));
  return out;
}

}  // namespace

const RuleInfo& info(Rule rule) { return kRules[static_cast<std::size_t>(rule)]; }

CheckOptions parse_check_options(std::string_view text) {
  CheckOptions out;
  text = trim_blanks(text);
  if (text.empty()) return out;
  for (std::string_view option : split(text, ';')) {
    const auto [written, value] = split_once(option, '=');
    if (!value) fail_invalid("invalid check option ", quoted(option));
    const std::string_view key = trim_blanks(written), content = trim_blanks(*value);
    if (key == "skip") {
      if (!(out.skip_all = content == "all")) out.skip = names(content);
    } else if (key == "experimental") {
      if (!(out.experimental_all = content == "all")) out.experimental = names(content);
    } else if (key == "error") {
      const auto parsed = parse_bool(content);
      if (!parsed)
        fail_invalid("failed to parse check option ", quoted(option), ": ", quoted(content),
                     " is neither true nor false");
      out.error = *parsed;
    } else {
      fail_invalid("invalid check option ", quoted(key), suggestion(key, {"skip", "error", "experimental"}));
    }
  }
  return out;
}

}  // namespace hull::dockerfile
