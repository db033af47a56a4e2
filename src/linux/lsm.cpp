// SPDX-License-Identifier: Apache-2.0
#include "linux/lsm.h"

#include "base/file.h"

namespace hull::linux {

bool apparmor_enabled() {
  auto enabled = read_if_exists("/sys/module/apparmor/parameters/enabled");
  return enabled && enabled->starts_with('Y');
}

bool selinux_enabled() { return exists("/sys/fs/selinux/enforce"); }

ExecLabel ExecLabel::open(const Procfs& host, const std::string& apparmor_profile, const std::string& selinux_label) {
  ExecLabel label;
  if (!apparmor_profile.empty() && apparmor_enabled()) {
    constexpr const char* kOwn = "self/attr/apparmor/exec";  // since Linux 5.8, whatever module is the first
    label.file_ = host.open(host.has(kOwn) ? kOwn : "self/attr/exec", O_WRONLY);
    label.text_ = cat("exec ", apparmor_profile);
    label.shown_ = apparmor_profile;
  } else if (!selinux_label.empty() && selinux_enabled()) {
    label.file_ = host.open("self/attr/exec", O_WRONLY);
    label.text_ = label.shown_ = selinux_label;
  }
  return label;
}

void ExecLabel::apply() const {
  if (!file_) return;
  check(::write(file_.get(), text_.data(), text_.size()), "set security label", shown_);
}

}  // namespace hull::linux
