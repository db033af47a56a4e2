// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"
#include "cli/create_flags.h"
#include "cli/devices.h"
#include "cli/key_values.h"
#include "cli/verbs.h"

// The commands on containers. Those on other objects are in object_tables.cpp.
namespace hull::cli {
namespace {

constexpr auto kBool = FlagKind::kBool;
constexpr auto kText = FlagKind::kText;
constexpr auto kInteger = FlagKind::kInteger;
constexpr auto kBytes = FlagKind::kBytes;
constexpr auto kList = FlagKind::kList;

constexpr Flag kRun[] = {
    {"detach", 'd', kBool, "Run in the background and print the container's id"},
    {"detach-keys", 0, kText, "Keys that detach from the container"},
    {"sig-proxy", 0, kBool, "Pass signals on to the process", "true"},
};
constexpr Flag kAttach[] = {
    {"detach-keys", 0, kText, "Keys that detach from the container"},
    {"no-stdin", 0, kBool, "Do not attach standard input"},
    {"sig-proxy", 0, kBool, "Pass signals on to the process", "true"},
};
constexpr Flag kCommit[] = {
    {"author", 'a', kText, "Author of the image"},
    {"change", 'c', kList, "Dockerfile instruction to apply to the image"},
    {"message", 'm', kText, "Message of the commit"},
    {"no-pause", 0, kBool, "Do not pause the container meanwhile"},
    {"pause", 'p', kBool, "Pause the container meanwhile", "true"},
};
constexpr Flag kCopy[] = {
    {"archive", 'a', kBool, "Files in the container belong to its user"},
    {"follow-link", 'L', kBool, "Copy what a symbolic link leads to"},
    {"quiet", 'q', kBool, "Do not tell what was copied"},
};
constexpr Flag kExport[] = {{"output", 'o', kText, "File to write to, instead of standard output"}};
constexpr Flag kExec[] = {
    {"detach", 'd', kBool, "Run in the background"},
    {"detach-keys", 0, kText, "Keys that detach from the process"},
    {"env", 'e', kList, "Environment variable (name=value)", {}, {}, {}, check_environment_variable},
    {"env-file", 0, kList, "File of environment variables"},
    {"interactive", 'i', kBool, "Keep standard input open"},
    {"privileged", 0, kBool, "All capabilities for this process"},
    {"tty", 't', kBool, "Give it a terminal"},
    {"user", 'u', kText, "User to run as (name or id[:group or id])"},
    {"workdir", 'w', kText, "Working directory"},
};
constexpr Flag kInspect[] = {
    {"format", 'f', kText, "'json', or a Go template"},
    {"size", 's', kBool, "Show sizes too"},
};
constexpr Flag kKill[] = {{"signal", 's', kText, "Signal to send"}};
constexpr Flag kLogs[] = {
    {"details", 0, kBool, "Show the attributes of the log driver"},
    {"follow", 'f', kBool, "Go on as the container writes"},
    {"since", 0, kText, "From this time on (time or duration ago)"},
    {"tail", 'n', kText, "Number of last lines", "all"},
    {"timestamps", 't', kBool, "Show times"},
    {"until", 0, kText, "Up to this time (time or duration ago)"},
};
constexpr Flag kList_[] = {
    {"all", 'a', kBool, "Show those that do not run too"},
    {"filter", 'f', kList, "Only those that match (name=value)", {}, "filter", {}, check_filter},
    {"format", 0, kText, "'table', 'table TEMPLATE', 'json', or a Go template"},
    {"last", 'n', kInteger, "Show the last created ones", "-1"},
    {"latest", 'l', kBool, "Show the last created one"},
    {"no-trunc", 0, kBool, "Do not shorten"},
    {"quiet", 'q', kBool, "Show ids only"},
    {"size", 's', kBool, "Show sizes too"},
};
constexpr Flag kPrune[] = {
    {"filter", 0, kList, "Only those that match (until=…, label=…)", {}, "filter", {}, check_filter},
    {"force", 'f', kBool, "Do not ask"},
};
constexpr Flag kRemove[] = {
    {"force", 'f', kBool, "Kill it when it runs"},
    {"link", 'l', kBool, "Remove the link, not the container"},
    {"volumes", 'v', kBool, "Remove its anonymous volumes too"},
};
constexpr Flag kStart[] = {
    {"attach", 'a', kBool, "Show its output and pass signals on"},
    {"checkpoint", 0, kText, ""},
    {"checkpoint-dir", 0, kText, ""},
    {"detach-keys", 0, kText, "Keys that detach from the container"},
    {"interactive", 'i', kBool, "Attach standard input"},
};
constexpr Flag kStats[] = {
    {"all", 'a', kBool, "Show those that do not run too"},
    {"format", 0, kText, "'table', 'table TEMPLATE', 'json', or a Go template"},
    {"no-stream", 0, kBool, "Show one result and end"},
    {"no-trunc", 0, kBool, "Do not shorten"},
};
constexpr Flag kStop[] = {
    {"signal", 's', kText, "Signal to send"},
    {"timeout", 't', kInteger, "Seconds to wait before it is killed", "0", {}, "time"},
};
constexpr Flag kUpdate[] = {
    {"blkio-weight", 0, kInteger, "Relative weight of block I/O: 10 to 1000, 0 for none"},
    {"cpu-period", 0, kInteger, "Period of the CPU quota in microseconds"},
    {"cpu-quota", 0, kInteger, "CPU time in each period in microseconds"},
    {"cpu-rt-period", 0, kInteger, "Period of the real-time scheduler in microseconds"},
    {"cpu-rt-runtime", 0, kInteger, "Real-time CPU time in each period in microseconds"},
    {"cpu-shares", 'c', kInteger, "Relative weight of CPU time"},
    {"cpus", 0, FlagKind::kDecimal, "Number of CPUs"},
    {"cpuset-cpus", 0, kText, "CPUs to run on (0-3, 0,1)"},
    {"cpuset-mems", 0, kText, "Memory nodes to allocate from (0-3, 0,1)"},
    {"env", 'e', kList, "Environment variable of later processes (name=value)", {}, {}, {}, check_environment_variable},
    {"env-file", 0, kList, "File of environment variables"},
    {"label", 'l', kList, "Label (name=value)"},
    {"memory", 'm', kBytes, "Memory at most"},
    {"memory-reservation", 0, kBytes, "Memory that is left to it when memory is short"},
    {"memory-swap",
     0,
     kText,
     "Memory and swap together at most, -1 for no limit",
     {},
     "bytes",
     {},
     [](std::string_view text) { parse_swap(text); }},
    {"pids-limit", 0, kInteger, "Number of processes at most, -1 for no limit"},
    {"restart",
     0,
     kText,
     "What to do when it exits",
     {},
     {},
     {},
     [](std::string_view text) { parse_restart_policy(text); }},
    {"unsetenv", 0, kList, "Environment variable to take away"},
    {"unsetlabel", 0, kList, "Label to take away"},
};

constexpr std::string_view kOne = "[OPTIONS] CONTAINER", kMany = "[OPTIONS] CONTAINER [CONTAINER...]";
constexpr std::string_view kImage = "[OPTIONS] IMAGE [COMMAND] [ARG...]";
constexpr bool kMixed = true;  // flags may follow arguments

}  // namespace

std::span<const Command> container_commands() {
  static const Command kCommands[] = {
      {"container run",
       "run",
       kImage,
       "Create a container from an image and run it",
       1,
       -1,
       false,
       {create_flags(), kRun},
       container::run},
      {"container exec",
       "exec",
       "[OPTIONS] CONTAINER COMMAND [ARG...]",
       "Run a command in a running container",
       2,
       -1,
       false,
       {kExec},
       container::exec},
      {"container ls",
       "container list|container ps|ps",
       "[OPTIONS]",
       "List containers",
       0,
       0,
       kMixed,
       {kList_},
       container::list},
      {"container create", "create", kImage, "Create a container", 1, -1, false, {create_flags()}, container::create},
      {"container start", "start", kMany, "Start containers", 1, -1, kMixed, {kStart}, container::start},
      {"container attach",
       "attach",
       kOne,
       "Attach our standard streams to a running container",
       1,
       1,
       kMixed,
       {kAttach},
       container::attach},
      {"container stop", "stop", kMany, "Stop running containers", 1, -1, kMixed, {kStop}, container::stop},
      {"container kill", "kill", kMany, "Kill running containers", 1, -1, kMixed, {kKill}, container::kill},
      {"container restart",
       "restart",
       kMany,
       "Stop containers and start them again",
       1,
       -1,
       kMixed,
       {kStop},
       container::restart},
      {"container pause",
       "pause",
       "CONTAINER [CONTAINER...]",
       "Freeze all processes of containers",
       1,
       -1,
       kMixed,
       {},
       container::pause},
      {"container unpause",
       "unpause",
       "CONTAINER [CONTAINER...]",
       "Let paused containers go on",
       1,
       -1,
       kMixed,
       {},
       container::unpause},
      {"container wait",
       "wait",
       "CONTAINER [CONTAINER...]",
       "Wait until containers stop, and print their exit codes",
       1,
       -1,
       kMixed,
       {},
       container::wait},
      {"container rm", "container remove|rm", kMany, "Remove containers", 1, -1, kMixed, {kRemove}, container::remove},
      {"container inspect", "", kMany, "Show all about containers", 1, -1, kMixed, {kInspect}, container::inspect},
      {"container logs", "logs", kMany, "Show what containers have written", 1, -1, kMixed, {kLogs}, container::logs},
      {"container stats",
       "stats",
       "[OPTIONS] [CONTAINER...]",
       "Show what containers use, live",
       0,
       -1,
       kMixed,
       {kStats},
       container::stats},
      {"container top",
       "top",
       "CONTAINER [ps OPTIONS]",
       "List the processes of a container",
       1,
       -1,
       false,
       {},
       container::top},
      {"container cp",
       "cp",
       "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|- | SRC_PATH|- CONTAINER:DEST_PATH",
       "Copy files between a container and this machine",
       2,
       2,
       kMixed,
       {kCopy},
       container::copy},
      {"container diff",
       "diff",
       "CONTAINER",
       "Show what a container has changed in its files",
       1,
       1,
       kMixed,
       {},
       container::changes},
      {"container export",
       "export",
       kOne,
       "Write a container's files to a tar archive",
       1,
       1,
       kMixed,
       {kExport},
       container::export_files},
      {"container commit",
       "commit",
       "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
       "Make an image of a container",
       1,
       2,
       false,
       {kCommit},
       container::commit},
      {"container port",
       "port",
       "CONTAINER [PRIVATE_PORT[/PROTO]]",
       "List the published ports of a container",
       1,
       2,
       kMixed,
       {},
       container::port},
      {"container rename", "rename", "CONTAINER NEW_NAME", "Rename a container", 2, 2, kMixed, {}, container::rename},
      {"container update",
       "update",
       kMany,
       "Change the limits of containers",
       1,
       -1,
       kMixed,
       {kUpdate},
       container::update},
      {"container prune", "", "[OPTIONS]", "Remove all stopped containers", 0, 0, kMixed, {kPrune}, container::prune},
  };
  return kCommands;
}

}  // namespace hull::cli
