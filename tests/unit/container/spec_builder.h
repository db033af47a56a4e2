// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "container/normalize.h"

namespace hull::container {

inline constexpr const char* kTestId = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

struct Normalized {
  Spec spec;
  std::vector<std::string> warnings;
};

// normalize() with an image that has only `image`, and a machine where no other container exists but "donor".
inline Normalized normalized(Spec spec, const oci::ExecutionConfig& image = {},
                             const Configuration& configuration = {}) {
  if (!spec.config.cmd && !spec.config.entrypoint && !image.cmd && !image.entrypoint) spec.config.cmd = Strings{"true"};
  image::Image from;
  from.config.config = image;
  Normalized result{std::move(spec), {}};
  auto id_of = [](std::string_view name) -> std::string {
    if (name != "donor") fail(Kind::kNotFound, "No such container: ", name);
    return std::string(64, 'd');
  };
  normalize(result.spec, from, kTestId, configuration, id_of, result.warnings);
  return result;
}

// The message of the Error that `act` throws, with its kind before it when that is not kInvalidArgument; "" when
// it throws nothing.
inline std::string refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& e) {
    return e.kind() == Kind::kInvalidArgument ? e.message() : cat(to_string(e.kind()), ": ", e.message());
  }
  return {};
}

}  // namespace hull::container
