// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "archive/source.h"

namespace hull::archive {

// Compresses what is written to it into one zstd frame.
class ZstdSink {
 public:
  explicit ZstdSink(Sink compressed);
  ~ZstdSink();
  ZstdSink(const ZstdSink&) = delete;
  ZstdSink& operator=(const ZstdSink&) = delete;

  void write(std::string_view data);
  void finish();  // the rest; without it the frame is cut off

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hull::archive
