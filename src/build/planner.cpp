// SPDX-License-Identifier: Apache-2.0
#include "build/planner.h"

#include <algorithm>

#include "archive/sha256.h"
#include "base/error.h"
#include "dockerfile/source.h"
#include "linux/root_dir.h"

namespace hull::build {

namespace {

using namespace dockerfile;

constexpr std::string_view kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr std::string_view kScratch = "scratch";

// The file system after a stage, and what its image would be.
struct StageEnd {
  std::size_t node = kNone;
  std::size_t scope = 0;
  oci::ExecutionConfig config;
  image::ImagePtr base;
};

// A heredoc and nothing else: its content is the script.
bool is_only_heredoc(const CommandLine& command) {
  if (command.heredocs.size() != 1 || command.words.size() != 1) return false;
  std::string_view text = trim(command.words.front());
  auto digits = text.find_first_not_of("0123456789");
  if (digits == text.npos) return false;
  text.remove_prefix(digits);
  return text.starts_with("<<") && text.find_first_of(" \t\n|;&()<>", 2) == text.npos;
}

class Planner {
 public:
  Planner(const Dockerfile& file, const Request& request, const PlannerServices& services, Observer& observer)
      : file_(file),
        request_(request),
        services_(services),
        observer_(observer),
        platforms_{oci::host_platform(), oci::parse_platform(request.platform)},
        global_(std::make_shared<GlobalScope>(file, request.arguments, platforms_, request.target)),
        ends_(file.stages.size()) {}

  Graph run() {
    std::size_t target = file_.target(request_.target);
    need(target);
    for (std::size_t stage = 0; stage <= target; ++stage)
      if (needed_.contains(stage)) plan_stage(stage);
    graph_.result = ends_[target]->node;
    finish_config(target);
    name_nodes();
    graph_.global = global_;
    return std::move(graph_);
  }

 private:
  // Marks a stage and those that it takes something from. Stages can only use earlier ones.
  void need(std::size_t stage) {
    if (!needed_.insert(stage).second) return;
    const Stage& at = file_.stages[stage];
    From from = global_->resolve(at);
    if (auto base = earlier_stage(from.base, stage)) need(*base);
    for (const Instruction& instruction : at.instructions) {
      if (const auto* copy = instruction.as<Copy>())
        if (auto source = source_stage(copy->from, stage)) need(*source);
      if (const auto* run = instruction.as<Run>())
        for (const RunMount& mount : run->mounts)
          if (auto source = source_stage(mount.from, stage)) need(*source);
    }
  }

  // --build-context counts more than stages and images of that name.
  bool is_named_context(const std::string& name) const {
    return !name.empty() && (services_.has_context(name) || request_.image_contexts.contains(name));
  }

  std::optional<std::size_t> earlier_stage(const std::string& name, std::size_t before) const {
    std::optional<std::size_t> found;
    if (name.empty() || is_named_context(name)) return found;
    for (std::size_t i = 0; i < before; ++i)
      if (equals_ignoring_case(file_.stages[i].from.name, name)) found = i;
    return found;
  }
  // COPY --from=0 counts too.
  std::optional<std::size_t> source_stage(const std::string& name, std::size_t before) const {
    if (auto found = earlier_stage(name, before)) return found;
    if (is_named_context(name)) return std::nullopt;
    auto number = parse_number<std::size_t>(name);
    if (number && *number < before) return number;
    return std::nullopt;
  }

  Node& add(NodeKind kind, std::size_t stage, const Instruction& instruction) {
    Node& node = graph_.nodes.emplace_back();
    node.kind = kind;
    node.stage = stage;
    node.lines = instruction.lines;
    node.facts.number = graph_.nodes.size() - 1;
    node.facts.instruction = instruction.original;
    node.never_cached =
        request_.no_cache || std::ranges::any_of(request_.no_cache_filter, [&](const std::string& name) {
          return equals_ignoring_case(name, file_.stages[stage].from.name);
        });
    return node;
  }

  void plan_stage(std::size_t index) {
    const Stage& stage = file_.stages[index];
    From from = global_->resolve(stage);
    StageEnd end;
    std::size_t scope_of_base = kNone;
    {
      Node& node = add(NodeKind::kBase, index, stage.start);
      node.in_history = false;
      node.created_by = from.base;
      if (auto base = earlier_stage(from.base, index)) {
        node.parent = ends_[*base]->node;
        end = *ends_[*base];
        scope_of_base = end.scope;
      } else {
        begin_from_image(node, from, stage, end);
      }
      end.node = node.facts.number;
    }
    std::vector<std::string> triggers = std::exchange(end.config.on_build, {});
    if (scope_of_base == kNone)
      scopes_.emplace_back(*global_, end.config.env);
    else
      scopes_.push_back(StageScope(scopes_[scope_of_base]));
    end.scope = scopes_.size() - 1;
    command_was_set_ = false;
    graph_.nodes[end.node].config = end.config;
    for (const std::string& text : triggers)
      plan_instruction(index, parse_trigger(text, global_->escape(), stage.start), end);
    for (const Instruction& instruction : stage.instructions) plan_instruction(index, instruction, end);
    ends_[index] = std::move(end);
  }

