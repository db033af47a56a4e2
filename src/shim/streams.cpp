// SPDX-License-Identifier: Apache-2.0
#include "shim/streams.h"

#include <algorithm>

#include "linux/stream_io.h"
#include "linux/window_size.h"

namespace hull::shim {

namespace {

constexpr std::size_t kReadSize = 64 << 10;  // what a pipe holds
constexpr std::int64_t kStallLimit = 10'000;
constexpr std::int64_t kStallCheck = 1'000;

UniqueFd input_end(ProcessEnds& ends) {
  if (ends.terminal) return ends.terminal.duplicate();
  if (ends.in) linux::set_nonblocking(ends.in.get());
  return std::move(ends.in);
}

}  // namespace

std::span<char> ReadBuffer::get() {
  if (!memory_) memory_ = std::make_unique_for_overwrite<char[]>(kReadSize);
  return {memory_.get(), kReadSize};
}

Streams::Streams(EventLoop& loop, ReadBuffer& buffer, ProcessEnds ends, ContainerLog* log, bool end_input_with_client,
                 Listener listener)
    : loop_(loop),
      buffer_(buffer),
      log_(log),
      end_input_with_client_(end_input_with_client),
      listener_(std::move(listener)),
      input_(loop, input_end(ends), [this] { settle(); }) {
  if (ends.terminal) {
    terminal_ = ends.terminal.duplicate();
    add_source(Channel::kOut, std::move(ends.terminal));
  }
  if (ends.out) add_source(Channel::kOut, std::move(ends.out));
  if (ends.err) add_source(Channel::kErr, std::move(ends.err));
}

Streams::~Streams() {
  loop_.cancel(stall_timer_);
  for (auto& source : sources_) loop_.cancel(source->watch);
  settling_ = true;  // clients that are dropped now have nobody to tell
}

void Streams::add_source(Channel channel, UniqueFd fd) {
  linux::set_nonblocking(fd.get());
  auto source = std::make_unique<Source>(Source{channel, std::move(fd)});
  source->watch = loop_.watch(source->fd.get(), EPOLLIN, [this, it = source.get()](std::uint32_t) {
    read_once(*it);
    settle();
  });
  sources_.push_back(std::move(source));
}

bool Streams::read_once(Source& source) {
  if (!source.fd) return false;
  auto buffer = buffer_.get();
  auto result = linux::try_read(source.fd.get(), buffer);
  if (result.status == linux::IoStatus::kWouldBlock) return false;
  if (result.status != linux::IoStatus::kDone) {
    end_source(source);
    return false;
  }
  deliver(source.channel, {buffer.data(), result.bytes});
  return true;
}

void Streams::end_source(Source& source) {
  if (!source.fd) return;
  loop_.cancel(std::exchange(source.watch, 0));
  source.fd.reset();
  if (log_) log_->finish(source.channel);
}

void Streams::deliver(Channel channel, std::string_view output) {
  if (log_) log_->append(channel, output);
  for (auto& client : clients_)
    if (client->wants(channel)) client->send(channel, output);
}

void Streams::attach(Stream stream) {
  std::string early = std::exchange(stream.early_input, {});
  auto client = std::make_unique<StreamClient>(
      loop_, std::move(stream),
      StreamClient::Listener{[this](StreamClient& from, std::string_view input) { client_input(from, input); },
                             [this] { settle(); }});
  StreamClient& added = *clients_.emplace_back(std::move(client));
  if (closing_) added.begin_closing();
  if (!early.empty() && added.has_input()) client_input(added, early);
  settle();
}

void Streams::client_input(StreamClient& client, std::string_view input) {
  if (input.empty()) {
    if (end_input_with_client_) input_.end();
    return;
  }
  if (!client.detach_keys().enabled()) return input_.write(input);
  input_.write(client.detach_keys().pass(input));
  if (!client.detach_keys().detached()) return;
  client.begin_closing();
  listener_.detached();
}

void Streams::resize(std::uint16_t rows, std::uint16_t columns) {
  if (!terminal_) return;  // clients ask for it whatever the process has
  linux::set_window_size(terminal_.get(), rows, columns);
}

void Streams::tell(std::string_view text) {
  for (auto& client : clients_) client->send(Channel::kOut, text);
}

void Streams::drain() {
  for (auto& source : sources_) {
    if (!source->fd) continue;
    // What the process wrote is in the pipe already. The bound is for others that go on writing into it.
    std::size_t bound = linux::pipe_capacity(source->fd.get()) / kReadSize + 16;
    for (std::size_t round = 0; round < bound && read_once(*source); ++round) continue;
    end_source(*source);
  }
  settle();
}

void Streams::close() {
  closing_ = true;
  for (auto& client : clients_) client->begin_closing();
  settle();
}

// After anything that may have closed a client or filled a buffer. Clients are destroyed here and nowhere else, after
// the callbacks of this round, because one of them may be the caller.
void Streams::settle() {
  if (settling_) return;
  regulate();
  bool gone = std::ranges::any_of(clients_, [](const auto& client) { return client->closed(); });
  if (!gone && !idle()) return;
  settling_ = true;
  loop_.defer([this] {
    settling_ = false;
    std::erase_if(clients_, [](const auto& client) { return client->closed(); });
    regulate();
    if (idle()) listener_.idle();
  });
}

bool Streams::anyone_full(Channel channel) const {
  return std::ranges::any_of(clients_, [&](const auto& client) { return client->wants(channel) && client->full(); });
}

// Back-pressure in both directions.
void Streams::regulate() {
  bool stalled = false;
  for (auto& source : sources_) {
    if (!source->fd) continue;
    bool slow_client = anyone_full(source->channel);
    if (slow_client || (log_ && log_->full())) {
      loop_.pause(source->watch);
      stalled |= slow_client;
    } else {
      loop_.change(source->watch, EPOLLIN);
    }
  }
  for (auto& client : clients_)
    if (client->open()) client->take_input(!input_.full());
  if (stalled && !stall_timer_) stall_timer_ = loop_.after(kStallCheck, [this] { check_stalled(); });
}

void Streams::check_stalled() {
  stall_timer_ = 0;
  for (auto& client : clients_) {
    auto others = std::ranges::count_if(clients_, [](const auto& other) { return other->open(); }) - 1;
    if (client->full() && client->stalled_for() >= kStallLimit && others > 0) client->drop();
  }
  settle();
}

}  // namespace hull::shim
