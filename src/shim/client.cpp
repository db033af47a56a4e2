// SPDX-License-Identifier: Apache-2.0
#include "shim/client.h"

#include "base/wire.h"
#include "linux/unix_socket.h"
#include "shim/messages.h"
#include "shim/relay_message.h"
#include "shim/shim_client.h"

namespace hull::shim {

namespace {

// What travels beside the streams' descriptions, in their order.
struct SplitStreams {
  std::vector<StreamMessage> messages;
  std::vector<int> sockets;
};

StreamMessage to_message(Stream& stream) {
  return {stream.in,
          stream.out,
          stream.err,
          stream.multiplexed,
          std::move(stream.detach_keys),
          std::move(stream.early_input)};
}

SplitStreams split_streams(std::vector<Stream>& streams) {
  SplitStreams result;
  for (Stream& stream : streams) {
    result.sockets.push_back(stream.socket.get());
    result.messages.push_back(to_message(stream));
  }
  return result;
}

}  // namespace

ShimClient::ShimClient(std::string directory, std::shared_ptr<ShimLink> link, std::function<void()> start_ended)
    : directory_(std::move(directory)), link_(std::move(link)), start_ended_(std::move(start_ended)) {}

ShimClient::~ShimClient() { link_->unwatch(); }

Started to_started(Message answer) {
  auto started = wire::decode<StartedMessage>(answer.body);
  if (answer.descriptors.size() != 1) fail(Kind::kInternal, "the shim did not send the process's descriptor");
  return {static_cast<pid_t>(started.pid), std::move(answer.descriptors[0]), Timestamp{started.at}};
}

Started ShimClient::start(StartRequest request) {
  struct Ended {
    std::function<void()>& call;
    ~Ended() {
      if (call) call();
    }
  } ended{start_ended_};
  SplitStreams streams = split_streams(request.streams);
  std::vector<int> descriptors;
  if (request.rootfs) descriptors.push_back(request.rootfs.get());
  if (request.network_namespace) descriptors.push_back(request.network_namespace.get());
  if (request.user_namespace) descriptors.push_back(request.user_namespace.get());
  for (const UniqueFd& mount : request.mounts) descriptors.push_back(mount.get());
  descriptors.insert(descriptors.end(), streams.sockets.begin(), streams.sockets.end());
  StartMessage message{.directory = directory_,
                       .id = std::move(request.id),
                       .config = std::move(request.config),
                       .runtime = std::move(request.runtime),
                       .restore = std::move(request.restore),
                       .seccomp_program = std::move(request.seccomp_program),
                       .cgroup_driver = request.cgroup_driver,
                       .log = std::move(request.log),
                       .open_stdin = request.open_stdin,
                       .stdin_once = request.stdin_once,
                       .has_rootfs = request.rootfs.valid(),
                       .has_network_namespace = request.network_namespace.valid(),
                       .has_user_namespace = request.user_namespace.valid(),
                       .mounts = request.mounts.size(),
                       .streams = std::move(streams.messages)};
  Started started = to_started(link_->ask(MessageKind::kStart, wire::encode(message), descriptors));
  link_->watch();
  return started;
}

// One connection per request: a request waits for its own answer only, and never for the reactor.
Message ShimClient::request(MessageKind kind, std::string_view body, std::span<const int> descriptors) {
  auto socket = linux::connect_unix(directory_, "shim.sock");
  if (!socket) fail(Kind::kConflict, "the container is not running");
  try {
    send_message(socket->get(), kind, body, descriptors);
  } catch (const Error&) {
    fail(Kind::kConflict, "the container is not running");  // ended between connect and send
  }
  MessageReader reader;
  return receive_answer(socket->get(), reader);
}

void ShimClient::attach(Stream stream) {
  int socket = stream.socket.get();
  request(MessageKind::kAttach, wire::encode(to_message(stream)), {&socket, 1});
}

pid_t ShimClient::exec(ExecRequest request_) {
  SplitStreams streams = split_streams(request_.streams);
  ExecMessage message{.id = std::move(request_.id),
                      .process = std::move(request_.process),
                      .process_file = std::move(request_.process_file),
                      .seccomp_program = std::move(request_.seccomp_program),
                      .open_stdin = request_.open_stdin,
                      .time_limit = request_.time_limit.count(),
                      .streams = std::move(streams.messages)};
  Message answer = request(MessageKind::kExec, wire::encode(message), streams.sockets);
  return static_cast<pid_t>(wire::decode<ExecValue>(answer.body).first);
}

void ShimClient::resize(std::uint16_t rows, std::uint16_t columns) { resize_exec({}, rows, columns); }

void ShimClient::resize_exec(const std::string& exec_id, std::uint16_t rows, std::uint16_t columns) {
  request(MessageKind::kResize, wire::encode(ExecValue{exec_id, rows, columns}));
}

void ShimClient::signal_exec(const std::string& exec_id, int signal) {
  request(MessageKind::kSignalExec, wire::encode(ExecValue{exec_id, signal}));
}

void ShimClient::relay(std::vector<Relay> relays) {
  RelayMessage message;
  std::vector<int> listeners;
  for (Relay& relay : relays) {
    if (relay.listener) listeners.push_back(relay.listener.get());
    message.relays.push_back({std::move(relay.host), std::move(relay.target), relay.listener.valid()});
  }
  request(MessageKind::kRelay, wire::encode(message), listeners);
}

}  // namespace hull::shim
