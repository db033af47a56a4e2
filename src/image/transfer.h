// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "oci/platform.h"
#include "oci/reference.h"
#include "registry/hosts.h"
#include "registry/repository.h"

// What a pull and a push are told, and what they tell.
namespace hull::image {

struct TransferOptions {
  registry::Options registry;
  registry::Credentials credentials;
  int at_once = 3;  // layers
};

struct PullRequest {
  oci::Reference reference;
  bool all_tags = false;
  std::optional<oci::Platform> platform;
  TransferOptions options;
};

struct PushRequest {
  oci::Reference reference;
  bool all_tags = false;
  std::optional<oci::Platform> platform;
  TransferOptions options;
  bool oci = false;                                     // an OCI manifest instead of Docker's
  std::map<std::string, std::string> annotations = {};  // of the manifest, which is an OCI one then
};

// One step, in Docker's words. Of a transfer that goes on `total` is not 0.
struct TransferMessage {
  std::string id, status;
  std::int64_t current = 0, total = 0;
  std::string tag = {}, digest = {};  // of the `aux` object that says what was pushed; "" : it is not one
  std::int64_t size = 0;
  std::string media_type = {};
};
using Report = std::function<void(const TransferMessage& message)>;

}  // namespace hull::image
