// SPDX-License-Identifier: Apache-2.0
#include "dockerfile/outline.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "dockerfile/words.h"

namespace hull::dockerfile {

namespace {

// One file on the way to its outline: stages are gone through in order, what they declare is kept.
class Outliner {
 public:
  Outliner(const Dockerfile& file, const BuildArguments& given, const Platforms& platforms, std::string_view target)
      : file_(file), given_(given), global_(file, given, platforms, target), stages_(file.stages.size()) {
    read_global_arguments();
    for (std::size_t i = 0; i < stages_.size(); ++i) read_stage(i);
  }

  void collect(std::size_t index, Outline& out) {
    if (!visited_.insert(index).second) return;
    const StageParts& stage = stages_[index];
    std::set<std::string> used;
    for (const std::string& name : stage.used) mark(name, used);
    for (const std::string& name : used) {
      auto own = stage.arguments.find(name);
      auto global = global_arguments_.find(name);
      if (own == stage.arguments.end() && global == global_arguments_.end()) continue;
      if (!seen_.insert(name).second) continue;
      out.arguments.push_back(own != stage.arguments.end() ? own->second : global->second);
    }
    add(out.secrets, stage.secrets);
    add(out.agents, stage.agents);
    for (std::size_t other : stage.needs) collect(other, out);
  }

 private:
  struct StageParts {
    std::optional<StageScope> scope;
    std::set<std::string> used;
    std::map<std::string, Outline::Argument> arguments;
    std::vector<Outline::Mount> secrets, agents;
    std::vector<std::size_t> needs;
  };

  static void add(std::vector<Outline::Mount>& to, const std::vector<Outline::Mount>& from) {
    for (const Outline::Mount& mount : from)
      if (std::none_of(to.begin(), to.end(), [&](const Outline::Mount& one) { return one.name == mount.name; }))
        to.push_back(mount);
  }

  // A global argument stands for those in its default value too.
  void mark(const std::string& name, std::set<std::string>& used) const {
    if (!used.insert(name).second) return;
    if (auto uses = global_uses_.find(name); uses != global_uses_.end())
      for (const std::string& other : uses->second) mark(other, used);
  }

  void read_global_arguments() {
    for (const Instruction& instruction : file_.arguments) {
      for (const auto& argument : instruction.as<Arg>()->arguments) {
        const std::string* value = global_.variables().find(argument.name);
        global_arguments_[argument.name] = {argument.name, value ? *value : "", argument.description,
                                            instruction.lines};
        if (!argument.value || given_.contains(argument.name)) continue;
        Lookups lookups;
        expand(*argument.value, global_.variables(), {.escape = global_.escape()}, &lookups);
        std::erase(lookups.set, argument.name);
        global_uses_[argument.name] = lookups.set;
      }
    }
  }

  void read_stage(std::size_t index) {
    const Stage& stage = file_.stages[index];
    StageParts& parts = stages_[index];
    Lookups base, platform;
    const From from = global_.resolve(stage, &base, &platform);
    parts.used.insert(base.set.begin(), base.set.end());
    parts.used.insert(platform.set.begin(), platform.set.end());
    if (const auto below = file_.base_stage(index, from.base)) {
      parts.scope = stages_[*below].scope->successor();
      parts.needs.push_back(*below);
    } else {
      parts.scope.emplace(global_, std::vector<std::string>{cat("PATH=", kDefaultPath)});
    }
    for (const Instruction& written : stage.instructions) {
      const Instruction instruction = parts.scope->resolve(written);
      if (const Arg* arg = instruction.as<Arg>()) {
        for (std::size_t i = 0; i < arg->arguments.size(); ++i)
          read_argument(parts, instruction, arg->arguments[i], written.as<Arg>()->arguments[i].value.has_value());
      } else if (const auto* run = instruction.as<dockerfile::Run>()) {
        for (const RunMount& mount : run->mounts) read_mount(parts, instruction, mount);
      } else if (const Copy* copy = instruction.as<Copy>()) {
        need(parts, file_.source_stage(copy->from, true));
      }
    }
  }

  static void need(StageParts& parts, std::optional<std::size_t> stage) {
    if (stage) parts.needs.push_back(*stage);
  }

