// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "container/container.h"

// Links between containers of the default bridge (--link), as Docker has them since before there were networks of the
// user: the one that links finds the other under a name of its choice in its /etc/hosts, and that one's ports and
// variables in its environment. On networks of the user a link is a name of the engine's DNS, and no business of this.
namespace hull::container {

struct Link {
  std::string target;  // name or id of the container that is linked to
  std::string alias;   // what it is called by the one that links
};

// "db" or "db:alias", and what inspect shows of a link: "/db:/web/alias". Error{kInvalidArgument}.
Link parse_link(std::string_view text);

// Puts ids in the place of names in HostConfig.Links of a new container ("<id>:alias"), each alias once. Links of
// networks of the user are left alone. Error{kInvalidArgument} for a container that is not there, or has no network.
void resolve_links(HostConfig& host, const std::function<StatePtr(std::string_view name)>& container);

inline bool has_links(const Spec& spec) { return spec.host.links && !spec.host.links->empty(); }
// The links of the default bridge that a container was made with. Whom they lead to may be gone by now.
std::vector<Link> links_of(const Spec& spec);

// What a link tells a program: ALIAS_PORT_80_TCP_ADDR and its relatives for every exposed port of `target` at
// `address`, ALIAS_NAME, and its own variables as ALIAS_ENV_…. `owner` is the name of the container that links.
Strings link_variables(const std::string& owner, const std::string& alias, const Config& target,
                       const std::string& address);

// The other names that containers go by: "web/db" for what the container web calls db. By id.
std::map<std::string, Strings> link_names(const std::vector<StatePtr>& containers);

}  // namespace hull::container
