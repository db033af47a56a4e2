// SPDX-License-Identifier: Apache-2.0
#include "linux/rlimit.h"

#include <sys/resource.h>

#include "base/error.h"

namespace hull::linux {

namespace {

struct Name {
  std::string_view name;
  int number;
};
constexpr Name kNames[] = {
    {"AS", RLIMIT_AS},           {"CORE", RLIMIT_CORE},         {"CPU", RLIMIT_CPU},
    {"DATA", RLIMIT_DATA},       {"FSIZE", RLIMIT_FSIZE},       {"LOCKS", RLIMIT_LOCKS},
    {"MEMLOCK", RLIMIT_MEMLOCK}, {"MSGQUEUE", RLIMIT_MSGQUEUE}, {"NICE", RLIMIT_NICE},
    {"NOFILE", RLIMIT_NOFILE},   {"NPROC", RLIMIT_NPROC},       {"RSS", RLIMIT_RSS},
    {"RTPRIO", RLIMIT_RTPRIO},   {"RTTIME", RLIMIT_RTTIME},     {"SIGPENDING", RLIMIT_SIGPENDING},
    {"STACK", RLIMIT_STACK},
};

std::string amount(std::uint64_t value) { return value == RLIM_INFINITY ? "unlimited" : cat(value); }

}  // namespace

std::optional<int> rlimit_number(std::string_view type) {
  if (!type.starts_with("RLIMIT_")) return std::nullopt;
  type.remove_prefix(7);
  for (const auto& known : kNames)
    if (known.name == type) return known.number;
  return std::nullopt;
}

void set_rlimit(pid_t pid, const oci::Rlimit& limit) {
  auto number = rlimit_number(limit.type);
  if (!number) fail_invalid("unknown ulimit ", quoted(limit.type));
  rlimit wanted{limit.soft, limit.hard}, old{};
  if (::prlimit(pid, static_cast<__rlimit_resource>(*number), &wanted, &old) == 0) return;
  int code = errno;
  std::string name = lower(std::string_view(limit.type).substr(7));
  std::string why = errno_text(code);
  ::prlimit(pid, static_cast<__rlimit_resource>(*number), nullptr, &old);
  if (code == EPERM && limit.hard > old.rlim_max)
    why = cat("operation not permitted: the engine's own hard limit is ", amount(old.rlim_max),
              ", and it lacks CAP_SYS_RESOURCE to raise it");
  if (code == EINVAL) why = cat("the soft limit ", amount(limit.soft), " is above the hard limit");
  throw Error(Kind::kInvalidArgument,
              cat("cannot set ulimit ", name, "=", amount(limit.soft), ":", amount(limit.hard), ": ", why), code,
              "setrlimit");
}

}  // namespace hull::linux
