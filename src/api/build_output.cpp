// SPDX-License-Identifier: Apache-2.0
#include "api/build_output.h"

#include <map>

#include "api/json_reply.h"
#include "base/base64.h"
#include "base/id.h"
#include "build/builder.h"
#include "dockerfile/source.h"
#include "oci/json.h"

namespace hull::api {

namespace {

// Twelve hex digits, as people see ids.
std::string shown_id(const std::string& digest) {
  auto colon = digest.find(':');
  return digest.substr(colon == digest.npos ? 0 : colon + 1, 12);
}

class Lines {
 public:
  explicit Lines(Call& call) : call_(call) {}
  void write(const Json& line) {
    if (!call_.response.started()) call_.response.begin(200, kJson);
    call_.response.write(dump_json(line) + "\r\n");
  }
  bool started() const { return call_.response.started(); }

 private:
  Call& call_;
};

// The command line of the classic builder ends with this code.
Json error_line(const Error& error) {
  const auto* run = dynamic_cast<const build::RunFailed*>(&error);
  return {{"errorDetail", {{"code", run ? run->exit_code() : 1}, {"message", error.message()}}},
          {"error", error.message()}};
}

class ClassicOutput final : public BuildOutput {
 public:
  ClassicOutput(Call& call, bool quiet) : lines_(call), quiet_(quiet) {}

  void planned(const std::vector<build::StepFacts>& steps) override {
    for (const auto& step : steps) steps_.emplace_back().instruction = step.instruction;
  }
  void started(std::size_t index) override {
    Step& step = steps_[index];
    say(index, cat("Step ", index + 1, "/", steps_.size(), " : ", step.instruction), "\n");
  }
  void running(std::size_t index, const std::string& container) override {
    steps_[index].container = shown_id(container);
    say(index, cat(" ---> Running in ", steps_[index].container, "\n"));
  }
  // In red what goes to the standard error, as clients of the classic builder know it.
  void output(std::size_t index, std::string_view data, bool is_stderr) override {
    say(index, is_stderr ? cat("\x1b[91m", data, "\x1b[0m") : std::string(data));
  }
  void done(std::size_t index, bool cached, const std::string& image) override {
    Step& step = steps_[index];
    if (cached) say(index, " ---> Using cache\n");
    if (!step.container.empty()) say(index, cat(" ---> Removed intermediate container ", step.container, "\n"));
    step.image = shown_id(image);
    // What the last one is called is known when the image has its configuration.
    if (index + 1 < steps_.size()) say(index, cat(" ---> ", step.image, "\n"));
    finish(index);
  }
  void failed(std::size_t index, const std::string&) override {
    if (!steps_[index].container.empty())
      say(index, cat(" ---> Removed intermediate container ", steps_[index].container, "\n"));
    failed_ = index;
    finish(index);
  }
  void because(std::size_t index, const std::string& reason) override {
    say(index, cat(" ---> Not cached: ", reason, "\n"));
  }
  void warning(const std::string& text, const dockerfile::Lines&) override { stream(cat("[Warning] ", text, "\n")); }
  void message(const std::string& text) override { stream(text + "\n"); }

  void built(const build::Result& result) override {
    if (quiet_) return lines_.write({{"stream", result.image_id + "\n"}});
    if (result.image_id.empty()) return;
    stream(cat(" ---> ", shown_id(result.image_id), "\n"));
    lines_.write({{"aux", {{"ID", result.image_id}}}});
    stream(cat("Successfully built ", shown_id(result.image_id), "\n"));
    for (const std::string& tag : result.tags) stream(cat("Successfully tagged ", tag, "\n"));
  }
  bool refused(const Error& error) override {
    // What the failing step said comes out, whatever steps before it still wait for their turn.
    if (failed_) {
      for (const std::string& piece : steps_[*failed_].waiting) stream(piece);
      steps_[*failed_].waiting.clear();
    }
    if (!lines_.started()) return false;
    lines_.write(error_line(error));
    return true;
  }

 private:
  struct Step {
    std::string instruction, container, image;
    bool is_done = false;
    std::vector<std::string> waiting;
  };

