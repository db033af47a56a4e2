// SPDX-License-Identifier: Apache-2.0
#include "cli/create_flags.h"

#include "base/error.h"
#include "base/text.h"
#include "cli/devices.h"
#include "cli/key_values.h"
#include "cli/mounts.h"

namespace hull::cli {
namespace {

template <auto parse>
void by_parsing(std::string_view text) {
  parse(text);
}

void check_stream(std::string_view text) {
  std::string stream = lower(text);
  if (stream != "stdin" && stream != "stdout" && stream != "stderr")
    fail_invalid("valid streams are STDIN, STDOUT and STDERR");
}

void check_device(std::string_view text) {
  if (!is_cdi_name(text)) parse_device(text);
}

void check_host(std::string_view text) {
  auto end = text.find_first_of("=:");
  if (end == text.npos || end == 0) fail_invalid("bad format for add-host: ", quoted(text));
}

void check_pair(std::string_view text) {
  if (text.find('=') == text.npos || text.starts_with('=')) fail_invalid("'", text, "' is not of the form name=value");
}

constexpr auto kBool = FlagKind::kBool;
constexpr auto kText = FlagKind::kText;
constexpr auto kInteger = FlagKind::kInteger;
constexpr auto kDuration = FlagKind::kDuration;
constexpr auto kBytes = FlagKind::kBytes;
constexpr auto kList = FlagKind::kList;

constexpr Flag kFlags[] = {
    {"add-host", 0, kList, "Another line of /etc/hosts (name:address)", {}, {}, {}, check_host},
    {"annotation", 0, kList, "Annotation for the OCI runtime (name=value)", {}, "map"},
    {"attach", 'a', kList, "Attach stdin, stdout or stderr", {}, {}, {}, check_stream},
    {"blkio-weight", 0, kInteger, "Relative weight of block I/O: 10 to 1000, 0 for none", {}, "uint16"},
    {"blkio-weight-device",
     0,
     kList,
     "The same for one device (path:weight)",
     {},
     {},
     {},
     by_parsing<parse_weight_device>},
    {"cap-add", 0, kList, "Give a capability"},
    {"cap-drop", 0, kList, "Take a capability away"},
    {"cgroup-parent", 0, kText, "Control group to be created under"},
    {"cgroupns", 0, kText, "Cgroup namespace: host or private"},
    {"cidfile", 0, kText, "Write the container's id to this file"},
    {"cpu-count", 0, kInteger, ""},
    {"cpu-percent", 0, kInteger, ""},
    {"cpu-period", 0, kInteger, "Period of the CPU quota in microseconds"},
    {"cpu-quota", 0, kInteger, "CPU time in each period in microseconds"},
    {"cpu-rt-period", 0, kInteger, "Period of the real-time scheduler in microseconds"},
    {"cpu-rt-runtime", 0, kInteger, "Real-time CPU time in each period in microseconds"},
    {"cpu-shares", 'c', kInteger, "Relative weight of CPU time"},
    {"cpus", 0, FlagKind::kDecimal, "Number of CPUs", {}, {}, {}, by_parsing<parse_cpus>},
    {"cpuset-cpus", 0, kText, "CPUs to run on (0-3, 0,1)"},
    {"cpuset-mems", 0, kText, "Memory nodes to allocate from (0-3, 0,1)"},
    {"device", 0, kList, "Host device to give (path[:path][:rwm])", {}, {}, {}, check_device},
    {"device-cgroup-rule", 0, kList, "Another rule of the devices control group"},
    {"device-read-bps",
     0,
     kList,
     "Bytes read per second at most (path:bytes)",
     {},
     {},
     {},
     by_parsing<parse_throttle_bytes>},
    {"device-read-iops",
     0,
     kList,
     "Reads per second at most (path:number)",
     {},
     {},
     {},
     by_parsing<parse_throttle_operations>},
    {"device-write-bps",
     0,
     kList,
     "Bytes written per second at most (path:bytes)",
     {},
     {},
     {},
     by_parsing<parse_throttle_bytes>},
    {"device-write-iops",
     0,
     kList,
     "Writes per second at most (path:number)",
     {},
     {},
     {},
     by_parsing<parse_throttle_operations>},
    {"disable-content-trust", 0, kBool, "", "true"},
    {"dns", 0, kList, "DNS server"},
    {"dns-option", 0, kList, "Option of the DNS resolver", {}, {}, "dns-opt"},
    {"dns-search", 0, kList, "Domain that names are searched in"},
    {"domainname", 0, kText, "NIS domain name"},
    {"entrypoint", 0, kText, "Program to run instead of the image's entry point"},
    {"env",
     'e',
     kList,
     "Environment variable (name=value, or name to pass ours on)",
     {},
     {},
     {},
     check_environment_variable},
    {"env-file", 0, kList, "File of environment variables"},
    {"expose", 0, kList, "Port or range of ports that the container listens on"},
    {"gpus", 0, kList, "GPUs to give ('all' for all)", {}, "gpu-request", {}, by_parsing<parse_gpus>},
    {"group-add", 0, kList, "Another group of the user"},
    {"health-cmd", 0, kText, "Command that tells whether the container is healthy"},
    {"health-interval", 0, kDuration, "Time between two health checks"},
    {"health-on-failure", 0, kText, "What an unhealthy container gets: none, kill, restart, stop"},
    {"health-retries", 0, kInteger, "Failures in a row that make it unhealthy"},
    {"health-start-interval", 0, kDuration, "Time between two health checks during the start period"},
    {"health-start-period", 0, kDuration, "Time to start up in which failures do not count"},
    {"health-timeout", 0, kDuration, "Time that one health check may take"},
    {"hostname", 'h', kText, "Host name of the container"},
    {"init", 0, kBool, "Run an init inside that forwards signals and reaps processes"},
    {"interactive", 'i', kBool, "Keep standard input open"},
    {"io-maxbandwidth", 0, kBytes, ""},
    {"io-maxiops", 0, kInteger, ""},
    {"ip", 0, kText, "IPv4 address"},
    {"ip6", 0, kText, "IPv6 address"},
    {"ipc", 0, kText, "IPC namespace: none, private, shareable, host or container:NAME"},
    {"isolation", 0, kText, "Isolation technology (default)"},
    {"kernel-memory", 0, kBytes, ""},
    {"label", 'l', kList, "Label (name=value)", {}, {}, {}, check_label},
    {"label-file", 0, kList, "File of labels"},
    {"link", 0, kList, "Container to be reachable by name (name[:alias])"},
    {"link-local-ip", 0, kList, "Link-local address"},
    {"log-driver", 0, kText, "Where the container's output is kept"},
    {"log-opt", 0, kList, "Option of the log driver (name=value)", {}, {}, {}, check_pair},
    {"mac-address", 0, kText, "MAC address"},
    {"memory", 'm', kBytes, "Memory at most"},
    {"memory-reservation", 0, kBytes, "Memory that is left to it when memory is short"},
    {"memory-swap",
     0,
     kText,
     "Memory and swap together at most, -1 for no limit",
     "0",
     "bytes",
     {},
     by_parsing<parse_swap>},
    {"memory-swappiness", 0, kInteger, "How willingly memory is swapped out, 0 to 100", "-1"},
    {"mount", 0, kList, "File system to mount (type=…,source=…,target=…)", {}, "mount", {}, by_parsing<parse_mount>},
    {"name", 0, kText, "Name of the container"},
    {"network", 0, kList, "Network to connect to", {}, "network", "net", by_parsing<parse_network>},
    {"network-alias", 0, kList, "Another name in the network", {}, {}, "net-alias"},
    {"no-healthcheck", 0, kBool, "No health check, whatever the image says"},
    {"oom-kill-disable", 0, kBool, "Spare it when memory runs out"},
    {"oom-score-adj", 0, kInteger, "How likely it is killed when memory runs out, -1000 to 1000"},
    {"pid", 0, kText, "PID namespace: host or container:NAME"},
    {"pids-limit", 0, kInteger, "Number of processes at most, -1 for no limit"},
    {"platform", 0, kText, "Platform of the image (os/arch[/variant])"},
    {"privileged", 0, kBool, "All capabilities, all devices, no confinement"},
    {"publish", 'p', kList, "Publish a port ([[address:]host:]container[/protocol])"},
    {"publish-all", 'P', kBool, "Publish every exposed port at a random port"},
    {"pull", 0, kText, "When to pull the image: always, missing or never", "missing"},
    {"quiet", 'q', kBool, "Do not show the progress of a pull"},
    {"read-only", 0, kBool, "Mount the root file system read-only"},
    {"replace", 0, kBool, "Remove the container that has this name first, although it runs"},
    {"restart",
     0,
     kText,
     "What to do when it exits: no, always, unless-stopped or on-failure[:times]",
     "no",
     {},
     {},
     by_parsing<parse_restart_policy>},
    {"rm", 0, kBool, "Remove the container and its anonymous volumes when it exits"},
    {"runtime", 0, kText, "OCI runtime to use"},
    {"security-opt", 0, kList, "Security option"},
    {"shm-size", 0, kBytes, "Size of /dev/shm"},
    {"stop-signal", 0, kText, "Signal that asks it to stop"},
    {"stop-timeout", 0, kInteger, "Seconds from that signal to SIGKILL"},
    {"storage-opt", 0, kList, "Option of the storage driver (name=value)", {}, {}, {}, check_pair},
    {"sysctl", 0, kList, "Kernel parameter (name=value)", {}, "map", {}, check_pair},
    {"tmpfs", 0, kList, "Mount a tmpfs (path[:options])"},
    {"tty", 't', kBool, "Give it a terminal"},
    {"ulimit", 0, kList, "Resource limit (name=soft[:hard])", {}, "ulimit", {}, by_parsing<parse_ulimit>},
    {"use-api-socket", 0, kBool, "Give it the engine's socket and your logins"},
    {"user", 'u', kText, "User to run as (name or id[:group or id])"},
    {"userns", 0, kText, "User namespace: host, private"},
    {"uts", 0, kText, "UTS namespace: host"},
    {"volume", 'v', kList, "Bind mount or volume ([source:]path[:options])"},
    {"volume-driver", 0, kText, "Driver of its volumes"},
    {"volumes-from", 0, kList, "Mount what another container has mounted (name[:ro])"},
    {"workdir", 'w', kText, "Working directory"},
};

}  // namespace

std::span<const Flag> create_flags() { return kFlags; }

}  // namespace hull::cli
