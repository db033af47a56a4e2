// SPDX-License-Identifier: Apache-2.0
#include "cli/deliver.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "base/text.h"
#include "cli/listing.h"
#include "cli/progress_lines.h"

namespace hull::cli {
namespace {

// Layers on their way. Each has a connection of its own: while one is made, or the last of a layer is unpacked, the
// others use the line.
constexpr std::size_t kAtOnce = 3;
constexpr int kMostFailures = 5;  // in a row, without any byte between them
constexpr std::size_t kPiece = 256 << 10;
constexpr std::int64_t kShownStep = 1 << 20;

class Delivery {
 public:
  Delivery(Client& from, Client& to, std::string_view verb, int out, bool quiet)
      : from_(from), to_(to), verb_(verb), lines_(out), quiet_(quiet) {}

  void run(const std::string& image) {
    Value offer = from_.get(cat("/hull/images/", percent_encoded(image), "/offer"));
    Value answer = to_.post("/hull/images", offer).value();
    say_what_is_there(offer, answer);
    int failures = 0;
    while (!answer["Missing"].list().empty()) {
      std::int64_t before = sent_;
      try {
        bring_all(answer["Missing"].list());
        answer = to_.post("/hull/images", offer).value();
      } catch (const Error& e) {
        if (!may_go_on(e)) throw;
        failures = sent_ > before ? 1 : failures + 1;
        if (failures == kMostFailures) throw;
        std::this_thread::sleep_for(std::chrono::milliseconds(500) * (1 << failures));
        answer = ask_again(offer, failures);
      }
    }
  }

 private:
  // A connection that broke, and a layer that somebody else brings or has brought further.
  static bool may_go_on(const Error& error) {
    const auto* refused = dynamic_cast<const Refused*>(&error);
    return refused ? refused->status() == 409 : error.kind() == Kind::kUnavailable;
  }

  Value ask_again(const Value& offer, int& failures) {
    for (;; ++failures) {
      try {
        return to_.post("/hull/images", offer).value();
      } catch (const Error& e) {
        if (!may_go_on(e) || failures >= kMostFailures) throw;
        std::this_thread::sleep_for(std::chrono::milliseconds(500) * (1 << failures));
      }
    }
  }

  void say(std::string_view id, const std::string& status, std::int64_t current = 0) {
    if (quiet_) return;
    std::scoped_lock lock(mutex_);
    Value message = Value::Map{{"id", short_form(id)}, {"status", status}};
    if (current > 0) message.set("progressDetail", Value::Map{{"current", current}});
    lines_.show(message);
  }

  void say_what_is_there(const Value& offer, const Value& answer) {
    for (const Value& chain : offer["Chain"].list()) {
      bool missing = false;
      for (const Value& layer : answer["Missing"].list()) missing = missing || layer["Chain"].text() == chain.text();
      if (!missing) say(chain.text(), "Layer already exists");
    }
  }

  // After the first failure no further layer is begun; those on their way get there, unless there is no going on.
  void bring_all(const Value::List& layers) {
    std::atomic<std::size_t> next = 0;
    std::exception_ptr failure;
    auto fail_with = [&](bool final) {
      std::scoped_lock lock(mutex_);
      if (!failure || (final && !given_up_)) failure = std::current_exception();
      if (final) given_up_ = true;
      next = layers.size();
    };
    auto work = [&] {
      for (std::size_t i = next++; i < layers.size(); i = next++) {
        try {
          bring(layers[i]);
        } catch (const Error& e) {
          fail_with(!may_go_on(e));
        } catch (...) {
          fail_with(true);
        }
      }
    };
    {
      std::vector<std::jthread> others;
      for (std::size_t i = 1; i < std::min(kAtOnce, layers.size()); ++i) others.emplace_back(work);
      work();
    }
    if (failure) std::rethrow_exception(failure);
  }

  void bring(const Value& layer) {
    const std::string& chain = layer["Chain"].text();
    std::int64_t offset = layer["Offset"].integer();
    say(chain, offset > 0 ? cat(verb_, "ing goes on") : cat(verb_, "ing"));
    std::unique_lock connecting(mutex_);  // a Client is for one thread
    auto source = from_.send("GET", cat("/hull/layers/", chain, "?offset=", offset));
    UniqueFd socket = to_.connect();
    connecting.unlock();
    std::string type(from_.finish_head(*source).header("content-type"));
    Query query;
    query.add("parent", layer["Parent"].text()).add("diff", layer["Diff"].text()).add("offset", cat(offset));
    query.add("type", type);
    // Its own request: Client::upload() would send on to an engine that has hung up.
    Connection target(std::move(socket));
    target.send(cat("POST /hull/layers/", chain, query.text(), " HTTP/1.1\r\nHost: hull\r\nUser-Agent: hull\r\n",
                    "Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n"));
    std::string buffer(kPiece, '\0');
    std::int64_t total = offset, shown = offset;
    while (std::size_t got = source->read_some(buffer.data(), buffer.size())) {
      if (given_up_) return;
      if (!target.alive()) break;  // it has answered already, or gone
      target.send_chunk({buffer.data(), got});
      total += static_cast<std::int64_t>(got);
      sent_ += static_cast<std::int64_t>(got);
      if (total - shown < kShownStep) continue;
      shown = total;
      say(chain, cat(verb_, "ing"), total);
    }
    if (target.alive()) target.send_chunk({});
    to_.finish_head(target);
    say(chain, cat(verb_, verb_ == "Push" ? "ed" : " complete"));
  }

  Client& from_;
  Client& to_;
  std::string_view verb_;
  ProgressLines lines_;
  bool quiet_;
  std::atomic<std::int64_t> sent_ = 0;
  std::atomic<bool> given_up_ = false;
  std::mutex mutex_;  // of the output, and of what the threads share beside it
};

}  // namespace

std::pair<std::string, std::string> split_ssh_image(const std::string& text) {
  auto slash = text.find('/', kSshScheme.size());
  if (slash == std::string::npos || slash == kSshScheme.size() || slash + 1 == text.size())
    fail_invalid("invalid image ", quoted(text), ": it has to be ssh://[user@]host[:port]/image");
  return {text.substr(0, slash), text.substr(slash + 1)};
}

void deliver(Client& from, Client& to, const std::string& image, std::string_view verb, int out, bool quiet) {
  try {
    Delivery(from, to, verb, out, quiet).run(image);
  } catch (const Refused& refused) {
    // What an engine says that has no such page.
    if (refused.status() == 404 && refused.reason().find("page not found") != std::string::npos)
      fail(Kind::kNotImplemented, "the engine at ", (from.host().starts_with(kSshScheme) ? from : to).host(),
           " is no hull, or an older one: it does not know how to exchange images without a registry");
    throw;
  }
}

}  // namespace hull::cli
