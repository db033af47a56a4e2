// SPDX-License-Identifier: Apache-2.0
#include "network/name_service.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <random>

#include "base/file.h"
#include "base/log.h"
#include "linux/ip_socket.h"
#include "linux/network_namespace.h"
#include "linux/nftables.h"
#include "network/dns_message.h"
#include "network/host_resolver.h"

namespace hull::network {

namespace {

constexpr std::uint16_t kPort = 53;
constexpr std::size_t kLargest = 65535;
constexpr int kAtOnce = 64;              // datagrams of one container before others get their turn
constexpr std::size_t kForwards = 1024;  // questions under way at other servers, of all containers
constexpr int kConnections = 32;         // TCP connections at once
constexpr std::size_t kServers = 3;
constexpr std::chrono::milliseconds kPatience{4000};

IpAddress own_address() { return *IpAddress::parse("127.0.0.11"); }

// The calling thread is in the namespace.
void translate_ports(std::uint16_t udp, std::uint16_t tcp) {
  using linux::NftRule;
  constexpr std::string_view kChain = "output";
  linux::NftTransaction change("hull-names");
  change.add_table();
  change.delete_table();
  change.add_table();
  change.add_base_chain(kChain, "filter", linux::NftTransaction::Hook::kOutput, -300);
  for (auto [protocol, port] : {std::pair(std::uint8_t{IPPROTO_UDP}, udp), std::pair(std::uint8_t{IPPROTO_TCP}, tcp)}) {
    change.add_rule(kChain, [&](NftRule rule) {
      rule.protocol_is(protocol).destination_in(own_address(), 32).destination_port_is(kPort).do_not_track();
      rule.set_destination_port(protocol, port).verdict(linux::Verdict::kAccept);
    });
    change.add_rule(kChain, [&](NftRule rule) {
      rule.protocol_is(protocol).source_in(own_address(), 32).source_port_is(port).do_not_track();
      rule.set_source_port(protocol, kPort).verdict(linux::Verdict::kAccept);
    });
  }
  linux::NetlinkSocket socket(NETLINK_NETFILTER);
  change.commit(socket);
}

void shuffle(std::vector<IpAddress>& addresses) {
  thread_local std::minstd_rand random{std::random_device{}()};
  std::ranges::shuffle(addresses, random);
}

}  // namespace

// The sockets of one container. What uses them keeps it alive.
struct Listener {
  NameService::Client client;
  UniqueFd network_namespace, udp, tcp;
  linux::Reactor::Id udp_watch = 0, tcp_watch = 0;
};
using ListenerPtr = std::shared_ptr<Listener>;

// A question that another server has been asked.
struct Forward {
  ListenerPtr listener;
  linux::SocketAddress from;
  DnsQuery query;
  std::string packet;
  std::vector<std::string> servers;
  std::size_t server = 0;
  std::string best;  // an answer that is no success, for when nobody has a better one
  UniqueFd socket;
  linux::Reactor::Id watch = 0, timer = 0;
};
using ForwardPtr = std::shared_ptr<Forward>;

struct NameService::State {
  State(linux::Reactor& r, NameTable& n) : reactor(r), names(n) {}

  linux::Reactor& reactor;
  NameTable& names;
  mutable std::mutex mutex;
  std::map<std::string, ListenerPtr> listeners;  // by container
  std::atomic<std::size_t> forwards = 0;
  std::atomic<int> connections = 0;

  // What can be said here; empty: somebody else has to be asked.
  std::string own_answer(const DnsQuery& query, const Client& client, std::size_t room) const {
    if (query.kind != 1) return {};
    switch (query.type) {
      case DnsType::kA:
      case DnsType::kAaaa: {
        auto found = names.find(client.container_id, query.name, query.type == DnsType::kAaaa);
        if (!found.known) return {};
        shuffle(found.addresses);
        return address_answer(query, found.addresses, room);
      }
      case DnsType::kMailExchange:
        // The name exists: mail goes to its address.
        return names.find(client.container_id, query.name, false).known ? empty_answer(query, DnsCode::kNoError) : "";
      case DnsType::kPointer: {
        auto address = address_of_pointer(query.name);
        std::string name = address ? names.name_of(client.container_id, *address) : "";
        return name.empty() ? "" : pointer_answer(query, name);
      }
      default: return {};
    }
  }

