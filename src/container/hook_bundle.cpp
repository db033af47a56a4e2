// SPDX-License-Identifier: Apache-2.0
#include "container/hook_bundle.h"

#include "base/file.h"
#include "base/text.h"
#include "oci/json.h"
#include "oci/runtime_config_fields.h"

namespace hull::container {

void write_hook_bundle(const std::string& directory, oci::RuntimeConfig& config) {
  if (!config.hooks) return;
  config.root->path = directory + "/rootfs";
  make_directories(config.root->path, 0711);
  UniqueFd file = open_file(directory + "/config.json", O_WRONLY | O_CREAT | O_TRUNC, 0600);
  write_all(file.get(), dump_json(to_json(config)));
}

}  // namespace hull::container
