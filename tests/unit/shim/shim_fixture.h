// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/id.h"
#include "linux/cgroup.h"
#include "linux/pidfd.h"
#include "linux/unix_socket.h"
#include "shim/client.h"

namespace hull::shim {

// What a shim has told, for a test to wait for.
class Recorder {
 public:
  Events events() {
    return {[this](const ExitRecord& record) { note([&] { exit = record; }); },
            [this](const std::string& id, const ExecExit& end) {
              note([&] {
                exec_exits.emplace_back(id, end.code);
                if (end.timed_out) timed_out.push_back(id);
              });
            },
            [this] { note([&] { ++out_of_memory; }); },
            [this](const std::string& id) { note([&] { detached.push_back(id); }); },
            [this] { note([&] { lost = true; }); }};
  }
  template <class Condition>
  bool wait(Condition condition, int seconds = 20) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(seconds), condition);
  }
  int wait_exit() {
    return wait([this] { return exit.has_value(); }) ? exit->code : -1;
  }
  int wait_exec_exit(const std::string& id) {
    int code = -1;
    wait([&] {
      for (auto& [name, value] : exec_exits)
        if (name == id) code = value;
      return code >= 0;
    });
    return code;
  }

  std::optional<ExitRecord> exit;
  std::vector<std::pair<std::string, int>> exec_exits;
  int out_of_memory = 0;
  std::vector<std::string> detached;
  std::vector<std::string> timed_out;
  bool lost = false;

 private:
  template <class Change>
  void note(Change change) {
    std::lock_guard lock(mutex_);
    change();
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
};

inline bool wait_until(const std::function<bool()>& condition, int milliseconds = 10'000) {
  for (int waited = 0; waited < milliseconds; waited += 10) {
    if (condition()) return true;
    ::poll(nullptr, 0, 10);
  }
  return condition();
}

// Reads until `enough` is in what was read, or the end of the stream.
inline std::string read_until(int socket, std::string_view enough, int seconds = 20) {
  std::string data;
  char piece[65536];
  pollfd entry{.fd = socket, .events = POLLIN, .revents = 0};
  while ((enough.empty() || data.find(enough) == data.npos) && ::poll(&entry, 1, seconds * 1000) > 0) {
    ssize_t got = ::read(socket, piece, sizeof piece);
    if (got <= 0) break;
    data.append(piece, static_cast<std::size_t>(got));
  }
  return data;
}
inline std::string read_to_end(int socket) { return read_until(socket, {}); }

// A frame of a multiplexed stream.
inline std::string framed(char channel, std::string_view text) {
  std::string header{channel, 0, 0, 0, 0, 0, 0, 0};
  header[6] = static_cast<char>(text.size() >> 8);
  header[7] = static_cast<char>(text.size() & 0xff);
  return header + std::string(text);
}

// A real shim, a real container of busybox. Leaves nothing behind.
class ShimTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    if (!exists("/bin/busybox")) GTEST_SKIP() << "needs busybox-static";
    ::chmod(base_.path().c_str(), 0755);
    for (const char* name : {"/bin", "/proc", "/sys", "/dev", "/tmp"}) make_directories(rootfs() + name);
    write_all(open_file(rootfs() + "/bin/busybox", O_WRONLY | O_CREAT, 0755).get(), read_file("/bin/busybox"));
    for (const char* name :
         {"sh", "cat", "true", "sleep", "stty", "seq", "yes", "head", "dd", "kill", "echo", "printf"})
      ASSERT_EQ(::symlink("busybox", cat(rootfs(), "/bin/", name).c_str()), 0);
    id_ = "hull-test-" + random_hex(6);
    make_directories(directory());
    launcher_ = make_launcher(reactor_, program());
  }

  void TearDown() override {
    if (id_.empty()) return;
    if (started_.pidfd && !linux::pidfd_ended(started_.pidfd.get())) linux::signal_pidfd(started_.pidfd.get(), SIGKILL);
    auto group = linux::make_cgroup(linux::CgroupDriver::kCgroupfs, "/" + id_);
    // An engine that is there takes the group away itself; nobody may be left in it.
    EXPECT_TRUE(wait_until([&] { return !group->exists() || group->processes().empty(); }))
        << "processes are left behind";
    if (group->exists()) group->remove();
    EXPECT_TRUE(wait_until([&] { return !exists(directory() + "/shim.sock"); })) << "the socket is left behind";
  }

  static std::string program() {
    char self[4096] = {};
    if (::readlink("/proc/self/exe", self, sizeof self - 1) < 0) return {};
    std::string path(self);
    return path.substr(0, path.rfind("/tests/")) + "/bin/hull-shim";
  }

  oci::Process process(std::vector<std::string> arguments) const {
    oci::Process result;
    result.args = std::move(arguments);
    result.env = {"PATH=/bin", "TERM=xterm"};
    result.cwd = "/";
    return result;
  }

  StartRequest request(std::vector<std::string> arguments) const {
    StartRequest result;
    result.id = id_;
    result.config.process = process(std::move(arguments));
    result.config.root = oci::Root{rootfs(), false};
    result.config.mounts = {
        {"/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}, {}, {}},
        {"/dev", "tmpfs", "tmpfs", {"nosuid", "mode=755"}, {}, {}},
        {"/dev/pts", "devpts", "devpts", {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"}, {}, {}},
    };
    for (const char* type : {"mount", "pid", "ipc", "uts"}) result.config.linux.namespaces.push_back({type, {}});
    result.config.linux.cgroups_path = "/" + id_;
    result.log.file.emplace().path = log_path();
    return result;
  }
  StartRequest shell(const std::string& script) const { return request({"sh", "-c", script}); }

  // Adds a stream to `streams`; gives the client's end.
  static UniqueFd add_stream(std::vector<Stream>& streams, bool in, bool multiplexed = true, std::string keys = {}) {
    auto [ours, theirs] = linux::make_socket_pair();
    streams.push_back({std::move(theirs), in, true, true, multiplexed, std::move(keys), {}});
    return std::move(ours);
  }
  UniqueFd attach(bool in, bool multiplexed = true, std::string keys = {}) {
    std::vector<Stream> one;
    UniqueFd ours = add_stream(one, in, multiplexed, std::move(keys));
    client_->attach(std::move(one[0]));
    return ours;
  }

  void start(StartRequest what) {
    client_ = launcher_->launch(directory(), recorder_.events());
    started_ = client_->start(std::move(what));
  }

  pid_t shim_pid() const {
    auto socket = linux::connect_unix(directory(), "shim.sock");
    return socket ? linux::peer_of(socket->get()).pid : -1;
  }

  std::string rootfs() const { return base_.path() + "/rootfs"; }
  std::string directory() const { return base_.path() + "/run"; }
  std::string log_path() const { return base_.path() + "/json.log"; }
  std::string log_text() const { return read_file(log_path()); }

  TempDir base_{"/tmp", "hull-test-"};
  std::string id_;
  Recorder recorder_;
  linux::Reactor reactor_;
  std::unique_ptr<Launcher> launcher_;
  std::unique_ptr<Client> client_;
  Started started_;
};

}  // namespace hull::shim
