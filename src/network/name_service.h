// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "linux/background.h"
#include "linux/reactor.h"
#include "network/name_table.h"

namespace hull::network {

// The name server at 127.0.0.11 in the network namespace of each container on a network of the user. It answers for
// names of containers, and passes other questions on as they are. Its sockets are opened inside the namespace, but read
// here, on the reactor's thread.
//
// They have ports of the kernel's choice: a container that is a name server itself binds 0.0.0.0:53, which the kernel
// refuses while anybody has 127.0.0.11:53. A small nftables table in the namespace writes the port numbers of the
// packets, without tracking connections.
//
// Thread-safe.
class NameService {
 public:
  NameService(linux::Reactor& reactor, NameTable& names);
  ~NameService();

  struct Client {
    std::string container_id;
    std::vector<std::string> servers;  // asked from within the namespace; none: the host's, from the host
    bool internal = false;             // has no way out: names that nobody here has are not asked for outside
  };
  // Begins, or goes on with these settings. Throws errno.
  void serve(Client client, int network_namespace);
  void stop(const std::string& container_id);  // idempotent
  bool serves(const std::string& container_id) const;

  struct State;  // for its source file only

 private:
  std::shared_ptr<State> state_;
  linux::Background background_;
};

}  // namespace hull::network