  void read_argument(StageParts& parts, const Instruction& instruction, const Arg::Argument& argument,
                     bool has_default) {
    parts.used.insert(argument.name);
    // One that only takes over a global argument is that argument.
    if (!has_default && !given_.contains(argument.name) && global_.variables().find(argument.name)) return;
    parts.arguments[argument.name] = {argument.name, argument.value.value_or(""), argument.description,
                                      instruction.lines};
  }

  void read_mount(StageParts& parts, const Instruction& instruction, const RunMount& mount) {
    need(parts, file_.source_stage(mount.from, false));
    if (mount.type == RunMount::Type::kSecret) {
      std::string id = !mount.source.empty() ? mount.source : mount.id;
      if (id.empty()) id = mount.target.substr(mount.target.rfind('/') + 1);
      add(parts.secrets, {{id, mount.required, instruction.lines}});
    } else if (mount.type == RunMount::Type::kSsh) {
      add(parts.agents, {{mount.id.empty() ? "default" : mount.id, mount.required, instruction.lines}});
    }
  }

  const Dockerfile& file_;
  const BuildArguments& given_;
  GlobalScope global_;
  std::map<std::string, Outline::Argument> global_arguments_;
  std::map<std::string, std::vector<std::string>> global_uses_;
  std::vector<StageParts> stages_;
  std::set<std::size_t> visited_;
  std::set<std::string> seen_;
};

// Columns as wide as their widest cell, `gap` blanks between them.
std::string table(const std::vector<std::vector<std::string>>& rows, std::size_t gap) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out.append(widths[i] - row[i].size() + gap, ' ');
    }
    out += '\n';
  }
  return out;
}

std::string mount_table(std::string_view title, const std::vector<Outline::Mount>& mounts) {
  if (mounts.empty()) return {};
  std::vector<std::vector<std::string>> rows = {{std::string(title), "REQUIRED"}};
  for (const Outline::Mount& mount : mounts) rows.push_back({mount.name, mount.required ? "true" : ""});
  return table(rows, 3) + "\n";
}

}  // namespace

std::vector<Target> list_targets(const Dockerfile& file) {
  std::vector<Target> out;
  for (const Stage& stage : file.stages)
    out.push_back({stage.from.name, stage.description, stage.from.base, stage.from.platform,
                   &stage == &file.stages.back(), stage.start.lines});
  return out;
}

Outline outline(const Dockerfile& file, const BuildArguments& given, const Platforms& platforms,
                std::string_view target) {
  const std::size_t index = file.target(target);
  Outline out;
  out.name = file.stages[index].from.name;
  out.description = file.stages[index].description;
  Outliner(file, given, platforms, target).collect(index, out);
  auto by_line = [](auto& list) {
    std::stable_sort(list.begin(), list.end(),
                     [](const auto& a, const auto& b) { return a.lines.first < b.lines.first; });
  };
  by_line(out.arguments);
  by_line(out.secrets);
  by_line(out.agents);
  return out;
}

std::string format_targets(const std::vector<Target>& targets) {
  std::vector<std::vector<std::string>> rows = {{"TARGET", "DESCRIPTION"}};
  for (const Target& target : targets) {
    const std::string mark = target.name.empty() ? "(default)" : " (default)";
    rows.push_back({target.name + (target.is_default ? mark : ""), target.description});
  }
  return table(rows, 1);
}

std::string format_outline(const Outline& outline) {
  std::string out;
  if (!outline.name.empty() || !outline.description.empty()) {
    std::vector<std::vector<std::string>> rows = {{"TARGET:", outline.name.empty() ? "(default)" : outline.name}};
    if (!outline.description.empty()) rows.push_back({"DESCRIPTION:", outline.description});
    out += table(rows, 1) + "\n";
  }
  if (!outline.arguments.empty()) {
    std::vector<std::vector<std::string>> rows = {{"BUILD ARG", "VALUE", "DESCRIPTION"}};
    for (const auto& argument : outline.arguments)
      rows.push_back({argument.name, argument.value, argument.description});
    out += table(rows, 3) + "\n";
  }
  return out + mount_table("SECRET", outline.secrets) + mount_table("SSH", outline.agents);
}

}  // namespace hull::dockerfile
