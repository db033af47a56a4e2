// SPDX-License-Identifier: Apache-2.0
#include "tls/tunnel.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "linux/ip_address.h"
#include "linux/poll_set.h"
#include "linux/stream_io.h"
#include "tls/reason.h"

namespace hull::tls {

namespace {

using linux::IoStatus;

constexpr std::int64_t kFarewell = 2'000'000'000;  // nanoseconds for the other side to take note of our end

// Bytes on their way in one direction.
struct Lane {
  std::array<char, 16 << 10> buffer;
  std::size_t begin = 0, end = 0;
  bool source_ended = false, end_passed_on = false;

  bool empty() const { return begin == end; }
  std::string_view pending() const { return {buffer.data() + begin, end - begin}; }
  void took(std::size_t bytes) {
    begin += bytes;
    if (begin == end) begin = end = 0;
  }
  bool ended() const { return source_ended && empty(); }
};

class Pump {
 public:
  Pump(SSL* session, int remote, int local, int interrupt)
      : session_(session), remote_(remote), local_(local), interrupt_(interrupt) {}

  void run() {
    while (!over()) {
      wants_read_ = wants_write_ = progress_ = false;
      receive_remote();
      send_local();
      receive_local();
      send_remote();
      if (!progress_ && !over()) wait();
    }
  }

 private:
  bool over() const {
    return gone_ || (outward_.ended() && outward_.end_passed_on && (inward_.ended() || local_gone_));
  }

  void receive_remote() {
    if (!inward_.empty() || inward_.source_ended) return;
    std::size_t size = 0;
    ERR_clear_error();
    int result = SSL_read_ex(session_, inward_.buffer.data(), inward_.buffer.size(), &size);
    if (result == 1) {
      inward_.end = size;
      progress_ = true;
    } else if (verdict(result)) {
      inward_.source_ended = progress_ = true;
    }
  }

  void send_local() {
    if (!inward_.empty()) {
      auto sent = linux::try_send(local_, inward_.pending());
      if (sent.status == IoStatus::kDone) move_on(inward_, sent.bytes);
      if (sent.status == IoStatus::kEnd || sent.status == IoStatus::kFailed) move_on(inward_, inward_.pending().size());
    }
    if (inward_.ended() && !inward_.end_passed_on) {
      linux::shut_down_writing(local_);
      inward_.end_passed_on = progress_ = true;
    }
  }

  void receive_local() {
    if (!outward_.empty() || outward_.source_ended) return;
    auto got = linux::try_receive(local_, outward_.buffer);
    if (got.status == IoStatus::kWouldBlock) return;
    progress_ = true;
    if (got.status == IoStatus::kDone)
      outward_.end = got.bytes;
    else
      outward_.source_ended = true;
  }

  void send_remote() {
    if (!outward_.empty()) {
      std::size_t size = 0;
      ERR_clear_error();
      int result = SSL_write_ex(session_, outward_.pending().data(), outward_.pending().size(), &size);
      if (result == 1)
        move_on(outward_, size);
      else if (verdict(result))
        gone_ = true;
    }
    if (outward_.ended() && !outward_.end_passed_on) {
      SSL_shutdown(session_);  // the alert only: the other direction stays open
      outward_.end_passed_on = progress_ = true;
    }
  }

  // What a call that did nothing means. True: the other side has ended its direction in order.
  bool verdict(int result) {
    switch (SSL_get_error(session_, result)) {
      case SSL_ERROR_ZERO_RETURN: return true;
      case SSL_ERROR_WANT_READ: wants_read_ = true; return false;
      case SSL_ERROR_WANT_WRITE: wants_write_ = true; return false;
      default: gone_ = true; return false;
    }
  }

  void move_on(Lane& lane, std::size_t bytes) {
    lane.took(bytes);
    progress_ = true;
  }

