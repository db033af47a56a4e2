// SPDX-License-Identifier: Apache-2.0
#include "linux/handshake.h"
#include "linux/pidfd.h"
#include "runtime/launch.h"
#include "runtime/state_json.h"

namespace hull::runtime {

SeccompReceiver receiver_of(const std::optional<oci::Seccomp>& profile, HookState state) {
  if (!profile || profile->listener_path.empty()) return {};
  return {profile->listener_path, profile->listener_metadata, std::move(state)};
}

// config-linux.md#containerprocessstate: one message with the state as JSON, and the descriptor.
void pass_on_listener(int pidfd, std::string_view number, const SeccompReceiver& receiver) {
  UniqueFd listener = linux::descriptor_of(pidfd, parse_number<int>(number).value_or(-1));
  std::string message =
      cat(R"({"ociVersion":)", json_text(oci::kRuntimeSpecVersion), R"(,"fds":["seccompFd"],"pid":)", receiver.pid);
  if (!receiver.metadata.empty()) message += cat(R"(,"metadata":)", json_text(receiver.metadata));
  message += cat(R"(,"state":)", state_json(receiver.state), "}");
  try {
    linux::send_descriptor(receiver.path, message, listener.get());
  } catch (const Error& e) {
    throw e.within(cat("linux.seccomp.listenerPath ", receiver.path));
  }
}

}  // namespace hull::runtime
