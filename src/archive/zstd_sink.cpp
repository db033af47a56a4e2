// SPDX-License-Identifier: Apache-2.0
#include "archive/zstd_sink.h"

#include <zstd.h>

#include <string>

#include "base/error.h"

namespace hull::archive {

struct ZstdSink::State {
  struct Free {
    void operator()(ZSTD_CCtx* owned) const { ZSTD_freeCCtx(owned); }
  };
  Sink compressed;
  std::unique_ptr<ZSTD_CCtx, Free> context{ZSTD_createCCtx()};
  std::string room = std::string(ZSTD_CStreamOutSize(), '\0');

  void run(std::string_view data, ZSTD_EndDirective directive) {
    ZSTD_inBuffer in{data.data(), data.size(), 0};
    for (;;) {
      ZSTD_outBuffer out{room.data(), room.size(), 0};
      std::size_t left = ZSTD_compressStream2(context.get(), &out, &in, directive);
      if (ZSTD_isError(left)) fail(Kind::kInternal, "compress with zstd: ", ZSTD_getErrorName(left));
      if (out.pos > 0) compressed({room.data(), out.pos});
      if (directive == ZSTD_e_end ? left == 0 : in.pos == in.size) return;
    }
  }
};

ZstdSink::ZstdSink(Sink compressed) : state_(std::make_unique<State>()) {
  state_->compressed = std::move(compressed);
  if (!state_->context) fail(Kind::kUnavailable, "compress with zstd: out of memory");
}

ZstdSink::~ZstdSink() = default;

void ZstdSink::write(std::string_view data) {
  if (!data.empty()) state_->run(data, ZSTD_e_continue);
}

void ZstdSink::finish() { state_->run({}, ZSTD_e_end); }

}  // namespace hull::archive
