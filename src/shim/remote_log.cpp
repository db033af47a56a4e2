// SPDX-License-Identifier: Apache-2.0
#include "shim/remote_log.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "linux/client_socket.h"
#include "linux/spawn.h"
#include "linux/stream_io.h"
#include "linux/unix_socket.h"

namespace hull::shim {

namespace {

constexpr int kFirstAttempt = 5'000;  // milliseconds
constexpr std::int64_t kLongestDelay = 30'000;
constexpr std::size_t kBlockingBuffer = 64 << 10;  // what a slow remote may be behind before the container waits
constexpr std::size_t kBatch = 64 << 10;
constexpr std::size_t kAnswer = 4 << 10;

std::string_view network_name(LogTransport transport) {
  switch (transport) {
    case LogTransport::kUnix: return "unix";
    case LogTransport::kUnixDatagram:
    case LogTransport::kUnixAny: return "unixgram";
    case LogTransport::kUdp: return "udp";
    case LogTransport::kTcp: return "tcp";
    case LogTransport::kTls: return "tcp+tls";
  }
  return {};
}

}  // namespace

RemoteLog::RemoteLog(EventLoop& loop, RemoteLogOptions options, std::function<void(std::string)> note,
                     std::function<void()> changed)
    : loop_(loop),
      options_(std::move(options)),
      note_(std::move(note)),
      changed_(std::move(changed)),
      encoder_(make_log_encoder(options_)),
      delay_(options_.retry_milliseconds) {
  if (options_.must_connect)
    connect_first();
  else
    try_connect();
}

RemoteLog::~RemoteLog() {
  loop_.cancel(watch_);
  loop_.cancel(timer_);
}

bool RemoteLog::is_stream() const {
  switch (options_.transport) {
    case LogTransport::kUnix:
    case LogTransport::kTcp:
    case LogTransport::kTls: return true;
    case LogTransport::kUnixAny: return connected_stream_;
    case LogTransport::kUnixDatagram:
    case LogTransport::kUdp: return false;
  }
  return false;
}

std::string RemoteLog::describe(int code) const {
  return cat("dial ", network_name(options_.transport), " ", options_.address, ": connect: ", lower(errno_text(code)));
}

// Connects before the container exists, so that a wrong address is an error of the start, as with Docker.
void RemoteLog::connect_first() {
  constexpr std::string_view kContext = "failed to create task for container: failed to initialize logging driver: ";
  int code = 0;
  try {
    socket_ = open_socket();
    bool tls = options_.transport == LogTransport::kTls;
    bool in_time = tls ? linux::readable_within(socket_.get(), kFirstAttempt)
                       : linux::writable_within(socket_.get(), kFirstAttempt);
    if (!in_time) {
      code = ETIMEDOUT;
    } else if (tls) {
      if (auto reason = tls_refusal()) fail(Kind::kInternal, kContext, *reason);
    } else {
      code = linux::connect_result(socket_.get());
    }
  } catch (const Error& e) {
    code = e.code();
    if (code == 0) throw;
  }
  if (code != 0) {
    bool no_journal = options_.protocol == LogProtocol::kJournald;
    fail(Kind::kInternal, kContext, no_journal ? "journald is not enabled on this host" : describe(code));
  }
  state_ = State::kConnecting;
  watch_ = loop_.watch(socket_.get(), EPOLLIN, [this](std::uint32_t events) { ready(events); });
  finish_connecting();
}

UniqueFd RemoteLog::open_tls() {
  auto [ours, theirs] = linux::make_socket_pair();
  tls_process_ = linux::spawn_command(options_.tls_command, theirs.get());
  return std::move(ours);
}

// The first that hull-log-tls says: "+" when the connection stands, or why it does not.
std::optional<std::string> RemoteLog::tls_refusal() {
  std::array<char, 512> bytes;
  auto result = linux::try_receive(socket_.get(), bytes);
  if (result.status != linux::IoStatus::kDone) return "hull-log-tls has ended";
  if (bytes[0] == '+') return std::nullopt;
  return std::string(bytes.data() + 1, result.bytes - 1);
}

UniqueFd RemoteLog::open_socket() {
  switch (options_.transport) {
    case LogTransport::kTls: return open_tls();
    case LogTransport::kTcp: return linux::begin_connecting(linux::SocketKind::kTcp, options_.address);
    case LogTransport::kUdp: return linux::begin_connecting(linux::SocketKind::kUdp, options_.address);
    case LogTransport::kUnix: return linux::begin_connecting(linux::SocketKind::kUnixStream, options_.address);
    case LogTransport::kUnixDatagram:
    case LogTransport::kUnixAny: break;
  }
  try {
    connected_stream_ = false;
    return linux::begin_connecting(linux::SocketKind::kUnixDatagram, options_.address);
  } catch (const Error& e) {
    if (options_.transport != LogTransport::kUnixAny || e.code() != EPROTOTYPE) throw;
  }
  connected_stream_ = true;
  return linux::begin_connecting(linux::SocketKind::kUnixStream, options_.address);
}

void RemoteLog::try_connect() {
  timer_ = 0;
  try {
    socket_ = open_socket();
  } catch (const Error&) {
    retry_later();
    return;
  }
  state_ = State::kConnecting;
  bool by_byte = options_.transport == LogTransport::kTls;
  watch_ = loop_.watch(socket_.get(), by_byte ? EPOLLIN : EPOLLOUT, [this](std::uint32_t events) { ready(events); });
}

void RemoteLog::ready(std::uint32_t events) {
  if (state_ == State::kConnecting) {
    int code = linux::connect_result(socket_.get());
    if (options_.transport == LogTransport::kTls && tls_refusal()) code = ECONNREFUSED;
    if (code != 0) return lost(code);
    return finish_connecting();
  }
  if (events & ~static_cast<std::uint32_t>(EPOLLOUT)) receive();
  if (state_ == State::kConnected) send();
}

void RemoteLog::finish_connecting() {
  state_ = State::kConnected;
  delay_ = options_.retry_milliseconds;
  attempts_ = 0;
  sent_ = 0;
  awaiting_answer_ = false;
  answer_.clear();
  report_drops();
  send();
}

// Nobody says anything to us, except that a connection has ended, and what Fluentd has got.
void RemoteLog::receive() {
  std::array<char, 512> bytes;
  auto result = linux::try_receive(socket_.get(), bytes);
  if (result.status == linux::IoStatus::kWouldBlock) return;
  // A datagram that came to nobody is an error of the next call; over UDP that is nothing to care about.
  if (result.status == linux::IoStatus::kFailed && options_.transport == LogTransport::kUdp) return;
  if (result.status != linux::IoStatus::kDone) return is_stream() || result.code ? lost(result.code) : void();
  if (!awaiting_answer_) return;
  answer_.append(bytes.data(), result.bytes);
  std::string_view packet = queue_.first();
  if (answer_.find(packet.substr(packet.size() - kFluentdChunkId)) != answer_.npos) {
    awaiting_answer_ = false;
    answer_.clear();
    sent_ = 0;
    queue_.pop();
  } else if (answer_.size() > kAnswer) {
    lost(EPROTO);
  }
}

void RemoteLog::write(const LogPiece& piece) {
  packets_.clear();
  encoder_->encode(piece, packets_);
  std::size_t size = 0;
  for (const std::string& packet : packets_) size += packet.size();
  if (!has_room(size)) {
    ++dropped_;
    return;
  }
  for (const std::string& packet : packets_) queue_.push(packet);
  // Not only at the end of a read: that may be more lines than a buffer takes.
  if (queue_.bytes() >= kBatch) send();
}

// The container waits for a remote that is merely slow, so everything of what was read is taken.
bool RemoteLog::has_room(std::size_t more) const {
  if (queue_.empty()) return true;
  if (options_.blocking && (state_ == State::kConnected || options_.blocks_when_down)) return true;
  if (options_.buffer_messages > 0 && queue_.packets() >= static_cast<std::size_t>(options_.buffer_messages))
    return false;
  return queue_.bytes() + more <= static_cast<std::size_t>(options_.buffer_bytes);
}

bool RemoteLog::full() const {
  if (!options_.blocking) return false;
  if (state_ != State::kConnected && !options_.blocks_when_down) return false;
  return queue_.bytes() >= kBlockingBuffer;
}

void RemoteLog::flush() { send(); }

void RemoteLog::send() {
  if (state_ == State::kConnected) {
    while (!queue_.empty() && !awaiting_answer_)
      if (!(is_stream() ? send_stream() : send_datagram())) break;
    if (state_ == State::kConnected) update_events();
  }
  tell_changed();
}

bool RemoteLog::send_datagram() {
  auto result = linux::try_send(socket_.get(), queue_.first());
  if (result.status == linux::IoStatus::kWouldBlock) return false;
  if (result.status == linux::IoStatus::kDone) {
    queue_.pop();
    return true;
  }
  if (options_.transport == LogTransport::kUdp || result.code == EMSGSIZE) {
    // Refused by the machine over there (about an earlier datagram), or too long for anybody: it is gone.
    if (result.code == ENOBUFS) return false;
    if (result.code != ECONNREFUSED) {
      ++dropped_;
      queue_.pop();
    }
    return true;
  }
  lost(result.code);
  return false;
}

bool RemoteLog::send_stream() {
  std::string_view wanted = options_.request_ack ? queue_.first() : queue_.all();
  auto result = linux::try_send(socket_.get(), wanted.substr(sent_, kBatch));
  if (result.status == linux::IoStatus::kWouldBlock) return false;
  if (result.status != linux::IoStatus::kDone) {
    lost(result.code);
    return false;
  }
  sent_ += result.bytes;
  if (options_.request_ack) {
    awaiting_answer_ = sent_ == queue_.first().size();
    return true;
  }
  while (!queue_.empty() && sent_ >= queue_.first().size()) {
    sent_ -= queue_.first().size();
    queue_.pop();
  }
  return true;
}

void RemoteLog::update_events() {
  bool waiting = !queue_.empty() && !awaiting_answer_;
  loop_.change(watch_, waiting ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void RemoteLog::lost(int code) {
  if (state_ == State::kConnected)
    note_(cat("the connection of a log to ", network_name(options_.transport), " ", options_.address, " is lost",
              code ? cat(": ", errno_text(code)) : std::string(), "; it is tried again"));
  retry_later();
}

void RemoteLog::retry_later() {
  loop_.cancel(std::exchange(watch_, 0));
  socket_.reset();
  state_ = State::kWaiting;
  if (options_.max_retries >= 0 && ++attempts_ > options_.max_retries) give_up_waiting();
  timer_ = loop_.after(delay_, [this] { try_connect(); });
  delay_ = std::min(delay_ * 3 / 2, kLongestDelay);
  tell_changed();
}

void RemoteLog::give_up_waiting() {
  dropped_ += queue_.packets();
  queue_.clear();
  attempts_ = 0;
  report_drops();
}

void RemoteLog::report_drops() {
  if (dropped_ == reported_) return;
  note_(cat(dropped_ - reported_, " log messages for ", network_name(options_.transport), " ", options_.address,
            " were dropped"));
  reported_ = dropped_;
}

bool RemoteLog::child_ended(pid_t pid, int) {
  if (pid != tls_process_) return false;
  tls_process_ = -1;  // its end of the connection is closed, which is what counts
  return true;
}

// Callers may be in the middle of a read of the container's output: nothing is called from here directly.
void RemoteLog::tell_changed() {
  bool is_full = full(), is_busy = busy();
  if (is_full == was_full_ && is_busy == was_busy_) return;
  was_full_ = is_full;
  was_busy_ = is_busy;
  loop_.defer(changed_);
}

}  // namespace hull::shim
