// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "api/listen.h"
#include "container/engine.h"
#include "network/options.h"
#include "settings/load.h"

// From settings to what each room wants to know.
namespace hull {

// Throws Error{kInvalidArgument} for programs and files that are not there.
container::Configuration container_configuration(const settings::Settings& settings,
                                                 const settings::CommandLine& command_line);
container::Defaults container_defaults(const settings::Settings& settings);
network::Options network_options(const settings::Settings& settings);
api::ListenOptions listen_options(const settings::Settings& settings);

// A program of ours beside hulld; "" when it is not there.
std::string own_program(const char* name);

// Level and form of the engine's log.
void configure_log(const settings::Settings& settings);

}  // namespace hull