  void stream(const std::string& text) {
    if (!quiet_) lines_.write({{"stream", text}});
  }
  void say(std::size_t index, std::string text, std::string second = {}) {
    if (index != current_) {
      steps_[index].waiting.push_back(std::move(text));
      if (!second.empty()) steps_[index].waiting.push_back(std::move(second));
      return;
    }
    stream(text);
    if (!second.empty()) stream(second);
  }
  void finish(std::size_t index) {
    steps_[index].is_done = true;
    while (current_ < steps_.size() && steps_[current_].is_done) {
      ++current_;
      if (current_ == steps_.size()) return;
      for (const std::string& piece : steps_[current_].waiting) stream(piece);
      steps_[current_].waiting.clear();
    }
  }

  Lines lines_;
  bool quiet_;
  std::vector<Step> steps_;
  std::size_t current_ = 0;
  std::optional<std::size_t> failed_;
};

class StatusOutput final : public BuildOutput {
 public:
  explicit StatusOutput(Call& call) : lines_(call) {}

  void source(const std::string& file, const std::string& text) override {
    file_ = file;
    text_ = text;
  }
  void planned(const std::vector<build::StepFacts>& steps) override {
    steps_ = steps;
    started_.resize(steps.size());
    Json list = Json::array();
    for (const auto& step : steps)
      if (step.visible) list.push_back(vertex(step.number));
    lines_.write({{"vertexes", list}});
  }
  void started(std::size_t index) override {
    started_[index] = now();
    if (steps_[index].visible) lines_.write({{"vertexes", Json::array({vertex(index)})}});
  }
  void output(std::size_t index, std::string_view data, bool is_stderr) override {
    lines_.write({{"logs", Json::array({Json{{"vertex", steps_[index].digest},
                                             {"stream", is_stderr ? 2 : 1},
                                             {"data", base64(data)},
                                             {"timestamp", format_rfc3339(now())}}})}});
  }
  void done(std::size_t index, bool cached, const std::string&) override {
    if (!steps_[index].visible) return;
    Json one = vertex(index);
    one["completed"] = format_rfc3339(now());
    if (cached) one["cached"] = true;
    lines_.write({{"vertexes", Json::array({one})}});
  }
  void failed(std::size_t index, const std::string& message) override {
    Json one = vertex(index);
    one["completed"] = format_rfc3339(now());
    one["error"] = message;
    lines_.write({{"vertexes", Json::array({one})}});
  }
  void because(std::size_t index, const std::string& reason) override {
    lines_.write({{"why", {{"vertex", steps_[index].digest}, {"reason", reason}}}});
  }
  void warning(const std::string& text, const dockerfile::Lines& at) override {
    lines_.write({{"warnings", Json::array({Json{{"short", base64(text)}, {"line", at.first}}})}});
  }
  void message(const std::string& text) override { lines_.write({{"message", text}}); }

  void built(const build::Result& result) override {
    Json aux{{"ID", result.image_id}};
    if (!result.tags.empty()) aux["Tags"] = result.tags;
    if (!result.manifest_digest.empty())
      aux["Manifest"] = {
          {"mediaType", result.manifest_type}, {"digest", result.manifest_digest}, {"size", result.manifest_size}};
    lines_.write({{"aux", aux}});
  }
  bool refused(const Error& error) override {
    Json line = error_line(error);
    if (const auto* at = dynamic_cast<const dockerfile::SourceError*>(&error))
      line["excerpt"] = dockerfile::excerpt(text_, file_, at->lines(), at->position());
    if (!lines_.started() && !line.contains("excerpt")) return false;
    lines_.write(line);
    return true;
  }

 private:
  Json vertex(std::size_t index) const {
    const auto& step = steps_[index];
    Json one{{"digest", step.digest}, {"name", step.name}};
    Json inputs = Json::array();
    for (std::size_t input : step.inputs) inputs.push_back(steps_[input].digest);
    if (!inputs.empty()) one["inputs"] = inputs;
    if (!started_[index].never()) one["started"] = format_rfc3339(started_[index]);
    return one;
  }

  Lines lines_;
  std::string file_, text_;
  std::vector<build::StepFacts> steps_;
  std::vector<Timestamp> started_;
};

}  // namespace

std::unique_ptr<BuildOutput> classic_build_output(Call& call, bool quiet) {
  return std::make_unique<ClassicOutput>(call, quiet);
}
std::unique_ptr<BuildOutput> status_build_output(Call& call) { return std::make_unique<StatusOutput>(call); }

}  // namespace hull::api
