// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/unique_fd.h"
#include "linux/procfs.h"

namespace hull::linux {

bool apparmor_enabled();
bool selinux_enabled();

// The label that the next execve(2) of this process takes on. The file is opened first, written later (after the change
// of root). Empty label, or a host without that module: nothing happens.
class ExecLabel {
 public:
  static ExecLabel open(const Procfs& host, const std::string& apparmor_profile, const std::string& selinux_label);
  void apply() const;  // throws errno with the label's name

 private:
  UniqueFd file_;
  std::string text_, shown_;
};

}  // namespace hull::linux
