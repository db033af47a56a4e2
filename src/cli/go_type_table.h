// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

namespace hull::cli {

// The types, one a line: "name{Field:json type;…}" is a structure, "name=type" another name. See go_type.cpp.
std::span<const std::string_view> go_type_tables();

}  // namespace hull::cli
