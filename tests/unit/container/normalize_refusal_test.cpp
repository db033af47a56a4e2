// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "container/machine_facts.h"
#include "container/normalize.h"
#include "linux/limit_support.h"
#include "spec_builder.h"

namespace hull::container {
namespace {

struct Refusal {
  const char* name;
  std::function<void(Spec&)> wish;
  std::string message;
};

class RefusalTest : public ::testing::TestWithParam<Refusal> {};

TEST_P(RefusalTest, SaysWhatIsWrong) {
  Spec spec;
  GetParam().wish(spec);
  EXPECT_EQ(refusal([&] { normalized(spec); }), GetParam().message);
}

std::string cpu_range() {
  int cpus = machine_facts().cpus;
  return cat("range of CPUs is from 0.01 to ", cpus, ".00, as there are only ", cpus, " CPUs available");
}

ThrottleDevice null_device() { return {"/dev/no-such-disk", 1}; }

const Refusal kConfigRefusals[] = {
    {"EmptyEnvironment", [](Spec& s) { s.config.env = Strings{""}; }, "invalid environment variable: "},
    {"NamelessEnvironment", [](Spec& s) { s.config.env = Strings{"=x"}; }, "invalid environment variable: =x"},
    {"RelativeWorkingDirectory", [](Spec& s) { s.config.working_dir = "srv"; },
     "the working directory 'srv' is invalid, it needs to be an absolute path"},
    {"StopSignal", [](Spec& s) { s.config.stop_signal = "SIGFOO"; }, "invalid signal: SIGFOO"},
    {"Hostname", [](Spec& s) { s.config.hostname = "a b"; }, "invalid hostname format: a b"},
    {"LongHostname", [](Spec& s) { s.config.hostname = std::string(65, 'a'); },
     "invalid hostname format: " + std::string(65, 'a')},
    {"HealthInterval", [](Spec& s) { s.config.healthcheck.emplace().interval = 100; },
     "Interval in Healthcheck cannot be less than 1ms"},
    {"HealthStartInterval", [](Spec& s) { s.config.healthcheck.emplace().start_interval = 100; },
     "StartInterval in Healthcheck cannot be less than 1ms"},
    {"HealthRetries", [](Spec& s) { s.config.healthcheck.emplace().retries = -1; },
     "Retries in Healthcheck cannot be negative"},
    {"PortSyntax", [](Spec& s) { s.host.port_bindings["19039;1230"]; },
     "invalid JSON: invalid port '19039;1230': invalid syntax"},
    {"PortProtocol", [](Spec& s) { s.config.exposed_ports["80/icmp"]; }, "invalid proto: icmp (of port \"80/icmp\")"},
    {"MacAddress", [](Spec& s) { s.config.mac_address = "02:42"; }, "invalid MAC address: 02:42"},
};
INSTANTIATE_TEST_SUITE_P(Config, RefusalTest, ::testing::ValuesIn(kConfigRefusals),
                         [](const auto& test) { return test.param.name; });

const Refusal kModeRefusals[] = {
    {"Ipc", [](Spec& s) { s.host.ipc_mode = "x"; }, "invalid IPC mode: x"},
    {"Pid", [](Spec& s) { s.host.pid_mode = "container:"; }, "invalid PID mode: container:"},
    {"Uts", [](Spec& s) { s.host.uts_mode = "x"; }, "invalid UTS mode: x"},
    {"User", [](Spec& s) { s.host.userns_mode = "x"; }, "invalid user namespace mode: x"},
    {"Cgroup", [](Spec& s) { s.host.cgroupns_mode = "x"; }, "invalid cgroup namespace mode: x"},
    {"UnknownContainer", [](Spec& s) { s.host.pid_mode = "container:x"; }, "No such container: x"},
    {"HostnameWithHostUts",
     [](Spec& s) {
       s.host.uts_mode = "host";
       s.config.hostname = "x";
     },
     "conflicting options: hostname and the UTS mode"},
    {"HostnameInAnothersNetwork",
     [](Spec& s) {
       s.host.network_mode = "container:donor";
       s.config.hostname = "x";
     },
     "conflicting options: hostname and the network mode"},
    {"PortsInAnothersNetwork",
     [](Spec& s) {
       s.host.network_mode = "container:donor";
       s.host.publish_all_ports = true;
     },
     "conflicting options: port publishing and the container type network mode"},
    {"DnsInAnothersNetwork",
     [](Spec& s) {
       s.host.network_mode = "container:donor";
       s.host.dns = Strings{"1.1.1.1"};
     },
     "conflicting options: dns and the network mode"},
    {"NetworkOfNobody", [](Spec& s) { s.host.network_mode = "container:"; },
     "invalid container format container:<name|id>"},
    {"NetworkSysctl",
     [](Spec& s) {
       s.host.network_mode = "host";
       s.host.sysctls["net.ipv4.ip_forward"] = "1";
     },
     "sysctl \"net.ipv4.ip_forward\" not allowed in host network namespace"},
    {"IpcSysctl",
     [](Spec& s) {
       s.host.ipc_mode = "host";
       s.host.sysctls["kernel.shmmax"] = "1";
     },
     "sysctl \"kernel.shmmax\" not allowed in host ipc namespace"},
    {"GlobalSysctl", [](Spec& s) { s.host.sysctls["vm.swappiness"] = "1"; },
     "sysctl \"vm.swappiness\" is not in a separate kernel namespace"},
    {"RestartPolicy", [](Spec& s) { s.host.restart_policy.name = "x"; }, "invalid restart policy: unknown policy 'x'"},
    {"RetriesWithoutFailure",
     [](Spec& s) {
       s.host.restart_policy = {"always", 1};
     },
     "invalid restart policy: maximum retry count can only be used with 'on-failure'"},
    {"NegativeRetries",
     [](Spec& s) {
       s.host.restart_policy = {"on-failure", -1};
     },
     "invalid restart policy: maximum retry count cannot be negative"},
    {"RestartOfTheRemoved",
     [](Spec& s) {
       s.host.restart_policy.name = "always";
       s.host.auto_remove = true;
     },
     "can't create 'AutoRemove' container with restart policy"},
    {"LogDriver", [](Spec& s) { s.host.log_config.type = "awslogs"; },
     "logger: no log driver named 'awslogs' is registered"},
    {"LogOption",
     [](Spec& s) {
       s.host.log_config = {"", {{"max-sise", "1"}}};
     },
     "unknown log opt 'max-sise' for json-file log driver"},
    {"LogFiles",
     [](Spec& s) {
       s.host.log_config = {"json-file", {{"max-file", "0"}}};
     },
     "invalid value for max-file: 0: it cannot be less than 1"},
    {"LogLocal",
     [](Spec& s) {
       s.host.log_config = {"local", {{"x", "1"}}};
     },
     "unknown log opt 'x' for log driver local"},
    {"LogMode",
     [](Spec& s) {
       s.host.log_config = {"syslog", {{"mode", "fast"}}};
     },
     "logger: logging mode not supported: fast"},
    {"LogBuffer",
     [](Spec& s) {
       s.host.log_config = {"fluentd", {{"max-buffer-size", "1m"}}};
     },
     "logger: max-buffer-size option is only supported with 'mode=non-blocking'"},
    {"LogTag",
     [](Spec& s) {
       s.host.log_config = {"journald", {{"tag", "{{.Nmae}}"}}};
     },
     "invalid log tag: {{.Nmae}}: there is no .Nmae"},
    {"LogGelf",
     [](Spec& s) {
       s.host.log_config = {"gelf", {{"gelf-address", "tcp://h:1"}, {"gelf-compression-type", "gzip"}}};
     },
     "compression is only supported on UDP"},
    {"Init", [](Spec& s) { s.host.init = true; }, "--init needs the program hull-init, which is not installed"},
    {"StorageOptions", [](Spec& s) { s.host.storage_opt["inodes"] = "5"; },
     "Unknown option inodes: --storage-opt knows size=… only"},
    {"LinksOfTheHost",
     [](Spec& s) {
       s.host.network_mode = "host";
       s.host.links = Strings{"db:db"};
     },
     "conflicting options: host type networking can't be used with links. This would result in undefined behavior"},
    {"Isolation", [](Spec& s) { s.host.isolation = "hyperv"; }, "invalid isolation 'hyperv' on linux"},
    {"Annotation", [](Spec& s) { s.host.annotations[""] = "x"; },
     "invalid Annotations: the empty string is not permitted as an annotation key"},
};
INSTANTIATE_TEST_SUITE_P(Modes, RefusalTest, ::testing::ValuesIn(kModeRefusals),
                         [](const auto& test) { return test.param.name; });

const Refusal kSecurityRefusals[] = {
    {"CapAdd", [](Spec& s) { s.host.cap_add = Strings{"foo"}; }, "invalid CapAdd: unknown capability: \"CAP_FOO\""},
    {"CapDrop", [](Spec& s) { s.host.cap_drop = Strings{"CAP_FOO"}; },
     "invalid CapDrop: unknown capability: \"CAP_FOO\""},
    {"SecurityOptionWithoutValue", [](Spec& s) { s.host.security_opt = Strings{"foo"}; },
     "invalid --security-opt 1: \"foo\""},
    {"SecurityOption", [](Spec& s) { s.host.security_opt = Strings{"foo=bar"}; },
     "invalid --security-opt 2: \"foo=bar\""},
    {"NoNewPrivileges", [](Spec& s) { s.host.security_opt = Strings{"no-new-privileges=maybe"}; },
     "invalid --security-opt 2: \"no-new-privileges=maybe\""},
    {"DevicePermissions",
     [](Spec& s) {
       s.host.devices.emplace().push_back({"/dev/null", "/dev/x", "rx"});
     },
     "bad mode specified: rx (device /dev/null)"},
    {"DevicePath",
     [](Spec& s) {
       s.host.devices.emplace().push_back({"null", "/dev/x", "r"});
     },
     "null is not an absolute path"},
    {"DeviceRule", [](Spec& s) { s.host.device_cgroup_rules = Strings{"x 1:1 r"}; },
     "invalid device cgroup rule format: 'x 1:1 r'"},
    {"Gpu",
     [](Spec& s) {
       DeviceRequest request;
       request.capabilities.emplace().push_back({"gpu"});
       s.host.device_requests.emplace().push_back(request);
     },
     "could not select device driver \"\" with capabilities: [[gpu]]"},
};
INSTANTIATE_TEST_SUITE_P(Security, RefusalTest, ::testing::ValuesIn(kSecurityRefusals),
                         [](const auto& test) { return test.param.name; });

const Refusal kLimitRefusals[] = {
    {"SmallMemory", [](Spec& s) { s.host.memory = 1024; }, "Minimum memory limit allowed is 6MB"},
    {"NegativeMemory", [](Spec& s) { s.host.memory = -5; }, "Minimum memory limit allowed is 6MB"},
    {"SwapAlone", [](Spec& s) { s.host.memory_swap = 64 << 20; },
     "You should always set the Memory limit when using Memoryswap limit, see usage"},
    {"SmallReservation", [](Spec& s) { s.host.memory_reservation = 1024; },
     "Minimum memory reservation allowed is 6MB"},
    {"LargeReservation",
     [](Spec& s) {
       s.host.memory = 64 << 20;
       s.host.memory_reservation = 65 << 20;
     },
     "Minimum memory limit can not be less than memory reservation limit, see usage"},
    {"TooManyCpus", [](Spec& s) { s.host.nano_cpus = 1'000'000'000'000; }, cpu_range()},
    {"NegativeCpus", [](Spec& s) { s.host.nano_cpus = -1; }, cpu_range()},
    {"CpusAndPeriod",
     [](Spec& s) {
       s.host.nano_cpus = 1'000'000'000;
       s.host.cpu_period = 100'000;
     },
     "Conflicting options: Nano CPUs and CPU Period cannot both be set"},
    {"Period", [](Spec& s) { s.host.cpu_period = 999; },
     "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)"},
    {"Quota", [](Spec& s) { s.host.cpu_quota = 999; }, "CPU cfs quota can not be less than 1ms (i.e. 1000)"},
    {"Shares", [](Spec& s) { s.host.cpu_shares = -1; }, "invalid CPU shares (-1): value must be a positive integer"},
    {"Cpuset", [](Spec& s) { s.host.cpuset_cpus = "4095"; },
     cat("Requested CPUs are not available - requested 4095, available: ", machine_facts().cpu_list)},
    {"CpusetSyntax", [](Spec& s) { s.host.cpuset_cpus = "a"; }, "Invalid value a for cpuset cpus: invalid format: a"},
    {"MemoryNodes", [](Spec& s) { s.host.cpuset_mems = "4095"; },
     cat("Requested memory nodes are not available - requested 4095, available: ", machine_facts().memory_nodes)},
    {"BlockWeight", [](Spec& s) { s.host.blkio_weight = 5; }, "Range of blkio weight is from 10 to 1000"},
    {"BlockDevice", [](Spec& s) { s.host.blkio_device_read_bps.emplace().push_back(null_device()); },
     "stat /dev/no-such-disk: No such file or directory"},
    {"Shm", [](Spec& s) { s.host.shm_size = -1; }, "SHM size can not be less than 0"},
    {"OomScore", [](Spec& s) { s.host.oom_score_adj = 1001; },
     "Invalid value 1001, range for oom score adj is [-1000, 1000]."},
    {"UlimitName",
     [](Spec& s) {
       s.host.ulimits.emplace().push_back({"files", 1, 1});
     },
     "invalid ulimit type: files"},
    {"UlimitOrder",
     [](Spec& s) {
       s.host.ulimits.emplace().push_back({"nofile", 10, 20});
     },
     "ulimit nofile: soft limit must be less than or equal to hard limit: 20 > 10"},
    {"Bandwidth", [](Spec& s) { s.host.io_maximum_iops = 1; },
     "Invalid QoS settings: linux does not support Maximum IO Bandwidth or Maximum IO IOps"},
};
INSTANTIATE_TEST_SUITE_P(Limits, RefusalTest, ::testing::ValuesIn(kLimitRefusals),
                         [](const auto& test) { return test.param.name; });

TEST(SeccompRefusalTest, NamesWhatIsWrongWithAProfile) {
  Spec spec;
  spec.host.security_opt = Strings{"seccomp=/etc/profile.json"};
  EXPECT_THAT(refusal([&] { normalized(spec); }), ::testing::StartsWith("Decoding seccomp profile failed: "));
}

}  // namespace
}  // namespace hull::container
