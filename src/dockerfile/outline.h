// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dockerfile/parse.h"
#include "dockerfile/scope.h"

// What a Dockerfile offers to whoever builds it: `docker build --call=targets` and `--call=outline`.
namespace hull::dockerfile {

struct Target {
  std::string name, description;  // from the comment "# name description" above the stage
  std::string base, platform;     // as written
  bool is_default = false;        // the last stage
  Lines lines;
};
std::vector<Target> list_targets(const Dockerfile& file);

// Of one target and all stages that it is made of; each list by line, each name once.
struct Outline {
  struct Argument {
    std::string name, value, description;
    Lines lines;
  };
  struct Mount {  // a secret or an SSH agent
    std::string name;
    bool required = false;
    Lines lines;
  };
  std::string name, description;
  std::vector<Argument> arguments;
  std::vector<Mount> secrets, agents;
};
// Base images are taken for ones with a PATH and nothing else. Throws what GlobalScope and StageScope throw, and
// Error{kInvalidArgument} for a target that is not there.
Outline outline(const Dockerfile& file, const BuildArguments& given, const Platforms& platforms,
                std::string_view target);

// As the clients of Docker print them; the JSON is that of `--call=…,format=json`, with the file's text in it.
std::string format_targets(const std::vector<Target>& targets);
std::string format_outline(const Outline& outline);
std::string json_of_targets(const std::vector<Target>& targets, std::string_view text);
std::string json_of_outline(const Outline& outline, std::string_view text);

}  // namespace hull::dockerfile
