// SPDX-License-Identifier: Apache-2.0
#include "runtime/failure.h"

#include <sys/wait.h>

#include <cctype>
#include <iterator>

namespace hull::runtime {

namespace {

constexpr std::string_view kStepNames[] = {
    "cgroup",       "clone",    "user maps",      "join cgroup",    "oom score", "join namespace", "keyring",
    "network",      "hostname", "rootfs",         "mount",          "device",    "console",        "sysctl",
    "hook",         "pivot",    "masked path",    "read-only path", "rlimit",    "scheduling",     "working directory",
    "capabilities", "user",     "security label", "seccomp",        "exec",
};
static_assert(std::size(kStepNames) == static_cast<std::size_t>(Step::kExec) + 1);

constexpr std::string_view kBeginnings[] = {
    "OCI runtime create failed: runc create failed: unable to start container process: ",
    "OCI runtime create failed: runc create failed: unable to start container process: error during container init: ",
    "OCI runtime exec failed: exec failed: unable to start container process: ",
};

// What the user gave that a step failed on. Messages of the kernel say what is wrong, not where it came from.
std::string subject(const Progress& progress) {
  switch (progress.step) {
    case Step::kMount: return cat("error mounting ", quoted(progress.object), ": ");
    case Step::kDevice: return cat("error creating device ", quoted(progress.object), ": ");
    case Step::kSysctl: return cat("error setting sysctl ", quoted(progress.object), ": ");
    case Step::kMaskedPath: return cat("error masking path ", quoted(progress.object), ": ");
    case Step::kReadonlyPath: return cat("error making path read-only ", quoted(progress.object), ": ");
    case Step::kJoinNamespace: return cat("failed to join ", progress.object, " namespace: ");
    case Step::kOomScore: return cat("error setting oom score adjustment ", progress.object, ": ");
    case Step::kSecurityLabel: return "unable to apply the security label: ";
    case Step::kNetwork: return progress.object.empty() ? "" : cat("error moving ", quoted(progress.object), ": ");
    case Step::kSeccomp: return "unable to init seccomp: ";
    default: return {};
  }
}

}  // namespace

std::string_view to_string(Step step) {
  auto index = static_cast<std::size_t>(step);
  return index < std::size(kStepNames) ? kStepNames[index] : "unknown";
}

std::string lower_errno_text(int code) {
  std::string text = errno_text(code);
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

Failure make_failure(const Error& error, const Progress& progress, Phase phase) {
  std::string text = error.message();
  if (error.code() != 0) {
    std::string as_is = errno_text(error.code());
    if (auto at = text.rfind(as_is); at != std::string::npos)
      text.replace(at, as_is.size(), lower_errno_text(error.code()));
  }
  return {progress.step, error.code(), progress.object,
          cat(kBeginnings[static_cast<std::size_t>(phase)], subject(progress), text)};
}

// What the user can mend by another command line is the user's error, as in Docker; everything else is ours.
StartError::StartError(Failure failure)
    : Error(failure.step == Step::kExec || failure.step == Step::kWorkingDirectory ? Kind::kInvalidArgument
                                                                                   : Kind::kInternal,
            failure.message, failure.code, std::string(to_string(failure.step))),
      failure_(std::move(failure)) {}

int exit_code(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

}  // namespace hull::runtime
