// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace hull::container {

inline constexpr std::string_view kDefaultAppArmorProfile = "docker-default";

// The text of that profile (apparmor.d(5)): a container may do what capabilities, seccomp and namespaces let it do, but
// for writing to the kernel's settings in /proc and /sys, mounting, and reaching processes outside of the profile.
std::string default_apparmor_profile();

// Loads it where the host has AppArmor and the profile is not there: profiles are gone with every start of the machine.
// Runs apparmor_parser, which may take a tenth of a second. Without it, or when it fails, that is logged, and
// containers run without a profile. Before the first question for machine_facts().
void load_default_apparmor_profile();

}  // namespace hull::container
