// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"
#include "cli/help.h"
#include "cli/verbs.h"

// The commands that need no engine, and those that only hull has; the flags before a command; the groups.
namespace hull::cli {
namespace {

constexpr auto kBool = FlagKind::kBool;
constexpr auto kText = FlagKind::kText;
constexpr auto kList = FlagKind::kList;
constexpr bool kMixed = true;  // flags may follow arguments

constexpr Flag kGlobal[] = {
    {"config", 0, kText, "Folder of the client's configuration files (default ~/.docker)"},
    {"context", 'c', kText, "Context to use: the name of an engine, see 'hull context'"},
    {"debug", 'D', kBool, "Show each request to the engine"},
    {"host", 'H', kText, "Socket of the engine (unix:///path, tcp://address:port or ssh://host)", {}, "list"},
    {"log-level", 'l', kText, "debug, info, warn, error or fatal", "info"},
    {"tls", 0, kBool, "Use TLS; implied by --tlsverify"},
    {"tlscacert", 0, kText, "Certificates of the CA that the engine's must be signed by"},
    {"tlscert", 0, kText, "Our certificate"},
    {"tlskey", 0, kText, "Our private key"},
    {"tlsverify", 0, kBool, "Use TLS and verify the engine's certificate"},
    {"version", 'v', kBool, "Print the version and quit"},
};

constexpr Flag kContextCreate[] = {
    {"description", 0, kText, "Description of the context"},
    {"docker", 0, kList, "Where the engine is (host=…,ca=…,cert=…,key=…)", {}, "stringToString"},
    {"from", 0, kText, "Context to copy"},
};
constexpr Flag kContextUpdate[] = {
    {"description", 0, kText, "Description of the context"},
    {"docker", 0, kList, "Where the engine is (host=…,ca=…,cert=…,key=…)", {}, "stringToString"},
};
constexpr Flag kContextList[] = {
    {"format", 0, kText, "'table', 'table TEMPLATE', 'json', or a Go template"},
    {"quiet", 'q', kBool, "Show names only"},
};
constexpr Flag kContextRemove[] = {{"force", 'f', kBool, "Also the one that is in use"}};
constexpr Flag kDebug[] = {
    {"image", 0, kText, "Image to take the tools from, instead of this machine's busybox"},
    {"privileged", 0, kBool, "All capabilities and devices for the shell"},
    {"user", 'u', kText, "User to run the shell as (name or id[:group or id])"},
};
constexpr Flag kCheck[] = {{"format", 'f', kText, "'json' for a line of JSON for each finding"}};
constexpr Flag kDoctor[] = {
    {"fix", 0, kBool, "Take away what is found, and ask before each"},
    {"force", 'f', kBool, "Do not ask"},
};
constexpr Flag kFormat[] = {{"format", 'f', kText, "'json', or a Go template"}};
constexpr Flag kDocument[] = {{"form", 0, kText, "man or markdown", "man"}};

struct Details {
  std::string_view command, text;
};
constexpr std::string_view kContextKeys =
    "Settings of --docker:\n\n"
    "NAME                DESCRIPTION\n"
    "from                Context to take the endpoint of\n"
    "host                Endpoint of the engine\n"
    "ca                  File of certificates that the engine's must be signed by\n"
    "cert                File of our certificate\n"
    "key                 File of our private key\n"
    "skip-tls-verify     Do not verify the engine's certificate\n\n"
    "Example:\n\n"
    "$ hull context create far --docker host=ssh://me@server\n"
    "$ hull --context far ps";
constexpr Details kDetails[] = {
    {"context create", kContextKeys},
    {"context update", kContextKeys},
    {"system check",
     "What is 'missing' keeps containers from running; what is 'without' is a feature that does not work here. The "
     "line\n"
     "below says how it is enabled. The exit code is 1 when something is missing."},
    {"system doctor",
     "Looks for mounts, interfaces, control groups, sockets and firewall tables of Docker, Podman and hull. What "
     "belongs\n"
     "to an engine that runs is left alone. Without --fix nothing is changed. The exit code is 1 when something is "
     "left."},
    {"debug",
     "The shell is in a container of its own that shares the processes and the network of the other one, whose files "
     "are\n"
     "in /proc/1/root. Nothing is changed in the other one; the shell's own files go with it."},
    {"completion",
     "bash:  hull completion bash > /etc/bash_completion.d/hull\n"
     "zsh:   hull completion zsh > \"${fpath[1]}/_hull\"\n"
     "fish:  hull completion fish > ~/.config/fish/completions/hull.fish"},
};

}  // namespace

std::span<const Flag> global_flags() { return kGlobal; }

std::string_view command_details(std::string_view name) {
  for (const Details& one : kDetails)
    if (one.command == name) return one.text;
  return {};
}

std::span<const Command> client_commands() {
  static constexpr Command kCommands[] = {
      {"context create", "", "[OPTIONS] CONTEXT", "Create a context", 1, 1, kMixed, {kContextCreate}, context::create},
      {"context export",
       "",
       "CONTEXT [FILE|-]",
       "Write a context to a tar archive",
       1,
       2,
       kMixed,
       {},
       context::export_file},
      {"context import", "", "CONTEXT FILE|-", "Make a context of such an archive", 2, 2, kMixed, {}, context::import},
      {"context inspect",
       "",
       "[OPTIONS] [CONTEXT] [CONTEXT...]",
       "Show all about contexts",
       0,
       -1,
       kMixed,
       {kFormat},
       context::inspect},
      {"context ls", "context list", "[OPTIONS]", "List contexts", 0, 0, kMixed, {kContextList}, context::list},
      {"context rm",
       "context remove",
       "CONTEXT [CONTEXT...]",
       "Remove contexts",
       1,
       -1,
       kMixed,
       {kContextRemove},
       context::remove},
      {"context show", "", "", "Show the name of the context that is in use", 0, 0, kMixed, {}, context::show},
      {"context update", "", "[OPTIONS] CONTEXT", "Change a context", 1, 1, kMixed, {kContextUpdate}, context::update},
      {"context use", "", "CONTEXT", "Use a context from now on", 1, 1, kMixed, {}, context::use},
      {"completion",
       "",
       "bash|zsh|fish",
       "Print the script that completes hull's commands in a shell",
       1,
       1,
       kMixed,
       {},
       system::completion},
      {"system check",
       "",
       "[OPTIONS]",
       "Check what this machine has of what containers need",
       0,
       0,
       kMixed,
       {kCheck},
       system::check},
      {"system doctor",
       "",
       "[OPTIONS]",
       "Find what engines that do not run any more have left on this machine",
       0,
       0,
       kMixed,
       {kDoctor},
       system::doctor},
      {"why",
       "container why",
       "CONTAINER",
       "Say why a container does not run, is not healthy, restarts or was slow to stop",
       1,
       1,
       kMixed,
       {},
       container::why},
      {"debug",
       "container debug",
       "[OPTIONS] CONTAINER [COMMAND] [ARG...]",
       "Run a shell with tools beside a container whose image has none",
       1,
       -1,
       false,
       {kDebug},
       container::debug},
      {"__document", "", "DIRECTORY", "", 1, 1, kMixed, {kDocument}, system::document},
  };
  return kCommands;
}

std::span<const Group> command_groups() {
  static constexpr Group kGroups[] = {{"container", "Manage containers"},
                                      {"checkpoint", "Manage checkpoints"},
                                      {"context", "Manage contexts"},
                                      {"image", "Manage images"},
                                      {"builder", "Manage builds"},
                                      {"network", "Manage networks"},
                                      {"manifest", "Manage image manifests and manifest lists"},
                                      {"registry", "Run a registry, and look after what is in it"},
                                      {"volume", "Manage volumes"},
                                      {"system", "Manage the engine"}};
  return kGroups;
}

}  // namespace hull::cli
