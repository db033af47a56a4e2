// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "cli/client.h"
#include "cli/flags.h"

namespace hull::cli {

// Where a build's files come from on this machine.
struct BuildContext {
  std::string directory;          // "" : none
  std::string remote;             // the URL of a context that the engine fetches; "" : none
  bool archive_on_input = false;  // a tar on standard input, whose beginning was read already
  std::string beginning;
  std::string dockerfile;       // path in the context, as the engine gets it
  std::string dockerfile_text;  // of one that is not in the context
  bool has_text = false;
  std::string ignore_text;  // of "<Dockerfile>.dockerignore" beside it
  bool has_ignore_text = false;
};
// Reads PATH | URL | - and -f. Throws Exit with what is wrong.
BuildContext build_context(const std::string& argument, const std::string& file);

struct BuildOutput {
  std::string type, destination;  // destination "-": standard output
  Value attributes = Value::empty_map();
};
BuildOutput parse_output(const std::string& text);
// --cache-from and --cache-to: "type=local,src=directory"; a text without "=" is an image of a registry.
struct CacheOption {
  std::string type;
  Value attributes = Value::empty_map();
  std::string directory;  // type=local: of this machine
};
CacheOption parse_cache(const std::string& text, std::string_view flag);

// A descriptor that goes to the engine, with the name that the engine knows it by.
struct NamedDescriptor {
  std::string name;
  UniqueFd fd;
};

// Sends the build. With a local socket of hulld the descriptors go along and nothing else; otherwise the context as a
// tar. The answer's body is still to be read; `statuses` says in which form it comes.
std::unique_ptr<Connection> send_build(Client& client, const Query& query, const BuildContext& context,
                                       std::vector<NamedDescriptor>& descriptors, bool& statuses);

UniqueFd descriptor_of_text(std::string_view text);  // in memory
std::vector<NamedDescriptor> secret_descriptors(const std::vector<std::string>& secrets);
std::vector<NamedDescriptor> agent_descriptors(const std::vector<std::string>& agents);

}  // namespace hull::cli
