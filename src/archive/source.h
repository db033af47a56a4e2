// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

namespace hull::archive {

// Reads the next bytes of a stream into the buffer; 0 at its end. Throws when the stream breaks.
using Source = std::function<std::size_t(char* buffer, std::size_t size)>;
// Takes the next bytes of a stream. Throws when it cannot.
using Sink = std::function<void(std::string_view data)>;

// The bytes of an open file from its current position on. Borrows the descriptor.
Source file_source(int fd);

// Reads `source` ahead on a thread of its own, so that it (network, decompression, hashing) overlaps with
// whoever consumes it. The thread ends with the last copy of the result (which waits for a call
// of `source` that is under way); an exception of `source` is thrown to the consumer in its place in the stream.
Source read_ahead(Source source);

// The other way round: what `produce` writes to its sink, on a thread of its own, which never gets far ahead. When
// nobody reads any more, the sink throws Error{kCancelled}; what `produce` throws is thrown to the reader.
Source produced_by(std::function<void(const Sink& sink)> produce);

// What `produce` writes to its sink goes to `consume`: on another thread, when there is much of it, and at the end,
// when there is so little that a thread would cost more. Returns when both are done. An exception of `consume` is
// thrown; the sink throws Error{kCancelled} meanwhile.
void pass_on(const std::function<void(const Sink& sink)>& produce, const Sink& consume);

// Reads what is left of a stream and drops it.
void drain(const Source& source);

}  // namespace hull::archive
