// SPDX-License-Identifier: Apache-2.0
#include "linux/without_capabilities.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"

namespace hull::linux {

WithoutCapabilities::WithoutCapabilities(CapabilitySet dropped) {
  __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  check(::syscall(SYS_capget, &head, data), "capget");
  auto whole = [&](auto part) { return data[0].*part | CapabilitySet{data[1].*part} << 32; };
  effective_ = whole(&__user_cap_data_struct::effective);
  permitted_ = whole(&__user_cap_data_struct::permitted);
  inheritable_ = whole(&__user_cap_data_struct::inheritable);
  set_capabilities(effective_ & ~dropped, permitted_, inheritable_);
}

// They are permitted: this cannot fail.
WithoutCapabilities::~WithoutCapabilities() { set_capabilities(effective_, permitted_, inheritable_); }

}  // namespace hull::linux
