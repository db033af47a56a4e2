// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "shim/client.h"
#include "shim/shim_link.h"

namespace hull::shim {

class ShimClient : public Client {
 public:
  // `start_ended` is called when start() is over, either way.
  ShimClient(std::string directory, std::shared_ptr<ShimLink> link, std::function<void()> start_ended);
  ~ShimClient() override;

  Started start(StartRequest request) override;
  void attach(Stream stream) override;
  pid_t exec(ExecRequest request) override;
  void resize(std::uint16_t rows, std::uint16_t columns) override;
  void resize_exec(const std::string& exec_id, std::uint16_t rows, std::uint16_t columns) override;
  void signal_exec(const std::string& exec_id, int signal) override;
  void relay(std::vector<Relay> relays) override;

 private:
  Message request(MessageKind kind, std::string_view body, std::span<const int> descriptors = {});

  const std::string directory_;
  const std::shared_ptr<ShimLink> link_;
  std::function<void()> start_ended_;
};

// From a kStarted or kSubscribed answer.
Started to_started(Message answer);

}  // namespace hull::shim
