// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "api/handlers.h"
#include "api/websocket.h"
#include "base/error.h"
#include "linux/poll_set.h"
#include "linux/stream_io.h"
#include "linux/unix_socket.h"

// GET /containers/{id}/attach/ws: the streams of a container as binary messages, in browsers. The shim gets one end
// of a pair of sockets; this request's thread stands between the other end and the client.
namespace hull::api {

namespace {

using linux::IoStatus;
using websocket::Opcode;

constexpr std::size_t kBacklog = 1 << 20;  // bytes for one side, beyond which the other is not read

class Bridge {
 public:
  Bridge(UniqueFd client, UniqueFd container, int interrupt, std::string_view early)
      : client_(std::move(client)), container_(std::move(container)), interrupt_(interrupt) {
    decoder_.add(early);
  }

  void run() {
    try {
      take_frames();
      while (!over_) step();
    } catch (const Error& e) {
      if (e.kind() != Kind::kInvalidArgument) throw;
      to_client_ += websocket::close_frame(1002);  // protocol error
      send(client_.get(), to_client_);
    }
  }

 private:
  void step() {
    linux::PollSet set;
    auto client = set.add(client_.get(), {.read = to_container_.size() < kBacklog, .write = !to_client_.empty()});
    auto container = set.add(container_gone_ ? -1 : container_.get(),
                             {.read = to_client_.size() < kBacklog, .write = !to_container_.empty()});
    auto stop = set.add(interrupt_, {.read = true});
    set.wait(std::chrono::milliseconds(-1));
    if (set.ready(stop)) to_client_ += websocket::close_frame(1001), over_ = true;  // going away
    if (set.ready(container)) read_container();
    if (set.ready(client)) read_client();
    send(container_.get(), to_container_);
    if (!send(client_.get(), to_client_)) over_ = true;
    if (container_gone_ && to_client_.empty()) over_ = true;
  }

  void read_container() {
    std::array<char, 32 << 10> buffer;
    auto got = linux::try_receive(container_.get(), buffer);
    if (got.status == IoStatus::kDone) to_client_ += websocket::frame(Opcode::kBinary, {buffer.data(), got.bytes});
    if (got.status != IoStatus::kEnd && got.status != IoStatus::kFailed) return;
    to_client_ += websocket::close_frame(1000);
    container_gone_ = true;
  }

  void read_client() {
    std::array<char, 32 << 10> buffer;
    auto got = linux::try_receive(client_.get(), buffer);
    if (got.status == IoStatus::kDone) {
      decoder_.add({buffer.data(), got.bytes});
      take_frames();
    } else if (got.status != IoStatus::kWouldBlock) {
      over_ = true;
    }
  }

  void take_frames() {
    while (auto frame = decoder_.next()) {
      if (frame->opcode == Opcode::kPing) {
        to_client_ += websocket::frame(Opcode::kPong, frame->payload);
      } else if (frame->opcode == Opcode::kClose) {
        to_client_ += websocket::frame(Opcode::kClose, frame->payload);
        over_ = true;
      } else if (frame->opcode != Opcode::kPong) {
        to_container_ += frame->payload;
      }
    }
  }

  // False when nobody takes it any more.
  static bool send(int socket, std::string& data) {
    while (!data.empty()) {
      auto sent = linux::try_send(socket, data);
      if (sent.status == IoStatus::kWouldBlock) return true;
      if (sent.status != IoStatus::kDone) {
        data.clear();
        return false;
      }
      data.erase(0, sent.bytes);
    }
    return true;
  }

  UniqueFd client_, container_;
  int interrupt_;
  websocket::Decoder decoder_;
  std::string to_client_, to_container_;
  bool container_gone_ = false, over_ = false;
};

}  // namespace

void attach_websocket(Call& call) {
  call.engine.get(call.parameter("name"));  // refuses unknown ones before anything else
  std::string key(call.request.header("Sec-WebSocket-Key"));
  if (!equals_ignoring_case(call.request.header("Upgrade"), "websocket") || !call.request.wants_upgrade() ||
      key.empty())
    fail_invalid("this endpoint speaks WebSocket: the request has no Upgrade to it");
  if (call.request.header("Sec-WebSocket-Version") != "13") {
    call.response.headers.emplace_back("Sec-WebSocket-Version", "13");
    fail_invalid("only version 13 of WebSocket is spoken");
  }
  // Older clients cannot choose.
  bool all = !call.since(42);
  container::AttachRequest request;
  request.in = all || call.query.flag("stdin");
  request.out = all || call.query.flag("stdout");
  request.err = all || call.query.flag("stderr");
  request.logs = call.query.flag("logs");
  request.stream = call.query.flag("stream");
  if (call.query.has("detachKeys")) request.detach_keys = call.query.get("detachKeys");

  auto [near, far] = linux::make_socket_pair();
  Hijacked client;
  request.take_stream = [&](bool) {
    auto& headers = call.response.headers;
    headers.emplace_back("Sec-WebSocket-Accept", websocket::accept_key(key));
    if (auto protocol = call.request.header("Sec-WebSocket-Protocol"); !protocol.empty())
      headers.emplace_back("Sec-WebSocket-Protocol", trim(split_once(protocol, ',').first));
    client = call.response.hijack({});
    shim::Stream stream;
    stream.socket = std::move(far);
    return stream;
  };
  call.engine.attach(call.parameter("name"), std::move(request));
  Bridge(std::move(client.socket), std::move(near), client.interrupt, client.early_input).run();
}

}  // namespace hull::api