  void begin_from_image(Node& node, const From& from, const Stage& stage, StageEnd& end) {
    if (from.base != kScratch) {
      try {
        std::string name = from.base;
        if (auto named = request_.image_contexts.find(name); named != request_.image_contexts.end())
          name = named->second;
        node.base = services_.image(name, from.platform.empty() ? request_.platform : from.platform);
      } catch (const Error& e) {
        throw SourceError(e.message(), stage.start.lines, stage.start.position(from.base), false);
      }
      end.base = node.base;
      end.config = node.base->config.config;
    } else {
      end.config.working_dir = "/";
    }
    if (std::ranges::none_of(end.config.env, [](const std::string& one) { return one.starts_with("PATH="); }))
      end.config.env.insert(end.config.env.begin(), cat("PATH=", kPath));
  }

  void plan_instruction(std::size_t stage, const Instruction& written, StageEnd& end) {
    StageScope& scope = scopes_[end.scope];
    Instruction instruction = scope.resolve(written);
    NodeKind kind = instruction.as<Run>()                             ? NodeKind::kRun
                    : instruction.as<Copy>() || instruction.as<Add>() ? NodeKind::kCopy
                    : instruction.as<Workdir>()                       ? NodeKind::kFolder
                                                                      : NodeKind::kConfig;
    Node& node = add(kind, stage, written);
    node.parent = end.node;
    try {
      apply(node, instruction, scope, end, stage);
    } catch (const SourceError&) {
      throw;
    } catch (const Error& e) {
      throw SourceError(e.message(), written.lines, written.position(), false);
    }
    std::vector<KeyValue> arguments;
    if (kind == NodeKind::kRun) arguments = scope.declared();
    node.created_by = history_line(instruction, end.config, arguments, node.command);
    node.in_history = !node.created_by.empty();
    node.config = end.config;
    node.instruction = std::move(instruction);
    end.node = node.facts.number;
  }

  void apply(Node& node, const Instruction& instruction, StageScope& scope, StageEnd& end, std::size_t stage) {
    oci::ExecutionConfig& config = end.config;
    if (const auto* run = instruction.as<Run>()) return apply_run(node, *run, scope, config, stage);
    if (const auto* copy = instruction.as<Copy>()) {
      node.origin = origin_of(copy->from, stage);
      node.folder = config.working_dir;
    } else if (instruction.as<Add>()) {
      node.folder = config.working_dir;
    } else if (const auto* cmd = instruction.as<Cmd>()) {
      config.cmd = words_of(cmd->command, config);
      if (config.cmd->empty()) config.cmd.reset();  // an image's configuration has no empty lists
      config.args_escaped = true;
      command_was_set_ = true;
    } else if (const auto* entrypoint = instruction.as<Entrypoint>()) {
      config.entrypoint = words_of(entrypoint->command, config);
      if (config.entrypoint->empty()) config.entrypoint.reset();
      if (!command_was_set_) config.cmd.reset();  // it was meant for another entry point
    } else if (const auto* shell = instruction.as<Shell>()) {
      config.shell = shell->words;
    } else if (const auto* label = instruction.as<Label>()) {
      for (const KeyValue& one : label->labels) config.labels[one.key] = one.value;
    } else if (instruction.as<Env>()) {
      config.env = scope.image_environment().list();
    } else if (const auto* expose = instruction.as<Expose>()) {
      for (const std::string& port : expose->ports) config.exposed_ports[port];
    } else if (const auto* volume = instruction.as<Volume>()) {
      for (const std::string& path : volume->paths) config.volumes[path];
    } else if (const auto* user = instruction.as<User>()) {
      config.user = user->user;
    } else if (const auto* workdir = instruction.as<Workdir>()) {
      bool absolute = workdir->path.starts_with('/');
      config.working_dir = linux::clean_path(absolute ? workdir->path : cat(config.working_dir, "/", workdir->path));
      node.folder = config.working_dir;
    } else if (const auto* signal = instruction.as<StopSignal>()) {
      config.stop_signal = signal->signal;
    } else if (const auto* trigger = instruction.as<OnBuild>()) {
      config.on_build.push_back(trigger->trigger);
    } else if (const auto* health = instruction.as<HealthCheck>()) {
      config.healthcheck = health->check;
    } else if (const auto* maintainer = instruction.as<Maintainer>()) {
      graph_.author = maintainer->author;
    }
  }