  void wait() {
    bool listens = wants_read_ || inward_.source_ended;
    linux::PollSet set;
    auto remote = set.add(listens || wants_write_ ? remote_ : -1, {.read = listens, .write = wants_write_});
    auto local = set.add(local_gone_ ? -1 : local_,
                         {.read = outward_.empty() && !outward_.source_ended, .write = !inward_.empty()});
    auto stop = set.add(interrupt_, {.read = true});
    set.wait(std::chrono::milliseconds(-1));
    // The alert was the end of a direction; the end of the connection itself means that nobody is there any more.
    bool deserted = inward_.source_ended && set.ready(remote);
    if (deserted || set.ready(stop)) gone_ = true;
    if (set.hung_up(local)) local_gone_ = true;
  }

  SSL* session_;
  int remote_, local_, interrupt_;
  Lane inward_, outward_;
  bool wants_read_ = false, wants_write_ = false, progress_ = false, local_gone_ = false, gone_ = false;
};

}  // namespace

Tunnel::Tunnel(const Context& context, UniqueFd remote)
    : remote_(std::move(remote)), verifies_(context.verifies()), session_(SSL_new(context.native()), SSL_free) {
  if (!session_) fail(Kind::kInternal, "TLS cannot be set up: ", last_reason());
  linux::set_nonblocking(remote_.get());
  SSL_set_fd(session_.get(), remote_.get());
}

Tunnel::~Tunnel() = default;

void Tunnel::accept(std::chrono::milliseconds patience, int interrupt) { handshake(SSL_accept, patience, interrupt); }

void Tunnel::connect(const std::string& host, std::chrono::milliseconds patience) {
  bool is_address = linux::is_ip_address(host);
  if (!is_address) SSL_set_tlsext_host_name(session_.get(), host.c_str());
  if (verifies_) {
    X509_VERIFY_PARAM* wanted = SSL_get0_param(session_.get());
    if (is_address)
      X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str());
    else
      X509_VERIFY_PARAM_set1_host(wanted, host.c_str(), 0);
  }
  handshake(SSL_connect, patience, -1);
}

void Tunnel::handshake(int (*step)(SSL*), std::chrono::milliseconds patience, int interrupt) {
  const std::int64_t deadline = monotonic_nanoseconds() + patience.count() * 1'000'000;
  for (;;) {
    ERR_clear_error();
    int result = step(session_.get());
    if (result == 1) return;
    int code = SSL_get_error(session_.get(), result);
    if (code != SSL_ERROR_WANT_READ && code != SSL_ERROR_WANT_WRITE) {
      long verdict = SSL_get_verify_result(session_.get());
      if (verdict != X509_V_OK)
        fail(Kind::kUnauthorized, "the certificate of the other side is refused: ",
             std::string_view(X509_verify_cert_error_string(verdict)));
      fail(Kind::kUnavailable, "TLS handshake failed: ", last_reason());
    }
    std::chrono::milliseconds left((deadline - monotonic_nanoseconds()) / 1'000'000);
    linux::PollSet set;
    set.add(remote_.get(), {.read = code == SSL_ERROR_WANT_READ, .write = code == SSL_ERROR_WANT_WRITE});
    auto stop = set.add(interrupt, {.read = true});
    if (left.count() <= 0 || !set.wait(left)) fail(Kind::kUnavailable, "TLS handshake failed: no answer in time");
    if (set.ready(stop)) fail(Kind::kUnavailable, "TLS handshake failed: the program ends");
  }
}

void Tunnel::run(UniqueFd local, int interrupt) {
  Pump(session_.get(), remote_.get(), local.get(), interrupt).run();
  local.reset();
  // A close with unread input would take away what the other side has not read yet.
  linux::shut_down_writing(remote_.get());
  std::array<char, 4096> waste;
  for (const std::int64_t deadline = monotonic_nanoseconds() + kFarewell; monotonic_nanoseconds() < deadline;) {
    auto got = linux::try_receive(remote_.get(), waste);
    if (got.status == IoStatus::kEnd || got.status == IoStatus::kFailed) break;
    linux::PollSet set;
    set.add(remote_.get(), {.read = true});
    auto stop = set.add(interrupt, {.read = true});
    if (got.status == IoStatus::kWouldBlock && (!set.wait(std::chrono::milliseconds(200)) || set.ready(stop))) break;
  }
}

}  // namespace hull::tls
