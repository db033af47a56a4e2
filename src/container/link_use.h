// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "container/engine_impl.h"
#include "container/links.h"

// The links of a container while it runs.
namespace hull::container {

// Refuses a start whose links lead nowhere: Error{kInternal}, as Docker has it.
void require_linked(Engine::Impl& engine, const State& state);
// The variables of all links to containers that run.
Strings link_variables(Engine::Impl& engine, const State& state);
// Lines for /etc/hosts: the address of each, and what it can be called.
std::string link_hosts(Engine::Impl& engine, const State& state);
// Lets a container that has just been connected reach the ports of those that it links to, where the default bridge
// keeps its containers apart (--icc=false).
void open_links(Engine::Impl& engine, const State& state);
// Containers that link to `target`, which has started and may have another address now, follow.
void follow_links(Engine::Impl& engine, const State& target);
// DELETE …/web/db?link=true. Error{kConflict} when `name` is no link's.
void remove_link(Engine::Impl& engine, std::string_view name);

}  // namespace hull::container
