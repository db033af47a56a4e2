// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cdi/spec.h"
#include "oci/runtime_config.h"

namespace hull::cdi {

// The devices of a machine, as the files (*.json, *.yaml) of some directories have them; read once, by the
// constructor. Of two files with the same device that of the later directory counts; in one directory they exclude each
// other. What is wrong with files is in problems(), and keeps nobody from using the others.
class Devices {
 public:
  explicit Devices(const std::vector<std::string>& directories);

  std::vector<std::string> names() const;  // "vendor.com/class=name", sorted
  bool has(const std::string& name) const { return devices_.contains(name); }
  const std::vector<std::string>& problems() const { return problems_; }

  // Changes a configuration so that its container has these devices. Error{kInvalidArgument}: "unresolvable CDI devices
  // …" (with what is wrong with files that may be the reason), a node that the host does not have, what hull cannot
  // give (network devices, Intel RDT).
  void inject(oci::RuntimeConfig& config, const std::vector<std::string>& names) const;

 private:
  struct Source {
    std::string path;
    int priority = 0;  // of its directory
    Spec spec;
  };
  struct Found {
    std::size_t source = 0, device = 0;  // indices
  };
  void read(const std::string& path, int priority);
  void index();

  std::vector<Source> sources_;
  std::map<std::string, Found> devices_;
  std::vector<std::string> problems_;
};

}  // namespace hull::cdi
