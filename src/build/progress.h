// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "dockerfile/source.h"

namespace hull::build {

// What clients are told about one node of the graph.
struct StepFacts {
  std::size_t number = 0;   // from 0, in the order of the Dockerfile
  std::string name;         // "[build 2/5] RUN make"
  std::string instruction;  // as written: "RUN make"
  std::string digest;       // of what it does: names it in streams of events
  std::vector<std::size_t> inputs;
  bool visible = true;  // BuildKit's clients are not shown what only changes the image's configuration
};

// Follows a build. Calls come from several threads, one at a time. None of them may throw anything but kCancelled.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void source(const std::string& /*file*/, const std::string& /*text*/) {}  // the Dockerfile
  virtual void planned(const std::vector<StepFacts>&) {}
  virtual void started(std::size_t) {}
  virtual void output(std::size_t, std::string_view, bool /*is_stderr*/) {}
  virtual void running(std::size_t, const std::string& /*container*/) {}
  // `image`: the digest that the image would have if the Dockerfile ended here.
  virtual void done(std::size_t, bool /*cached*/, const std::string& /*image*/) {}
  virtual void failed(std::size_t, const std::string& /*message*/) {}
  virtual void because(std::size_t, const std::string& /*reason*/) {}  // why it was not cached
  virtual void warning(const std::string& /*text*/, const dockerfile::Lines&) {}
  virtual void message(const std::string& /*text*/) {}  // of no step: pulling, exporting
};

// Several threads' calls, one at a time.
class SerialObserver : public Observer {
 public:
  explicit SerialObserver(Observer& to) : to_(to) {}
  void source(const std::string& file, const std::string& text) override {
    with([&] { to_.source(file, text); });
  }
  void planned(const std::vector<StepFacts>& steps) override {
    with([&] { to_.planned(steps); });
  }
  void started(std::size_t step) override {
    with([&] { to_.started(step); });
  }
  void output(std::size_t step, std::string_view data, bool err) override {
    with([&] { to_.output(step, data, err); });
  }
  void running(std::size_t step, const std::string& id) override {
    with([&] { to_.running(step, id); });
  }
  void done(std::size_t step, bool cached, const std::string& image) override {
    with([&] { to_.done(step, cached, image); });
  }
  void failed(std::size_t step, const std::string& message) override {
    with([&] { to_.failed(step, message); });
  }
  void because(std::size_t step, const std::string& reason) override {
    with([&] { to_.because(step, reason); });
  }
  void warning(const std::string& text, const dockerfile::Lines& at) override {
    with([&] { to_.warning(text, at); });
  }
  void message(const std::string& text) override {
    with([&] { to_.message(text); });
  }

 private:
  template <class Call>
  void with(Call call) {
    std::scoped_lock lock(mutex_);
    call();
  }
  Observer& to_;
  std::mutex mutex_;
};

}  // namespace hull::build
