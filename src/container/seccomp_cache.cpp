// SPDX-License-Identifier: Apache-2.0
#include <openssl/sha.h>

#include <map>
#include <mutex>

#include "base/file.h"
#include "base/log.h"
#include "base/wire.h"
#include "container/capability_sets.h"
#include "container/default_seccomp.h"
#include "container/oci_config.h"
#include "container/security_options.h"
#include "linux/file_identity.h"
#include "linux/seccomp.h"
#include "oci/runtime_config_fields.h"

namespace hull::container {

namespace {

constexpr std::size_t kRemembered = 64;  // programs, in memory and on disk

std::string digest(std::string_view data) {
  unsigned char hash[SHA256_DIGEST_LENGTH];
  ::SHA256(reinterpret_cast<const unsigned char*>(data.data()), data.size(), hash);
  return to_hex(hash, sizeof hash);
}

// Changes whenever the engine is built anew: another generator may make another program of the same profile.
const std::string& engine_identity() {
  static const std::string identity = linux::file_version("/proc/self/exe");
  return identity;
}

oci::Seccomp resolve(const std::string& profile, const Strings& capabilities) {
  return profile.empty() ? default_seccomp(capabilities) : parse_seccomp_profile(profile, capabilities);
}

// A program that is not on disk, or was cut short there, is compiled again.
std::string load_or_compile(const oci::Seccomp& profile, const std::string& directory) {
  constexpr std::size_t kInstruction = 8;  // bytes of a struct sock_filter
  std::string path = cat(directory, "/", digest(cat(engine_identity(), "\n", wire::encode(profile))), ".bpf");
  if (auto kept = read_if_exists(path); kept && !kept->empty() && kept->size() % kInstruction == 0) return *kept;
  std::string program = linux::compile_seccomp(profile);
  try {
    make_directories(directory, 0700);
    if (list_directory(directory).size() >= kRemembered) remove_tree(directory);
    make_directories(directory, 0700);
    write_file_atomically(path, program, 0600, Durability::kProcessCrash);
  } catch (const Error& e) {
    log::warn("cannot keep a compiled seccomp program: ", e.message());
  }
  return program;
}

class Cache {
 public:
  std::string get(const std::string& key, const auto& make) {
    {
      std::scoped_lock lock(mutex_);
      if (auto found = programs_.find(key); found != programs_.end()) return found->second;
    }
    std::string program = make();
    std::scoped_lock lock(mutex_);
    if (programs_.size() >= kRemembered) programs_.clear();
    programs_[key] = program;
    return program;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::string> programs_;
};

std::optional<std::string> profile_of(const HostConfig& host) {
  std::string profile = parse_security_options(host).seccomp;
  if (profile == "unconfined" || (profile.empty() && host.privileged)) return std::nullopt;
  if (profile == "builtin") profile.clear();
  return profile;
}

}  // namespace

std::optional<oci::Seccomp> seccomp_profile(const State& state) {
  const HostConfig& host = state.spec->host;
  auto profile = profile_of(host);
  if (!profile) return std::nullopt;
  return resolve(*profile, container_capabilities(host));
}

std::string seccomp_program(const State& state, const Configuration& configuration) {
  static Cache cache;
  const HostConfig& host = state.spec->host;
  auto profile = profile_of(host);
  if (!profile) return {};
  Strings capabilities = container_capabilities(host);
  return cache.get(cat(join(capabilities, ","), "\n", *profile), [&] {
    return load_or_compile(resolve(*profile, capabilities), configuration.data_root + "/seccomp");
  });
}

}  // namespace hull::container
