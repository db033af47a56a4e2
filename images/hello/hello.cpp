// SPDX-License-Identifier: Apache-2.0
//
// The program of the image `hello`, which ships with hull: a greeting, and what the kernel says about the
// container it stands in. Everything is read from /proc, nothing is assumed.
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

// Inode numbers of the machine's first namespaces (linux/nsfs.h, enum init_ns_ino): whoever shows one of them
// is not in a namespace of its own.
constexpr unsigned long kFirstInitial = 0xEFFFFFF8UL, kLastInitial = 0xEFFFFFFFUL;

bool own_namespace(const char* name) {
  char target[64] = {};
  std::string path = std::string("/proc/self/ns/") + name;
  if (readlink(path.c_str(), target, sizeof target - 1) < 0) return false;
  const char* number = std::strchr(target, '[');
  if (!number) return false;
  unsigned long inode = std::strtoul(number + 1, nullptr, 10);
  return inode < kFirstInitial || inode > kLastInitial;
}

std::string slurp(const char* path) {
  std::string text;
  if (FILE* file = std::fopen(path, "re")) {
    char buffer[4096];
    while (std::size_t got = std::fread(buffer, 1, sizeof buffer, file)) text.append(buffer, got);
    std::fclose(file);
  }
  return text;
}

std::string status_field(const char* name) {
  std::string status = slurp("/proc/self/status");
  auto at = status.find(std::string("\n") + name + ":\t");
  if (at == std::string::npos) return "";
  at += std::strlen(name) + 3;
  return status.substr(at, status.find('\n', at) - at);
}

const char* cgroup_version(const std::string& mounts) {
  bool first = mounts.find(" - cgroup ") != std::string::npos, second = mounts.find(" - cgroup2 ") != std::string::npos;
  return first && second ? "version 1 and 2 (hybrid)" : first ? "version 1" : second ? "version 2" : "not mounted";
}

const char* seccomp_mode() {
  std::string mode = status_field("Seccomp");
  return mode == "2" ? "a filter is active" : mode == "0" ? "off" : "unknown";
}

}  // namespace

int main() {
  utsname system{};
  uname(&system);
  std::string mounts = slurp("/proc/self/mountinfo");
  std::string own, shared;
  for (const char* name : {"mnt", "pid", "net", "ipc", "uts", "cgroup", "user", "time"})
    (own_namespace(name) ? own : shared) += std::string(" ") + name;

  std::printf("Hello from hull!\n\nThis container works, on Linux %s:\n", system.release);
  std::printf("  namespaces   own:%s%s%s\n", own.empty() ? " none" : own.c_str(),
              shared.empty() ? "" : "; the host's:", shared.c_str());
  std::printf("  process id   %d\n", static_cast<int>(getpid()));
  std::printf("  cgroups      %s\n", cgroup_version(mounts));
  std::printf("  seccomp      %s\n", seccomp_mode());
  std::printf("  overlay      %s\n",
              mounts.find(" / / ") != std::string::npos && mounts.find(" - overlay ") != std::string::npos
                  ? "this root filesystem is one"
                  : "not used");
  std::printf("  capabilities %s\n", status_field("CapEff").c_str());
}
