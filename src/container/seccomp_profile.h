// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/fields.h"
#include "oci/runtime_config.h"
#include "oci/runtime_config_fields.h"

// A seccomp profile in Docker's form: the OCI's, and conditions under which a rule counts at all.
namespace hull::container {

struct SeccompFilter {
  std::vector<std::string> caps, arches;  // "CAP_SYS_ADMIN"; "amd64"
  std::string min_kernel;                 // "4.8"
};

struct SeccompProfileRule {
  std::string name;  // of old profiles; `names` otherwise
  std::vector<std::string> names;
  std::string action;
  std::optional<std::uint32_t> errno_ret;
  std::vector<oci::SyscallArg> args;
  std::optional<SeccompFilter> includes, excludes;
};

struct SeccompArchGroup {
  std::string architecture;
  std::vector<std::string> sub_architectures;
};

struct SeccompProfile {
  std::string default_action;
  std::optional<std::uint32_t> default_errno_ret;
  std::vector<std::string> architectures, flags;
  std::string listener_path, listener_metadata;
  std::vector<SeccompArchGroup> arch_map;
  std::vector<SeccompProfileRule> syscalls;
};

template <class Visitor>
void fields(Visitor& visit, SeccompFilter& value) {
  visit("caps", value.caps, WhenEmpty::kOmit);
  visit("arches", value.arches, WhenEmpty::kOmit);
  visit("minKernel", value.min_kernel, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, SeccompProfileRule& value) {
  visit("name", value.name, WhenEmpty::kOmit);
  visit("names", value.names, WhenEmpty::kOmit);
  visit("action", value.action);
  visit("errnoRet", value.errno_ret, WhenEmpty::kOmit);
  visit("args", value.args, WhenEmpty::kOmit);
  visit("includes", value.includes, WhenEmpty::kOmit);
  visit("excludes", value.excludes, WhenEmpty::kOmit);
}

template <class Visitor>
void fields(Visitor& visit, SeccompArchGroup& value) {
  visit("architecture", value.architecture);
  visit("subArchitectures", value.sub_architectures, WhenEmpty::kNull);
}

template <class Visitor>
void fields(Visitor& visit, SeccompProfile& value) {
  visit("defaultAction", value.default_action);
  visit("defaultErrnoRet", value.default_errno_ret, WhenEmpty::kOmit);
  visit("architectures", value.architectures, WhenEmpty::kOmit);
  visit("flags", value.flags, WhenEmpty::kOmit);
  visit("listenerPath", value.listener_path, WhenEmpty::kOmit);
  visit("listenerMetadata", value.listener_metadata, WhenEmpty::kOmit);
  visit("archMap", value.arch_map, WhenEmpty::kOmit);
  visit("syscalls", value.syscalls);
}

// The machine that a profile is resolved for.
struct SeccompHost {
  std::string arch;       // Docker's word: "amd64"
  std::string scmp_arch;  // "SCMP_ARCH_X86_64"
  unsigned kernel_major = 0, kernel_minor = 0;
};
const SeccompHost& seccomp_host();

// Leaves out the rules whose conditions do not hold, and turns the rest into the OCI's form. Throws
// Error{kInvalidArgument} for contradictions ('name' with 'names', 'architectures' with 'archMap').
oci::Seccomp resolve_profile(const SeccompProfile& profile, const std::vector<std::string>& capabilities,
                             const SeccompHost& host);

// Docker's default profile, unresolved.
SeccompProfile default_seccomp_profile();

}  // namespace hull::container
