// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "network/endpoint.h"
#include "network/subnet.h"

namespace hull::network {

// Who is called what in which network. Thread-safe; a look-up costs the same however many containers there are.
class NameTable {
 public:
  // Replaces all that is known of a container. Only its endpoints with names count.
  void set(const std::string& container_id, const Endpoints& endpoints);
  void remove(const std::string& container_id);  // idempotent

  struct Found {
    bool known = false;  // the name is somebody's, perhaps without an address of the wanted family
    std::vector<IpAddress> addresses;
  };
  // What `name` (lower case) means to a container: a link of its own, or somebody's name in a network that it is in
  // too, or "name.network". The first network that knows it decides.
  Found find(const std::string& container_id, const std::string& name, bool is_v6) const;
  // "name.network" of who has that address in a network that the container is in too; "" : nobody.
  std::string name_of(const std::string& container_id, const IpAddress& address) const;

 private:
  struct Entry {
    std::string container_id;
    std::optional<IpAddress> address, address6;
  };
  using Names = std::unordered_map<std::string, std::vector<Entry>>;
  struct NetworkNames {
    Names by_name;
    std::map<IpAddress, std::string> by_address;  // the first of the names
  };
  void remove_locked(const std::string& container_id);
  const std::vector<Entry>* entries(const std::string& network, const std::string& name) const;

  mutable std::mutex mutex_;
  std::map<std::string, NetworkNames> networks_;  // by name
  std::unordered_map<std::string, Endpoints> containers_;
};

}  // namespace hull::network
