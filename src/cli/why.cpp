// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/container_path.h"
#include "cli/listing.h"
#include "cli/pull.h"
#include "cli/session.h"
#include "cli/signal_names.h"
#include "cli/units.h"
#include "cli/verbs.h"

// `hull why`: what has happened to a container, in the order in which it did, and what can be done about it.
namespace hull::cli::container {
namespace {

constexpr int kLogLines = 10;

struct Happened {
  std::int64_t at = 0;  // nanoseconds
  std::string action;
  Value attributes;
};

std::int64_t nanoseconds_of(const Value& time) {
  auto parsed = parse_rfc3339(time.text());
  return parsed && parsed->nanoseconds > 0 ? parsed->nanoseconds : 0;
}

std::string lasted(std::int64_t nanoseconds) {
  double seconds = static_cast<double>(nanoseconds) / 1e9;
  return seconds < 60 ? cat(fixed(seconds, 1), " seconds") : lower(human_duration(nanoseconds / 1'000'000'000));
}

std::vector<Happened> events_of(Client& client, const std::string& id) {
  Query query;
  query.add("since", "0").add("until", cat(now().nanoseconds / 1'000'000'000 + 1)).add_filters({"container=" + id});
  auto stream = client.stream("GET", cat("/events", query.text()));
  std::vector<Happened> events;
  JsonObjects objects;
  char piece[16 * 1024];
  while (std::size_t got = stream->read_some(piece, sizeof piece))
    objects.feed({piece, got}, [&](std::string_view text) {
      Value event = parse_value(text);
      events.push_back({event["timeNano"].integer(), event["Action"].text(), event["Actor"]["Attributes"]});
    });
  return events;
}

// What the log ends with, as text.
std::string log_end(Client& client, const Value& container) {
  Query query;
  query.add("stdout", "1").add("stderr", "1").add("tail", cat(kLogLines));
  std::string bytes, text;
  try {
    bytes = client.stream("GET", container_path(container["Id"].text(), "/logs", query.text()))->read_body();
  } catch (const Refused& refused) {
    return cat("(", refused.reason(), ")\n");
  }
  if (container["Config"]["Tty"].boolean()) return bytes;
  Demultiplexer().feed(bytes, [&](int, std::string_view part) { text += part; });
  return text;
}

class Story {
 public:
  Story(Client& client, const Value& container)
      : client_(client),
        container_(container),
        state_(container["State"]),
        name_(container["Name"].text().substr(1)),
        events_(events_of(client, container["Id"].text())) {}

  std::string text() {
    headline();
    tell_life();
    tell_reason();
    tell_health();
    tell_restarts();
    std::string log = log_end(client_, container_);
    std::string out = cat(headline_, "\n");
    if (!life_.empty()) out += cat("\nWhat happened:\n", life_);
    if (!reasons_.empty()) out += "\nWhy:\n" + bullets(reasons_);
    if (!log.empty()) {
      out += "\nThe last lines of its log:\n";
      for (std::string_view line : split(trim(log), '\n')) out += cat("  ", trim(line), "\n");
    }
    if (!advice_.empty()) out += "\nWhat to do:\n" + bullets(advice_);
    return out;
  }

 private:
  static std::string bullets(const std::vector<std::string>& lines) {
    std::string out;
    for (const std::string& line : lines) out += cat("  - ", line, "\n");
    return out;
  }

  std::int64_t exit_code() const { return state_["ExitCode"].integer(); }
  bool is(std::string_view status) const { return state_["Status"].text() == status; }

  void headline() {
    std::int64_t started = nanoseconds_of(state_["StartedAt"]), finished = nanoseconds_of(state_["FinishedAt"]);
    std::int64_t seconds_now = now().nanoseconds;
    const std::string& health = state_["Health"]["Status"].text();
    if (is("running"))
      headline_ = cat(name_, " runs, for ", lasted(seconds_now - started),
                      health.empty() || health == "none" ? std::string() : cat(", and is ", health), ".");
    else if (is("paused"))
      headline_ = cat(name_, " is paused: its processes are frozen.");
    else if (is("restarting"))
      headline_ = cat(name_, " ended with code ", exit_code(), " and waits to be started again.");
    else if (is("created"))
      headline_ = cat(name_, started ? " does not run." : " was created, and never started.");
    else
      headline_ = cat(name_, " ended with code ", exit_code(), finished ? ", " + ago(finished / 1'000'000'000) : "",
                      started && finished > started ? cat(", after ", lasted(finished - started)) : std::string(), ".");
    if (is("paused")) advice_.push_back(cat("hull unpause ", name_));
  }

  // The last life of the container, from its last start on.
  void tell_life() {
    std::size_t from = 0;
    for (std::size_t i = 0; i < events_.size(); ++i)
      if (events_[i].action == "start") from = i;
    if (is("created") && nanoseconds_of(state_["StartedAt"]) == 0) from = 0;
    for (std::size_t i = from; i < events_.size(); ++i) tell(events_[i]);
  }

  void tell(const Happened& event) {
    std::string what;
    if (event.action == "create") what = cat("created from the image ", event.attributes["image"].text());
    if (event.action == "start") what = "started";
    if (event.action == "kill") what = cat("was sent ", signal_name(event.attributes["signal"].text()));
    if (event.action == "oom") what = "ran out of memory, and the kernel killed a process of it";
    if (event.action == "die") what = cat("ended with code ", event.attributes["exitCode"].text());
    if (event.action == "stop") what = "was stopped, as somebody had asked for";
    if (event.action == "pause") what = "was paused";
    if (event.action == "unpause") what = "went on";
    if (event.action == "restart") what = "was restarted";
    if (event.action.starts_with("health_status: ")) what = cat("became ", event.action.substr(15));
    if (event.action == "kill") remember_signal(event);
    if (event.action == "oom") out_of_memory_ = true;
    if (event.action == "die") died_ = event.at;
    if (what.empty()) return;
    std::string gap = event.at - last_ < 50'000'000 ? std::string()
                      : last_                       ? cat("  (", lasted(event.at - last_), " later)")
                                                    : std::string();
    life_ += cat("  ", created_at(event.at / 1'000'000'000).substr(11, 8), "  ", what, gap, "\n");
    last_ = event.at;
  }

  void remember_signal(const Happened& event) {
    std::string signal = signal_name(event.attributes["signal"].text());
    if (signal == "SIGKILL")
      killed_ = event.at;
    else if (!asked_)
      asked_ = event.at, asked_with_ = signal;
  }

  void tell_reason() {
    const std::string& error = state_["Error"].text();
    if (!error.empty()) reasons_.push_back(cat("it could not be started: ", error));
    if (is("running") || is("paused")) return;
    if (is("created") && error.empty()) {
      advice_.push_back(cat("hull start ", name_));
      return;
    }
    if (state_["OOMKilled"].boolean() || out_of_memory_) return tell_memory();
    if (asked_ && killed_ > asked_) return tell_slow_stop();
    tell_code();
  }

  void tell_memory() {
    std::int64_t limit = container_["HostConfig"]["Memory"].integer();
    if (limit > 0) {
      reasons_.push_back(cat("its processes needed more than the ", binary_size(static_cast<double>(limit)),
                             " of memory that it may have (--memory), so the kernel killed one"));
      advice_.push_back(
          cat("hull update --memory ", 2 * limit >> 20, "m --memory-swap -1 ", name_, "   gives it twice as much"));
    } else {
      reasons_.push_back("the machine itself ran out of memory: the container has no limit of its own");
      advice_.push_back("'hull stats' shows who uses the memory; limits (--memory) keep one from taking it all");
    }
  }

  void tell_slow_stop() {
    reasons_.push_back(cat("it was asked to stop with ", asked_with_, " and did not end within ",
                           lasted(killed_ - asked_), ", so it was killed"));
    const auto& path = container_["Path"].text();
    bool shell = path.ends_with("sh") || path.ends_with("bash");
    if (shell)
      reasons_.push_back(
          cat("its first process is the shell ", path, ", which passes no signal on to the program that it runs"));
    else
      reasons_.push_back(cat("process 1 of a container gets ", asked_with_, " only when it has a handler for it"));
    advice_.push_back(
        shell ? "start the program without a shell around it (CMD [\"program\"], or 'exec program' in the script)"
              : "run it with --init, or let the program handle the signal");
    advice_.push_back("--stop-signal names another signal, --stop-timeout the seconds that it gets");
  }

  void tell_code() {
    std::int64_t code = exit_code();
    std::string command = container_["Path"].text();
    for (const Value& word : container_["Args"].list()) command += " " + word.text();
    if (code == 0) {
      reasons_.push_back(cat("its command came to its end by itself: ", command));
      if (container_["Config"]["Tty"].boolean() == false && container_["Args"].list().empty() &&
          (command.ends_with("sh") || command.ends_with("bash")))
        advice_.push_back("a shell without a terminal ends at once: hull run -it …");
    } else if (code == 126) {
      reasons_.push_back(cat("its command cannot be executed: ", command));
      advice_.push_back("the file must be executable (chmod +x), and for this machine's kind of processor");
    } else if (code == 127) {
      reasons_.push_back(cat("its command was not found: ", command));
      advice_.push_back("look at the image's PATH and files: hull run --rm -it --entrypoint sh IMAGE");
    } else if (code > 128 && code < 128 + 65) {
      std::string signal = signal_name(cat(code - 128));
      reasons_.push_back(
          cat("its first process was ended by ", signal, asked_ || killed_ ? ", which it was sent" : ""));
      if (code == 139)
        advice_.push_back("SIGSEGV is a fault of the program itself: it touched memory that is not its own");
      if (code == 137 && !killed_)
        advice_.push_back(
            "nobody asked the engine for it: it came from outside (the kernel's log, 'dmesg', may know more)");
    } else {
      reasons_.push_back(cat("its command ended with code ", code, ", which the program itself chose: ", command));
    }
  }

  void tell_health() {
    const Value& health = state_["Health"];
    if (health["Status"].text() != "unhealthy") return;
    std::string test;
    for (const Value& word : container_["Config"]["Healthcheck"]["Test"].list())
      test += (test.empty() ? "" : " ") + word.text();
    reasons_.push_back(cat("its health check failed ", health["FailingStreak"].integer(), " times in a row: ", test));
    if (const auto& log = health["Log"].list(); !log.empty()) {
      const Value& last = log.back();
      std::string said(trim(last["Output"].text()));
      reasons_.push_back(cat("the last time it ended with code ", last["ExitCode"].integer(),
                             said.empty() ? std::string(", and said nothing") : cat(", and said: ", said)));
    }
    advice_.push_back(cat("try the check by hand: hull exec ", name_, " ",
                          test.starts_with("CMD-SHELL ") ? cat("sh -c '", test.substr(10), "'")
                          : test.starts_with("CMD ")     ? test.substr(4)
                                                         : test));
  }

  void tell_restarts() {
    const Value& policy = container_["HostConfig"]["RestartPolicy"];
    std::int64_t count = container_["RestartCount"].integer();
    const std::string& name = policy["Name"].text();
    if (count == 0 || name.empty() || name == "no") return;
    reasons_.push_back(cat("its restart policy (", name, ") has started it again ", count,
                           count == 1 ? " time" : " times", is("restarting") ? ", waiting longer each time" : ""));
    if (is("restarting")) advice_.push_back(cat("hull update --restart no ", name_, "   keeps it from starting again"));
    if (name == "on-failure" && policy["MaximumRetryCount"].integer() == count && is("exited"))
      reasons_.push_back("those are all the times that the policy allows");
  }

  Client& client_;
  const Value& container_;
  const Value& state_;
  std::string name_, headline_, life_, asked_with_;
  std::vector<Happened> events_;
  std::vector<std::string> reasons_, advice_;
  std::int64_t last_ = 0, asked_ = 0, killed_ = 0, died_ = 0;
  bool out_of_memory_ = false;
};

}  // namespace

int why(Invocation& call) {
  const Value container = call.client().get(container_path(call.argument(0), "/json"));
  print(Story(call.client(), container).text());
  return 0;
}

}  // namespace hull::cli::container
