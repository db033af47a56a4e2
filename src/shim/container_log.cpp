// SPDX-License-Identifier: Apache-2.0
#include "shim/container_log.h"

#include <algorithm>

#include "shim/file_log.h"
#include "shim/remote_log.h"

namespace hull::shim {

ContainerLog::ContainerLog(EventLoop& loop, const LogOptions& options, Listener listener) : splitter_(sinks_) {
  if (options.remote)
    sinks_.list.push_back(std::make_unique<RemoteLog>(loop, *options.remote, listener.note, listener.changed));
  if (options.file) sinks_.list.push_back(std::make_unique<FileLog>(*options.file, listener.note));
}

void ContainerLog::trim() {
  splitter_.trim();
  sinks_.trim();
}

void ContainerLog::Sinks::write(const LogPiece& piece) {
  for (auto& sink : list) sink->write(piece);
}

void ContainerLog::Sinks::flush() {
  for (auto& sink : list) sink->flush();
}

bool ContainerLog::Sinks::full() const {
  return std::ranges::any_of(list, [](const auto& sink) { return sink->full(); });
}

bool ContainerLog::Sinks::busy() const {
  return std::ranges::any_of(list, [](const auto& sink) { return sink->busy(); });
}

bool ContainerLog::Sinks::child_ended(pid_t pid, int wait_status) {
  return std::ranges::any_of(list, [&](const auto& sink) { return sink->child_ended(pid, wait_status); });
}

void ContainerLog::Sinks::end() {
  for (auto& sink : list) sink->end();
}

void ContainerLog::Sinks::trim() {
  for (auto& sink : list) sink->trim();
}

}  // namespace hull::shim