  std::vector<std::string> servers_of(const Client& client) const {
    std::vector<std::string> servers = client.servers;
    if (servers.empty() && !client.internal) servers = host_name_servers();
    if (servers.size() > kServers) servers.resize(kServers);
    return servers;
  }

  // Runs `open` where the servers of this client are asked from.
  template <class Open>
  static UniqueFd in_place(const Listener& listener, Open open) {
    if (listener.client.servers.empty()) return open();
    linux::ScopedNetworkNamespace there(listener.network_namespace.get());
    return open();
  }
};

namespace {

using ServiceState = NameService::State;

void ask_next(const std::shared_ptr<ServiceState>& state, const ForwardPtr& forward);

void let_go(ServiceState& state, Forward& forward) {
  state.reactor.cancel(std::exchange(forward.watch, 0));
  state.reactor.cancel(std::exchange(forward.timer, 0));
  forward.socket.reset();
}

void finish(ServiceState& state, const ForwardPtr& forward, std::string_view answer) {
  let_go(state, *forward);
  linux::send_datagram_to(forward->listener->udp.get(), answer, &forward->from);
  --state.forwards;
}

void read_answer(const std::shared_ptr<ServiceState>& state, const ForwardPtr& forward) {
  std::string buffer(kLargest, '\0');
  int code = 0;
  auto packet = linux::receive_datagram(forward->socket.get(), buffer, nullptr, &code);
  if (!packet) {
    if (code != EAGAIN) ask_next(state, forward);
    return;
  }
  auto said = answer_code(*packet, forward->query);
  if (!said) return;  // not the answer to this
  if (*said == DnsCode::kNoError) return finish(*state, forward, *packet);
  // No name there may still be one at the next server; what failed was not said.
  if (forward->best.empty() || *said == DnsCode::kNoName) forward->best = *packet;
  ask_next(state, forward);
}

// On the reactor's thread.
void ask_next(const std::shared_ptr<ServiceState>& state, const ForwardPtr& forward) {
  let_go(*state, *forward);
  while (forward->server < forward->servers.size()) {
    auto address = IpAddress::parse(forward->servers[forward->server++]);
    if (!address) continue;
    try {
      forward->socket = ServiceState::in_place(*forward->listener, [&] { return linux::connect_udp(*address, kPort); });
    } catch (const Error&) {
      continue;
    }
    if (!linux::send_datagram_to(forward->socket.get(), forward->packet)) continue;
    forward->watch = state->reactor.watch(forward->socket.get(), EPOLLIN,
                                          [state, forward](std::uint32_t) { read_answer(state, forward); });
    forward->timer = state->reactor.after(kPatience, [state, forward] { ask_next(state, forward); });
    return;
  }
  finish(*state, forward,
         forward->best.empty() ? empty_answer(forward->query, DnsCode::kServerFailure) : forward->best);
}

void answer_datagram(const std::shared_ptr<ServiceState>& state, const ListenerPtr& listener, std::string_view packet,
                     const linux::SocketAddress& from) {
  auto reply = [&](std::string_view text) { linux::send_datagram_to(listener->udp.get(), text, &from); };
  auto query = parse_query(packet);
  if (!query) {
    if (auto text = complaint(packet); !text.empty()) reply(text);
    return;
  }
  if (auto own = state->own_answer(*query, listener->client, query->room); !own.empty()) return reply(own);
  auto servers = state->servers_of(listener->client);
  if (servers.empty() || state->forwards >= kForwards) return reply(empty_answer(*query, DnsCode::kServerFailure));
  auto forward = std::make_shared<Forward>();
  forward->listener = listener;
  forward->from = from;
  forward->query = std::move(*query);
  forward->packet = packet;
  forward->servers = std::move(servers);
  ++state->forwards;
  ask_next(state, forward);
}

void read_datagrams(const std::shared_ptr<ServiceState>& state, const ListenerPtr& listener) {
  std::string buffer(kLargest, '\0');
  for (int i = 0; i < kAtOnce; ++i) {
    linux::SocketAddress from;
    auto packet = linux::receive_datagram(listener->udp.get(), buffer, &from);
    if (!packet) return;
    answer_datagram(state, listener, *packet, from);
  }
}

// The answer of another server over TCP; empty when none has one. Blocks.
std::string ask_over_tcp(const Listener& listener, const std::vector<std::string>& servers, const DnsQuery& query,
                         const std::string& framed) {
  for (const auto& server : servers) {
    auto address = IpAddress::parse(server);
    if (!address) continue;
    try {
      UniqueFd socket =
          ServiceState::in_place(listener, [&] { return linux::connect_tcp(*address, kPort, kPatience); });
      if (!linux::send_all(socket.get(), framed)) continue;
      auto size = linux::receive_exactly(socket.get(), 2);
      if (!size) continue;
      std::size_t length = static_cast<unsigned char>((*size)[0]) << 8 | static_cast<unsigned char>((*size)[1]);
      auto packet = linux::receive_exactly(socket.get(), length);
      if (packet && answer_code(*packet, query)) return *packet;
    } catch (const Error&) {
      continue;
    }
  }
  return {};
}

std::string with_size(std::string_view packet) {
  return cat(static_cast<char>(packet.size() >> 8), static_cast<char>(packet.size() & 255), packet);
}

// One connection, question by question. On a background thread.
void serve_connection(const ServiceState& state, const ListenerPtr& listener, int client) {
  while (auto size = linux::receive_exactly(client, 2)) {
    std::size_t length = static_cast<unsigned char>((*size)[0]) << 8 | static_cast<unsigned char>((*size)[1]);
    auto packet = linux::receive_exactly(client, length);
    if (!packet) return;
    auto query = parse_query(*packet);
    if (!query) return;
    std::string answer = state.own_answer(*query, listener->client, kLargest);
    if (answer.empty())
      answer = ask_over_tcp(*listener, state.servers_of(listener->client), *query, with_size(*packet));
    if (answer.empty()) answer = empty_answer(*query, DnsCode::kServerFailure);
    if (!linux::send_all(client, with_size(answer))) return;
  }
}

}  // namespace

NameService::NameService(linux::Reactor& reactor, NameTable& names)
    : state_(std::make_shared<State>(reactor, names)), background_(reactor) {}

NameService::~NameService() {
  std::vector<std::string> ids;
  {
    std::lock_guard lock(state_->mutex);
    for (const auto& [id, listener] : state_->listeners) ids.push_back(id);
  }
  for (const auto& id : ids) stop(id);
}

bool NameService::serves(const std::string& container_id) const {
  std::lock_guard lock(state_->mutex);
  return state_->listeners.contains(container_id);
}

void NameService::serve(Client client, int network_namespace) {
  stop(client.container_id);
  auto listener = std::make_shared<Listener>();
  listener->client = std::move(client);
  listener->network_namespace = UniqueFd(check(::fcntl(network_namespace, F_DUPFD_CLOEXEC, 0), "dup"));
  {
    linux::ScopedNetworkNamespace there(network_namespace);
    listener->udp = linux::open_udp(own_address(), 0);
    listener->tcp = linux::listen_tcp(own_address(), 0);
    translate_ports(linux::local_port(listener->udp.get()), linux::local_port(listener->tcp.get()));
  }
  auto state = state_;
  // The watches must not keep alive what they belong to.
  std::weak_ptr<Listener> weak = listener;
  listener->udp_watch = state->reactor.watch(listener->udp.get(), EPOLLIN, [state, weak](std::uint32_t) {
    if (auto present = weak.lock()) read_datagrams(state, present);
  });
  listener->tcp_watch = state->reactor.watch(listener->tcp.get(), EPOLLIN, [this, state, weak](std::uint32_t) {
    auto present = weak.lock();
    auto accepted = present ? linux::accept_tcp(present->tcp.get(), kPatience) : std::nullopt;
    if (!accepted || state->connections >= kConnections) return;
    ++state->connections;
    auto shared = std::make_shared<UniqueFd>(std::move(*accepted));
    background_.run([state, present, shared] {
      serve_connection(*state, present, shared->get());
      --state->connections;
    });
  });
  std::lock_guard lock(state->mutex);
  state->listeners[listener->client.container_id] = listener;
}

void NameService::stop(const std::string& container_id) {
  ListenerPtr listener;
  {
    std::lock_guard lock(state_->mutex);
    if (auto node = state_->listeners.extract(container_id)) listener = std::move(node.mapped());
  }
  if (!listener) return;
  // Not with the mutex: a callback that runs is waited for.
  state_->reactor.cancel(listener->udp_watch);
  state_->reactor.cancel(listener->tcp_watch);
}

}  // namespace hull::network
