// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"
#include "linux/cgroup.h"
#include "oci/runtime_config.h"

namespace hull::linux {

namespace {

[[noreturn]] void refuse() {
  fail(Kind::kForbidden, "the container has no control group: its maker was not permitted to make one");
}

class NoCgroup final : public Cgroup {
 public:
  void create(const oci::Resources&) override {}
  void update(const oci::Resources&) override { refuse(); }
  UniqueFd clone_target() const override { return {}; }
  void join() override {}
  void open_for_join(const Below&) override {}
  void freeze() override { refuse(); }
  void thaw() override { refuse(); }
  bool frozen() const override { return false; }
  CgroupStats stats() const override { return {}; }
  CgroupDetails details() const override { return {}; }
  std::vector<pid_t> processes() const override { return {}; }
  bool exists() const override { return false; }
  UniqueFd oom_notifier() const override { return {}; }
  void kill_all() override {}
  void remove() override {}
  std::map<std::string, std::string> directories() const override { return {}; }
};

}  // namespace

std::unique_ptr<Cgroup> no_cgroup() { return std::make_unique<NoCgroup>(); }

}  // namespace hull::linux
