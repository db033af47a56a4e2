// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace hull::store {

// A few directories made ahead, each with what `make` puts into it: a rename costs a hundredth of what making a file
// costs on a disk that is busy, or that has just removed many. They wait in incoming/, which every start of the engine
// empties. Thread-safe.
class ReadyDirectories {
 public:
  // `make(path)` makes the directory `path` with its content.
  ReadyDirectories(std::string data_root, std::size_t size, std::function<void(const std::string& path)> make);

  // Makes `target` (which does not exist) from one of them, or from nothing. Throws errno.
  void take(const std::string& target);
  // Replaces what was taken. For a background thread, after the work that the user waits for. Throws errno.
  void fill();

 private:
  bool wants_more();

  const std::string data_root_;
  const std::size_t size_;
  const std::function<void(const std::string&)> make_;
  std::mutex mutex_;
  std::vector<std::string> ready_;
  std::size_t making_ = 0;
};

}  // namespace hull::store