  std::vector<std::string> words_of(const CommandLine& command, const oci::ExecutionConfig& config) const {
    if (!command.shell_form) return command.words;
    std::vector<std::string> words = config.shell.empty() ? std::vector<std::string>{"/bin/sh", "-c"} : config.shell;
    words.insert(words.end(), command.words.begin(), command.words.end());
    return words;
  }

  void apply_run(Node& node, const Run& run, StageScope& scope, const oci::ExecutionConfig& config, std::size_t stage) {
    CommandLine command = run.command;
    if (!command.heredocs.empty() && !command.words.empty()) {
      if (is_only_heredoc(command)) {
        const Heredoc& document = command.heredocs.front();
        std::string text = document.text();
        if (text.starts_with("#!")) {
          node.script = text;
          node.script_path = cat("/dev/pipes/", document.name);
          text = node.script_path;
        }
        command.words = {text};
      } else {
        for (const Heredoc& document : command.heredocs)
          command.words.front() += cat("\n", document.content, document.name);
      }
    }
    node.command = words_of(command, config);
    if (node.command.empty()) fail_invalid("RUN requires at least one argument");
    node.environment = scope.environment().list();
    node.proxies = proxy_environment(request_.arguments);
    node.folder = config.working_dir.empty() ? "/" : config.working_dir;
    for (const RunMount& mount : run.mounts) {
      FileOrigin origin;
      if (mount.from.empty() && mount.type == RunMount::Type::kCache)
        origin.kind = FileOrigin::Kind::kEmpty;
      else if (mount.type == RunMount::Type::kBind || mount.type == RunMount::Type::kCache)
        origin = origin_of(mount.from, stage);
      node.mounts.push_back(std::move(origin));
    }
  }

  FileOrigin origin_of(const std::string& from, std::size_t stage) {
    FileOrigin origin;
    if (from.empty()) return origin;
    if (auto source = source_stage(from, stage)) {
      origin.kind = FileOrigin::Kind::kNode;
      origin.node = ends_[*source]->node;
    } else if (services_.has_context(from)) {
      origin.context = from;
    } else if (from == kScratch) {
      origin.kind = FileOrigin::Kind::kEmpty;
    } else {
      auto named = request_.image_contexts.find(from);
      origin.kind = FileOrigin::Kind::kImage;
      origin.image = services_.image(named == request_.image_contexts.end() ? from : named->second, request_.platform);
    }
    return origin;
  }

  void finish_config(std::size_t target) {
    Node& last = graph_.nodes[graph_.result];
    for (const auto& [name, value] : request_.labels) last.config.labels[name] = value;
    graph_.base = ends_[target]->base;
  }

  // "[build 2/5] RUN make", counting within its stage.
  void name_nodes() {
    std::vector<std::size_t> totals(file_.stages.size()), counts(file_.stages.size());
    for (const Node& node : graph_.nodes) ++totals[node.stage];
    bool several = needed_.size() > 1;
    for (Node& node : graph_.nodes) {
      const Stage& stage = file_.stages[node.stage];
      std::string name = stage.from.name.empty() ? cat("stage-", node.stage) : stage.from.name;
      node.stage_name = name;
      node.number = ++counts[node.stage];
      std::string total = cat(totals[node.stage]), at = cat(node.number);
      at.insert(0, total.size() - at.size(), ' ');
      node.facts.name =
          cat("[", several || !stage.from.name.empty() ? name + " " : "", at, "/", total, "] ", node.facts.instruction);
      node.facts.visible = node.kind != NodeKind::kConfig;
      node.facts.inputs = node.inputs();
      node.facts.digest = archive::sha256_digest(cat(node.facts.number, node.facts.name, "\n", node.created_by));
    }
  }

  const Dockerfile& file_;
  const Request& request_;
  const PlannerServices& services_;
  Observer& observer_;
  Platforms platforms_;
  std::shared_ptr<GlobalScope> global_;
  Graph graph_;
  std::vector<StageScope> scopes_;
  std::set<std::size_t> needed_;
  std::vector<std::optional<StageEnd>> ends_;
  bool command_was_set_ = false;
};

}  // namespace

std::vector<std::size_t> Node::inputs() const {
  std::vector<std::size_t> all;
  if (parent != kNone) all.push_back(parent);
  if (origin.kind == FileOrigin::Kind::kNode) all.push_back(origin.node);
  for (const FileOrigin& mount : mounts)
    if (mount.kind == FileOrigin::Kind::kNode) all.push_back(mount.node);
  return all;
}

std::vector<std::size_t> Graph::way_to_result() const {
  std::vector<std::size_t> way;
  for (std::size_t at = result; at != kNone; at = nodes[at].parent) way.push_back(at);
  std::ranges::reverse(way);
  return way;
}

Graph plan(const Dockerfile& file, const Request& request, const PlannerServices& services, Observer& observer) {
  return Planner(file, request, services, observer).run();
}

}  // namespace hull::build
