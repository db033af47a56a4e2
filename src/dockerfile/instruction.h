// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "dockerfile/run_mount.h"
#include "dockerfile/source.h"
#include "oci/image_config.h"

// What the instructions of a Dockerfile say (docs.docker.com/reference/dockerfile). Straight from the parser texts
// still have their variables and quotes; StageScope::resolve() (scope.h) gives the same types with final values.
namespace hull::dockerfile {

// A document in the Dockerfile: `<<EOF`, `<<-"EOF"`, `3<<EOF`.
struct Heredoc {
  std::string name;         // the delimiter without quotes: the file's name with COPY and ADD
  std::string content;      // as written, every line with its line end; tabs are still there with strip_tabs
  bool expand = true;       // false when the delimiter was quoted
  bool strip_tabs = false;  // `<<-`
  unsigned descriptor = 0;  // RUN: the number before `<<`

  std::string text() const;  // the content, without leading tabs where strip_tabs says so
};

// Exec form is a JSON array of strings; everything else is shell form.
struct CommandLine {
  bool shell_form = true;
  std::vector<std::string> words;  // shell form: the whole text as one word, or none
  std::vector<Heredoc> heredocs;   // RUN in shell form only
};

struct KeyValue {
  std::string key, value;
  bool legacy = false;  // `KEY value` without "="
};

struct From {
  std::string base;          // image reference, name of an earlier stage, or "scratch"
  std::string platform;      // --platform; "" when not given
  std::string name;          // AS name in lower case; "" when not given
  std::string name_written;  // as the file has it
  std::string as_written;    // the keyword "AS" as the file has it
};

struct Run {
  CommandLine command;
  std::vector<RunMount> mounts;         // --mount, in order
  std::string network = "default";      // --network: default, none, host
  bool insecure = false;                // --security=insecure
  std::vector<RunDevice> devices;       // --device
  std::vector<std::string> flags_used;  // "mount", "network", …, each once
};

struct Cmd {
  CommandLine command;
};
struct Entrypoint {
  CommandLine command;
};
struct Shell {
  std::vector<std::string> words;
};
struct Label {
  std::vector<KeyValue> labels;
};
struct Env {
  std::vector<KeyValue> variables;
};
struct Arg {
  struct Argument {
    std::string name;
    std::optional<std::string> value;  // empty: declared without default
    std::string description;           // from a comment "# name description" right above
  };
  std::vector<Argument> arguments;
};
struct Expose {
  std::vector<std::string> ports;  // "80", "8000-8010/udp", "$PORT"; sorted as texts, as BuildKit has them
};
struct Volume {
  std::vector<std::string> paths;
};
struct User {
  std::string user;  // user[:group]
};
struct Workdir {
  std::string path;
};
struct StopSignal {
  std::string signal;
};
struct Maintainer {
  std::string author;
};
struct OnBuild {
  std::string trigger;  // the text after ONBUILD, heredocs included: what goes into the image's configuration
};
struct HealthCheck {
  oci::HealthCheck check;  // test is {"NONE"}, {"CMD", words…} or {"CMD-SHELL", text}; durations 0 where not given
};

// What COPY and ADD have in common.
struct FileSources {
  std::vector<std::string> paths;  // without the heredocs
  std::vector<Heredoc> documents;  // each a file of its own in the destination, mode 0644
  std::string destination;         // a trailing "/" is kept: it says "directory"
  std::string chown;               // user[:group]
  std::string chmod;               // octal or symbolic, see mode.h
  bool link = false;
  std::vector<std::string> exclude;  // patterns of ignore.h, relative to each source
};
struct Copy {
  FileSources files;
  std::string from;  // stage name or index, image, or named context; "": the build context. Never expanded
  bool parents = false;
};
struct Add {
  FileSources files;
  std::string checksum;              // "sha256:…" of a URL, a commit of a git repository
  std::optional<bool> keep_git_dir;  // not given: no, but the reference itself may say so (git_reference.h)
  std::optional<bool> unpack;        // not given: local archives are unpacked, URLs are not
};

using Body = std::variant<From, Run, Cmd, Entrypoint, Shell, Label, Env, Arg, Expose, Volume, User, Workdir, StopSignal,
                          Maintainer, OnBuild, HealthCheck, Copy, Add>;

struct Instruction {
  Body body;
  std::string name;      // the instruction's word as written: "RUN", "run"
  std::string original;  // the whole instruction on one line as written, without heredocs: for history and progress
  Lines lines;
  std::vector<Piece> pieces;          // where `original` comes from
  std::vector<std::string> comments;  // the comment lines right above, without "#"

  template <class Kind>
  const Kind* as() const {
    return std::get_if<Kind>(&body);
  }
  // Where `word` stands in the file; the instruction's start when it is not found as it is.
  Position position(std::string_view word = {}) const;
};

// "FROM", "RUN", … in capital letters.
std::string_view keyword(const Body& body);

}  // namespace hull::dockerfile
