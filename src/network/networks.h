// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "linux/reactor.h"
#include "network/address_pool.h"
#include "network/attachment.h"
#include "network/endpoint.h"
#include "network/network.h"
#include "network/options.h"
#include "store/database.h"

namespace hull::network {

// The networks of one engine: bridge, host and none. Thread-safe.
class Networks {
 public:
  Networks(store::Database& database, linux::Reactor& reactor, Options options);
  ~Networks();  // leaves the bridge, the table and every endpoint as they are

  std::vector<Network> list() const;  // predefined ones first, then in the order of their creation
  // By id, name or unique beginning of an id. Error{kInvalidArgument} "network x is ambiguous (…)".
  std::optional<Network> find(const std::string& name_or_id) const;
  Network get(const std::string& name_or_id) const;  // Error{kNotFound} "network x not found"

  // Makes a network; `wish` has everything but id, bridge and time. Recorded before it exists. Errors as Docker has
  // them: kForbidden for predefined names and overlapping subnets, kConflict for a name in use, kInvalidArgument for
  // what is wrong with addresses or options (all of it in one message), kNotFound for an unknown driver.
  Network create(Network wish, FamiliesAsked asked = {});
  // Error{kForbidden} for predefined ones and while somebody is attached. Gives what was removed.
  Network remove(const std::string& name_or_id);
  // Who is attached to a network now, by container id.
  std::map<std::string, Endpoint> members(const std::string& network_id) const;
  // How full each of its subnets is; none for a network that is not there, or manages no addresses.
  std::vector<std::pair<Subnet, AddressUse>> address_use(const std::string& network_id) const;

  // A network namespace with the container plugged in to each of the networks. The namespace comes from the pool or
  // is made; the endpoints are recorded before they exist. Errors: kNotFound "network x not found", those of
  // check_endpoint(); for ports Docker's texts, kInternal for status 500 as Docker has it. Nothing
  // is left on failure.
  Attachment attach(const AttachRequest& request);
  // Plugs a running container in to one more network, or out of one: interfaces, addresses, default routes and
  // published ports (`ports`, as at its start) follow. `network_namespace` is the container's. Gives all its endpoints
  // as they are then. kForbidden when it is attached there already, kInternal when it is not.
  Endpoints connect(const std::string& container_id, const EndpointRequest& request,
                    const std::vector<PortBinding>& ports, int network_namespace);
  Endpoints disconnect(const std::string& container_id, const std::string& network,
                       const std::vector<PortBinding>& ports, int network_namespace);
  // What has to be relayed for these endpoints to be reached at all of their ports.
  std::vector<PortRelay> relays(const Endpoints& endpoints) const;
  // Answers the questions of a container that has been running since before this engine. Those that attach() starts are
  // served from there on.
  void serve_names(const std::string& container_id, const std::vector<std::string>& name_servers,
                   int network_namespace);
  // Lets a container connect to these ports ("80/tcp") of others, by container, where the default bridge keeps its
  // containers apart; instead of those that it could before. They end with detach() of either. IPv4 only.
  void open_links(const std::string& container_id, const std::map<std::string, std::vector<std::string>>& ports);
  // The container is called otherwise from now on, in every network.
  void rename(const std::string& container_id, const std::string& old_name, const std::string& new_name);
  // Refuses what can never be attached so, all in one message: Error{kInvalidArgument}.
  void check_endpoint(const Network& network, const EndpointRequest& request) const;
  // A namespace with nothing but lo (up). `network_namespace` as in AttachRequest.
  UniqueFd isolated_namespace(int network_namespace = -1);
  // Takes everything of that container back: published ports now, interface and address in the background
  // (the namespace takes its end of the veth along when its last process is gone). Idempotent.
  void detach(const std::string& container_id);

  // After a start of the engine: keeps the endpoints of `live` containers (and returns them), removes all others,
  // puts back bridge, table and map elements where something is missing. What connect() or disconnect() was in the
  // middle of is taken back: whoever knows what was wanted asks for it again, after settle().
  std::map<std::string, Endpoints> recover(const std::vector<std::string>& live);
  // The part of that which is in a container's namespace. Nothing when there is none.
  void settle(const std::string& container_id, int network_namespace);

  // The text of a container's files. On networks of the user: the engine's own name server; for bridge: the host's
  // name servers without loopback ones; for host: the host's own.
  std::string resolv_conf(const std::string& network_mode, const std::vector<std::string>& servers,
                          const std::vector<std::string>& search, const std::vector<std::string>& options) const;
  // `ipv6`: whether the container has ::1.
  std::string hosts_file(const std::string& hostname, const std::string& domain, const Endpoints& endpoints,
                         const std::vector<std::string>& extra_hosts, bool ipv6 = true) const;

  // Makes or repairs the bridge and the firewall table now, so that the first container does not pay for it.
  void prepare();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hull::network
