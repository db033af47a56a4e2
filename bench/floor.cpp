// SPDX-License-Identifier: Apache-2.0
//
// hull-floor: what a container costs when nobody but the kernel is paid.
//
// One iteration is a complete container, from nothing to nothing: control groups with limits in every
// hierarchy, the namespaces, an overlay root with /proc, /sys, /dev, /dev/pts, /dev/shm, /dev/mqueue, three
// files bound into /etc, masked paths, pivot_root, a veth on a bridge with address and route, capabilities,
// a seccomp program, exec of busybox `true`, wait, and removal of groups and directories. What an engine adds
// to that (a client, an API, a database, a log, a supervisor) is its overhead.
//
//   hull-floor bridge|none|exec|bundle ITERATIONS     prints the microseconds of each iteration, one per line
//
// `bundle` is what an OCI runtime does with the bundle of bench/runtime.py: the root is a directory, nothing is bound
// into it, the container stands before its program is executed, and its limits are those of the bundle. `exec` is one
// process into a running container: setns by pidfd, fork, exec, wait.
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "floor_network.h"

namespace {

[[noreturn]] void die(const std::string& what) {
  std::perror(what.c_str());
  std::_Exit(1);
}
void must(bool ok, const std::string& what) {
  if (!ok) die(what);
}

long microseconds() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

struct Places {
  std::string work;   // everything of this run, removed at the end
  std::string lower;  // the root filesystem that ships busybox
  std::string bridge;
  std::vector<std::string> hierarchies;  // mount points of cgroup v1 subsystems, or of v2
  bool unified = false;
  bool bundle = false;
};

std::string cgroup_name() { return "/hull-floor-" + std::to_string(getpid()); }

void write_file(const std::string& path, const char* text) {
  int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;  // a limit that this kernel does not have
  if (write(fd, text, std::strlen(text)) < 0) die(path);
  close(fd);
}

// --- the pieces of one container, in the order in which they are used ---

void make_cgroups(const Places& places) {
  for (const auto& hierarchy : places.hierarchies) {
    std::string directory = hierarchy + cgroup_name();
    must(mkdir(directory.c_str(), 0755) == 0, directory);
    if (places.unified || hierarchy.ends_with("/memory")) {
      write_file(directory + (places.unified ? "/memory.max" : "/memory.limit_in_bytes"), "268435456");
    }
    if (places.unified || hierarchy.ends_with("/pids")) write_file(directory + "/pids.max", "512");
    if (hierarchy.ends_with("/cpu")) write_file(directory + "/cpu.shares", "512");
    if (hierarchy.ends_with("/cpuset")) {
      write_file(directory + "/cpuset.cpus", "0");
      write_file(directory + "/cpuset.mems", "0");
    }
    if (hierarchy.ends_with("/devices")) {
      write_file(directory + "/devices.deny", "a");
      for (const char* rule :
           {"c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm", "c 5:0 rwm", "c 136:* rwm"})
        write_file(directory + "/devices.allow", rule);
    }
  }
}

// `tasks`, not `cgroup.procs`: the latter takes milliseconds (a global lock), the former is the same for a
// process of one thread.
void join_cgroups(const Places& places) {
  for (const auto& hierarchy : places.hierarchies)
    write_file(hierarchy + cgroup_name() + (places.unified ? "/cgroup.procs" : "/tasks"), "0");
}

void remove_cgroups(const Places& places) {
  for (const auto& hierarchy : places.hierarchies) rmdir((hierarchy + cgroup_name()).c_str());
}

void mount_at(const char* type, const std::string& target, unsigned long flags, const char* options = nullptr) {
  mkdir(target.c_str(), 0755);
  must(mount(type, target.c_str(), type, flags, options) == 0, target);
}

void bind(const std::string& source, const std::string& target, bool read_only) {
  must(mount(source.c_str(), target.c_str(), nullptr, MS_BIND, nullptr) == 0, target);
  if (read_only) must(mount(nullptr, target.c_str(), nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) == 0, target);
}

void make_devices(const std::string& root) {
  struct Node {
    const char* name;
    unsigned major, minor;
  };
  for (Node node :
       {Node{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}})
    must(mknod((root + "/dev/" + node.name).c_str(), S_IFCHR | 0666, makedev(node.major, node.minor)) == 0, node.name);
  must(symlink("/proc/self/fd", (root + "/dev/fd").c_str()) == 0, "/dev/fd");
  must(symlink("pts/ptmx", (root + "/dev/ptmx").c_str()) == 0, "/dev/ptmx");
}

void set_up_root(const Places& places, const std::string& box) {
  must(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "private /");
  std::string root = box + "/root";
  if (places.bundle) {
    must(mount(places.lower.c_str(), root.c_str(), nullptr, MS_BIND | MS_REC, nullptr) == 0, root);
  } else {
    std::string options = "lowerdir=" + places.lower + ",upperdir=" + box + "/upper,workdir=" + box + "/work";
    must(mount("overlay", root.c_str(), "overlay", 0, options.c_str()) == 0, "overlay");
  }
  constexpr unsigned long kSafe = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  mount_at("proc", root + "/proc", kSafe);
  mount_at("sysfs", root + "/sys", kSafe | MS_RDONLY);
  mount_at("tmpfs", root + "/dev", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k");
  make_devices(root);
  mount_at("devpts", root + "/dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620");
  mount_at("tmpfs", root + "/dev/shm", kSafe, "mode=1777,size=65536k");
  mount_at("mqueue", root + "/dev/mqueue", kSafe);
  if (!places.bundle)
    for (const char* file : {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"})
      bind(box + "/file", root + file, false);
  for (const char* masked : {"/proc/kcore", "/proc/keys", "/proc/timer_list"})
    if (access((root + masked).c_str(), F_OK) == 0) bind(root + "/dev/null", root + masked, false);
  for (const char* read_only : {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys"})
    if (access((root + read_only).c_str(), F_OK) == 0) bind(root + read_only, root + read_only, true);
  must(chdir(root.c_str()) == 0, "chdir");
  must(syscall(SYS_pivot_root, ".", ".") == 0, "pivot_root");
  must(umount2(".", MNT_DETACH) == 0, "detach");
  must(chdir("/") == 0, "chdir /");
}

void drop_privileges() {
  for (int capability = 0; capability <= CAP_LAST_CAP; ++capability)
    if (capability > CAP_SETUID) prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {{0xff, 0xff, 0}, {0, 0, 0}};
  must(syscall(SYS_capset, &header, data) == 0, "capset");
  must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
  // A short program of the right kind: architecture check, a range check, an argument-free verdict.
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_kexec_load, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog filter{static_cast<unsigned short>(std::size(program)), program};
  must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0, "seccomp");
}

[[noreturn]] void run_busybox(const char* applet, const char* argument = nullptr) {
  char* arguments[] = {const_cast<char*>("busybox"), const_cast<char*>(applet), const_cast<char*>(argument), nullptr};
  char* environment[] = {const_cast<char*>("PATH=/bin"), nullptr};
  execve("/bin/busybox", arguments, environment);
  die("exec");
}

pid_t clone_with(std::uint64_t flags, int* pidfd) {
  clone_args arguments{};
  arguments.flags = flags | CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<std::uint64_t>(pidfd);
  arguments.exit_signal = SIGCHLD;
  auto pid = static_cast<pid_t>(syscall(SYS_clone3, &arguments, sizeof arguments));
  must(pid >= 0, "clone3");
  return pid;
}

void make_box(const std::string& box) {
  for (const char* part : {"", "/upper", "/work", "/root"}) must(mkdir((box + part).c_str(), 0755) == 0, box);
  int fd = open((box + "/file").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  must(fd >= 0 && write(fd, "x\n", 2) == 2, "file");
  close(fd);
}

void remove_box(const std::string& box) {
  std::string command = "rm -rf '" + box + "'";
  unlink((box + "/file").c_str());
  for (const char* part : {"/upper/dev", "/upper", "/work/work", "/work", "/root", ""}) rmdir((box + part).c_str());
  if (access(box.c_str(), F_OK) == 0 && std::system(command.c_str()) != 0) die(command);
}

// Starts a container; `applet` is what runs in it. Returns its pid, and a pidfd.
pid_t start(const Places& places, const std::string& box, bool network, int* pidfd, const char* applet,
            const char* argument = nullptr) {
  int go[2];
  must(pipe2(go, O_CLOEXEC) == 0, "pipe");
  make_box(box);
  make_cgroups(places);
  std::uint64_t flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWNET;
  static unsigned counter = 1;
  ++counter;
  pid_t pid = clone_with(flags, pidfd);
  if (pid == 0) {
    join_cgroups(places);
    must(sethostname("floor", 5) == 0, "sethostname");
    set_up_root(places, box);
    char byte;
    close(go[1]);
    if (network) {
      if (read(go[0], &byte, 1) != 1) die("the host end of the network");
      floor_bench::set_up_inside(counter % 60000 + 2);
    }
    drop_privileges();
    run_busybox(applet, argument);
  }
  if (network) {
    std::string path = "/proc/" + std::to_string(pid) + "/ns/net";
    int space = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    must(space >= 0, path);
    floor_bench::make_veth("hf" + std::to_string(getpid() % 10000) + "x" + std::to_string(counter), places.bridge,
                           space);
    close(space);
    must(write(go[1], "x", 1) == 1, "go");
  }
  close(go[0]);
  close(go[1]);
  return pid;
}

void wait_for(pid_t pid) {
  int status = 0;
  must(waitpid(pid, &status, 0) == pid && status == 0, "the container's exit");
}

long one_container(const Places& places, const std::string& box, bool network) {
  long begin = microseconds();
  int pidfd = -1;
  pid_t pid = start(places, box, network, &pidfd, "true");
  wait_for(pid);
  close(pidfd);
  remove_cgroups(places);
  remove_box(box);
  return microseconds() - begin;
}

long one_exec(int target) {
  long begin = microseconds();
  pid_t pid = fork();
  if (pid == 0) {
    must(setns(target, CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWCGROUP) == 0,
         "setns");
    pid_t inner = fork();
    if (inner == 0) run_busybox("true");
    int status = 0;
    waitpid(inner, &status, 0);
    std::_Exit(status ? 1 : 0);
  }
  wait_for(pid);
  return microseconds() - begin;
}

// --- the surroundings ---

Places prepare() {
  Places places;
  const char* base = std::getenv("HULL_BENCH_DIR");
  places.work = std::string(base ? base : "/tmp") + "/hull-floor-" + std::to_string(getpid());
  places.lower = places.work + "/lower";
  must(mkdir(places.work.c_str(), 0755) == 0 && mkdir(places.lower.c_str(), 0755) == 0, places.work);
  for (const char* directory : {"/bin", "/etc", "/proc", "/sys", "/dev"})
    mkdir((places.lower + directory).c_str(), 0755);
  std::string copy = "cp /bin/busybox '" + places.lower + "/bin/busybox' && cd '" + places.lower +
                     "/etc' && touch hosts hostname resolv.conf";
  must(std::system(copy.c_str()) == 0, copy);

  std::ifstream mounts("/proc/self/mounts");
  std::string line, unified;
  while (std::getline(mounts, line)) {
    std::istringstream words(line);
    std::string source, target, type;
    words >> source >> target >> type;
    if (type == "cgroup" && line.find("name=") == std::string::npos) places.hierarchies.push_back(target);
    if (type == "cgroup2") unified = target;
  }
  if (places.hierarchies.empty() && !unified.empty()) {
    places.hierarchies = {unified};
    places.unified = true;
  }
  places.bridge = "hf" + std::to_string(getpid() % 100000);
  return places;
}

// What a network asks of the kernel: a bridge with an address, up, and gone again.
void time_networks(int iterations) {
  std::string name = "hn" + std::to_string(getpid() % 100000);
  for (int i = 0; i < iterations; ++i) {
    auto begin = std::chrono::steady_clock::now();
    floor_bench::make_bridge(name);
    floor_bench::remove_link(name);
    auto spent = std::chrono::steady_clock::now() - begin;
    std::printf("%ld\n", static_cast<long>(std::chrono::duration_cast<std::chrono::microseconds>(spent).count()));
  }
}

void clean_up(const Places& places) {
  std::string command = "rm -rf '" + places.work + "'";
  if (std::system(command.c_str()) != 0) std::perror("clean up");
}

}  // namespace

int main(int argc, char** argv) {
  std::string mode = argc == 3 ? argv[1] : "";
  int iterations = argc == 3 ? std::atoi(argv[2]) : 0;
  const std::set<std::string_view> modes = {"bridge", "none", "exec", "networks", "bundle"};
  if (!modes.contains(mode) || iterations < 1) {
    std::fprintf(stderr, "usage: hull-floor bridge|none|exec|networks|bundle ITERATIONS\n");
    return 2;
  }
  if (mode == "networks") {
    time_networks(iterations);
    return 0;
  }
  Places places = prepare();
  places.bundle = mode == "bundle";
  bool network = mode == "bridge";
  if (network) floor_bench::make_bridge(places.bridge);
  std::vector<long> times;
  if (mode == "exec") {
    int pidfd = -1;
    pid_t pid = start(places, places.work + "/box", false, &pidfd, "sleep", "600");
    usleep(100000);
    for (int i = 0; i < iterations; ++i) times.push_back(one_exec(pidfd));
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    remove_cgroups(places);
  } else {
    for (int i = 0; i < iterations; ++i)
      times.push_back(one_container(places, places.work + "/box" + std::to_string(i), network));
  }
  if (network) floor_bench::remove_link(places.bridge);
  clean_up(places);
  for (long time : times) std::printf("%ld\n", time);
}
