// SPDX-License-Identifier: Apache-2.0
#include "cli/complete.h"

#include <unistd.h>

#include <algorithm>

#include "cli/command.h"
#include "cli/context_store.h"
#include "cli/help.h"
#include "cli/plugins.h"
#include "cli/terminal.h"

namespace hull::cli {
namespace {

// What the shell does with the answer (cobra's ShellCompDirective).
enum Directive : int { kDefault = 0, kNoSpace = 2, kNoFiles = 4 };

// What a word stands for.
enum class Source : unsigned char {
  kNothing,
  kFiles,
  kContainers,
  kRunning,
  kStopped,  // created or exited
  kPaused,
  kImages,
  kNetworks,
  kVolumes,
  kContexts,
  kWords,      // of the row's own list
  kVariables,  // of our environment
  kCommands,
};

struct Choice {
  std::string value, description;
};

struct Arguments {
  std::string_view command;
  Source first;
  Source others;
};
// What the arguments of commands are; files for all that are not here.
constexpr Arguments kArguments[] = {
    {"container attach", Source::kRunning, Source::kNothing},
    {"container commit", Source::kContainers, Source::kNothing},
    {"container cp", Source::kContainers, Source::kFiles},
    {"container create", Source::kImages, Source::kFiles},
    {"container diff", Source::kContainers, Source::kNothing},
    {"container exec", Source::kRunning, Source::kFiles},
    {"container export", Source::kContainers, Source::kNothing},
    {"container inspect", Source::kContainers, Source::kContainers},
    {"container kill", Source::kRunning, Source::kRunning},
    {"container logs", Source::kContainers, Source::kContainers},
    {"container ls", Source::kNothing, Source::kNothing},
    {"container pause", Source::kRunning, Source::kRunning},
    {"container port", Source::kRunning, Source::kNothing},
    {"container prune", Source::kNothing, Source::kNothing},
    {"container rename", Source::kContainers, Source::kNothing},
    {"container restart", Source::kContainers, Source::kContainers},
    {"container rm", Source::kContainers, Source::kContainers},
    {"container run", Source::kImages, Source::kFiles},
    {"container start", Source::kStopped, Source::kStopped},
    {"container stats", Source::kRunning, Source::kRunning},
    {"container stop", Source::kRunning, Source::kRunning},
    {"container top", Source::kRunning, Source::kNothing},
    {"container unpause", Source::kPaused, Source::kPaused},
    {"container update", Source::kContainers, Source::kContainers},
    {"container wait", Source::kRunning, Source::kRunning},
    {"checkpoint create", Source::kRunning, Source::kNothing},
    {"checkpoint ls", Source::kContainers, Source::kNothing},
    {"checkpoint rm", Source::kContainers, Source::kNothing},
    {"image history", Source::kImages, Source::kNothing},
    {"image inspect", Source::kImages, Source::kImages},
    {"image ls", Source::kImages, Source::kNothing},
    {"image prune", Source::kNothing, Source::kNothing},
    {"image pull", Source::kImages, Source::kNothing},
    {"image push", Source::kImages, Source::kNothing},
    {"image rm", Source::kImages, Source::kImages},
    {"image save", Source::kImages, Source::kImages},
    {"image tag", Source::kImages, Source::kImages},
    {"network connect", Source::kNetworks, Source::kContainers},
    {"network create", Source::kNothing, Source::kNothing},
    {"network disconnect", Source::kNetworks, Source::kContainers},
    {"network inspect", Source::kNetworks, Source::kNetworks},
    {"network ls", Source::kNothing, Source::kNothing},
    {"network prune", Source::kNothing, Source::kNothing},
    {"network rm", Source::kNetworks, Source::kNetworks},
    {"volume create", Source::kNothing, Source::kNothing},
    {"volume export", Source::kVolumes, Source::kNothing},
    {"volume import", Source::kVolumes, Source::kFiles},
    {"volume inspect", Source::kVolumes, Source::kVolumes},
    {"volume ls", Source::kNothing, Source::kNothing},
    {"volume prune", Source::kNothing, Source::kNothing},
    {"volume rename", Source::kVolumes, Source::kNothing},
    {"volume rm", Source::kVolumes, Source::kVolumes},
    {"volume update", Source::kVolumes, Source::kNothing},
    {"context create", Source::kNothing, Source::kNothing},
    {"context export", Source::kContexts, Source::kFiles},
    {"context import", Source::kNothing, Source::kFiles},
    {"context inspect", Source::kContexts, Source::kContexts},
    {"context ls", Source::kNothing, Source::kNothing},
    {"context rm", Source::kContexts, Source::kContexts},
    {"context show", Source::kNothing, Source::kNothing},
    {"context update", Source::kContexts, Source::kNothing},
    {"context use", Source::kContexts, Source::kNothing},
    {"builder prune", Source::kNothing, Source::kNothing},
    {"builder du", Source::kNothing, Source::kNothing},
    {"inspect", Source::kContainers, Source::kContainers},
    {"why", Source::kContainers, Source::kNothing},
    {"debug", Source::kRunning, Source::kFiles},
    {"version", Source::kNothing, Source::kNothing},
    {"system info", Source::kNothing, Source::kNothing},
    {"system df", Source::kNothing, Source::kNothing},
    {"system prune", Source::kNothing, Source::kNothing},
    {"system events", Source::kNothing, Source::kNothing},
    {"system check", Source::kNothing, Source::kNothing},
    {"system doctor", Source::kNothing, Source::kNothing},
    {"login", Source::kNothing, Source::kNothing},
    {"logout", Source::kNothing, Source::kNothing},
};

struct FlagValues {
  std::string_view flags;  // "name|name"
  Source source;
  std::string_view words;
};
// What the values of flags are; files for all that are not here.
constexpr FlagValues kFlagValues[] = {
    {"network|net", Source::kNetworks, "host|none|bridge"},
    {"volumes-from|link", Source::kContainers, ""},
    {"volume", Source::kFiles, ""},
    {"env|build-arg", Source::kVariables, ""},
    {"context|from", Source::kContexts, ""},
    {"restart", Source::kWords, "always|no|on-failure|unless-stopped"},
    {"pull", Source::kWords, "always|missing|never"},
    {"cgroupns", Source::kWords, "host|private"},
    {"ipc", Source::kWords, "container:|host|none|private|shareable"},
    {"pid", Source::kWords, "container:|host"},
    {"uts|userns", Source::kWords, "host"},
    {"log-driver", Source::kWords, "fluentd|gelf|journald|json-file|local|none|splunk|syslog"},
    {"progress", Source::kWords, "auto|plain|quiet|rawjson|tty"},
    {"type", Source::kWords, "container|image|network|volume"},
    {"attach", Source::kWords, "stderr|stdin|stdout"},
    {"driver", Source::kWords, "bridge|ipvlan|local|macvlan"},
    {"health-on-failure", Source::kWords, "kill|none|restart|stop"},
    {"log-level", Source::kWords, "debug|error|fatal|info|warn"},
    {"platform", Source::kWords, "linux/amd64|linux/arm/v7|linux/arm64"},
    {"signal|stop-signal", Source::kWords, "HUP|INT|KILL|QUIT|TERM|USR1|USR2|WINCH"},
    {"security-opt", Source::kWords,
     "apparmor=|label=|no-new-privileges|seccomp=|seccomp=unconfined|systempaths=unconfined"},
    {"cap-add|cap-drop", Source::kWords,
     "ALL|AUDIT_CONTROL|AUDIT_READ|AUDIT_WRITE|BLOCK_SUSPEND|BPF|CHECKPOINT_RESTORE|CHOWN|DAC_OVERRIDE|DAC_READ_SEARCH|"
     "FOWNER|FSETID|IPC_LOCK|IPC_OWNER|KILL|LEASE|LINUX_IMMUTABLE|MAC_ADMIN|MAC_OVERRIDE|MKNOD|NET_ADMIN|"
     "NET_BIND_SERVICE|NET_BROADCAST|NET_RAW|PERFMON|SETFCAP|SETGID|SETPCAP|SETUID|SYSLOG|SYS_ADMIN|SYS_BOOT|"
     "SYS_CHROOT|SYS_MODULE|SYS_NICE|SYS_PACCT|SYS_PTRACE|SYS_RAWIO|SYS_RESOURCE|SYS_TIME|SYS_TTY_CONFIG|WAKE_ALARM"},
    {"format", Source::kWords, "json|table"},
    {"name|hostname|domainname|user|label|message|author|publish|expose|ip|ip6|mac-address|memory|cpus|entrypoint|"
     "since|until|tail|timeout|last|tag|target|password|username|description|docker|host|network-alias|alias|subnet|"
     "gateway|ip-range|opt|annotation|detach-keys",
     Source::kNothing, ""},
};

struct Filters {
  std::string_view command, names;
};
constexpr Filters kFilters[] = {
    {"container ls", "ancestor|before|exited|expose|health|id|is-task|label|name|network|publish|since|status|volume"},
    {"image ls", "before|dangling|label|reference|since|until"},
    {"network ls", "dangling|driver|id|label|name|scope|type"},
    {"volume ls", "dangling|driver|label|name"},
    {"system events", "container|daemon|event|image|label|network|scope|type|volume"},
    {"search", "is-automated|is-official|stars"},
    {"builder prune", "id|type|until|unused-for"},
};

template <class Row>
bool names(std::string_view list, std::string_view name, const Row&) {
  for (std::string_view one : split(list, '|'))
    if (one == name) return true;
  return false;
}

class Completion {
 public:
  Completion(const Options& global, std::span<const std::string_view> words) : global_(global), words_(words) {
    if (words.empty()) return;
    last_ = words.back();
    words_ = words.first(words.size() - 1);
  }

  int run() {
    complete();
    std::string out;
    std::ranges::sort(found_, {}, &Choice::value);
    for (std::size_t i = 0; i < found_.size(); ++i) {
      const Choice& one = found_[i];
      if (!one.value.starts_with(last_) || (i && found_[i - 1].value == one.value)) continue;
      out += one.description.empty() ? one.value + "\n" : cat(one.value, "\t", one.description, "\n");
    }
    print(cat(out, ":", static_cast<int>(directive_), "\n"));
    return 0;
  }

 private:
  void complete() {
    Options before{{global_flags()}};
    try {
      before.parse(words_, false);
    } catch (const Error&) {
      // The last word may be the value of a flag of the program.
      return complete_flag_value({global_flags()}, nullptr);
    }
    auto rest = words_.subspan(words_.size() - before.arguments.size());
    if (rest.empty()) {
      if (last_.starts_with('-')) return add_flags({global_flags()});
      return add_commands();
    }
    const Group* group = find_group(rest[0]);
    if (group && rest.size() == 1) return add_commands_of(*group);
    const Command* command = group ? find_command(cat(rest[0], " ", rest[1])) : find_command(rest[0]);
    if (command) return complete_command(*command, rest.subspan(group ? 2 : 1), before);
    if (!group) complete_by_plugin(rest);
  }

  void add(std::string_view value, std::string_view description = {}) {
    found_.push_back({std::string(value), std::string(description)});
  }
  void add_words(std::string_view list) {
    if (list.empty()) return;
    for (std::string_view word : split(list, '|')) {
      add(word);
      if (word.starts_with(last_) && (word.ends_with('=') || word.ends_with(':'))) directive_ = kNoFiles | kNoSpace;
    }
  }

  void add_commands() {
    directive_ = kNoFiles;
    for (auto table : command_tables())
      for (const Command& command : table) {
        std::string_view name = short_spelling(command);
        if (!name.empty() && !command.summary.empty()) add(name, command.summary);
      }
    for (const Group& group : command_groups()) add(group.name, group.summary);
    add("help", "Show the help of a command");
    for (const std::string& name : plugin_names()) add(name, "Plug-in");
  }

  void add_commands_of(const Group& group) {
    directive_ = kNoFiles;
    std::string prefix = cat(group.name, " ");
    for (auto table : command_tables())
      for (const Command& command : table)
        if (command.name.starts_with(prefix) && !command.summary.empty())
          add(command.name.substr(prefix.size()), command.summary);
  }

  void add_flags(const FlagSet& flags) {
    directive_ = kNoFiles;
    for (auto table : {flags.first, flags.second})
      for (const Flag& flag : table)
        if (!flag.help.empty()) add(cat("--", flag.name), flag.help);
    add("--help", "Show the help of the command");
  }

  void complete_command(const Command& command, std::span<const std::string_view> words, const Options& before) {
    endpoint_ = endpoint_of(before);
    Options options(command.flags);
    try {
      options.parse(words, command.interspersed);
    } catch (const Error&) {
      // What is missing is the value of the last flag; a mistake before it has no completion anyway.
      return complete_flag_value(command.flags, &command);
    }
    bool ended = !command.interspersed && !options.arguments.empty();
    if (last_.starts_with('-') && !ended) {
      if (auto equals = last_.find('='); equals != last_.npos) return complete_glued(command, equals);
      return add_flags(command.flags);
    }
    complete_argument(command, options.arguments);
  }

  void complete_argument(const Command& command, const std::vector<std::string>& given) {
    if (command.most >= 0 && static_cast<int>(given.size()) >= command.most) {
      directive_ = kNoFiles;
      return;
    }
    auto row = std::ranges::find(kArguments, command.name, &Arguments::command);
    Source source = row == std::end(kArguments) ? Source::kFiles : given.empty() ? row->first : row->others;
    if (command.name == "container cp") return complete_copy();
    add_from(source);
    std::erase_if(found_, [&](const Choice& one) { return std::ranges::find(given, one.value) != given.end(); });
  }

  // Either side may be "container:path".
  void complete_copy() {
    if (last_.starts_with('/') || last_.starts_with('.') || last_.find(':') != last_.npos) return;
    add_from(Source::kContainers);
    for (Choice& one : found_) one.value += ':';
    directive_ = found_.empty() ? kDefault : kNoSpace;
  }

  // "--flag=val"
  void complete_glued(const Command& command, std::size_t equals) {
    std::string_view name = last_.substr(2, equals - 2), prefix = last_.substr(0, equals + 1), whole = last_;
    const Flag* flag = command.flags.find(name);
    last_ = last_.substr(equals + 1);
    if (flag) add_values(*flag, &command);
    for (Choice& one : found_) one.value.insert(0, prefix);
    last_ = whole;
  }

  void complete_flag_value(const FlagSet& flags, const Command* command) {
    if (words_.empty()) return;
    std::string_view word = words_.back();
    const Flag* flag = word.starts_with("--")              ? flags.find(word.substr(2))
                       : word.size() > 1 && word[0] == '-' ? flags.find(word.back())
                                                           : nullptr;
    if (flag) add_values(*flag, command);
  }

  void add_values(const Flag& flag, const Command* command) {
    if (flag.name == "filter") return add_filters(command);
    for (const FlagValues& row : kFlagValues)
      if (names(row.flags, flag.name, row)) {
        add_from(row.source);
        add_words(row.words);
        return;
      }
  }

  void add_filters(const Command* command) {
    directive_ = kNoFiles | kNoSpace;
    std::string_view all = "label|until";
    for (const Filters& row : kFilters)
      if (command && row.command == command->name) all = row.names;
    for (std::string_view name : split(all, '|')) add(cat(name, "="));
  }

  void add_from(Source source) {
    directive_ = source == Source::kFiles ? kDefault : kNoFiles;
    switch (source) {
      case Source::kContainers: return add_containers("all=1", "");
      case Source::kRunning: return add_containers("", "");
      case Source::kStopped: return add_containers("all=1", R"({"status":{"created":true,"exited":true}})");
      case Source::kPaused: return add_containers("", R"({"status":{"paused":true}})");
      case Source::kImages: return add_images();
      case Source::kNetworks: return add_named("/networks", "", "Driver");
      case Source::kVolumes: return add_named("/volumes", "Volumes", "Driver");
      case Source::kContexts:
        add(kDefaultContext);
        for (const Context& one : all_contexts()) add(one.name, one.description());
        return;
      case Source::kVariables:
        directive_ = kNoFiles | kNoSpace;
        for (char** one = environ; *one; ++one) add(split_once(*one, '=').first);
        return;
      default: return;
    }
  }

  // One question to the engine; nothing when it is not there.
  Value ask(const std::string& path) {
    try {
      Client client(endpoint_);
      client.never_start_engine();
      return client.get(path);
    } catch (const Error&) {
      return {};
    }
  }

  void add_containers(std::string_view parameters, std::string_view filters) {
    std::string path = cat("/containers/json?", parameters);
    if (!filters.empty()) path += cat("&filters=", percent_encoded(filters));
    const Value answer = ask(path);
    for (const Value& container : answer.list())
      for (const Value& name : container["Names"].list())
        if (name.text().rfind('/') == 0)
          add(std::string_view(name.text()).substr(1),
              cat(container["Image"].text(), ", ", container["Status"].text()));
  }

  void add_images() {
    const Value answer = ask("/images/json");
    for (const Value& image : answer.list())
      for (const Value& tag : image["RepoTags"].list()) {
        std::string name = tag.text();
        if (name.starts_with("<none>")) continue;
        add(name);
        if (name.ends_with(":latest") && last_.find(':') == last_.npos) add(name.substr(0, name.size() - 7));
      }
  }

  void add_named(const std::string& path, std::string_view member, std::string_view about) {
    const Value answer = ask(path);
    const Value& list = member.empty() ? answer : answer[member];
    for (const Value& one : list.list()) add(one["Name"].text(), one[about].text());
  }

  // A plug-in completes its own words, in the same protocol.
  void complete_by_plugin(std::span<const std::string_view> rest) {
    auto plugin = find_plugin(rest[0]);
    if (!plugin) return;
    std::string question = "__complete";
    std::vector<std::string_view> asked{question};
    asked.insert(asked.end(), rest.begin(), rest.end());
    asked.push_back(last_);
    run_plugin(*plugin, endpoint_of(global_), asked);
  }

  const Options& global_;
  std::span<const std::string_view> words_;
  std::string_view last_;
  Endpoint endpoint_;
  int directive_ = kDefault;
  std::vector<Choice> found_;
};

}  // namespace

int run_complete(const Options& global, std::span<const std::string_view> words) {
  try {
    return Completion(global, words).run();
  } catch (const Exit&) {
    throw;
  } catch (const std::exception&) {
    return 1;  // a shell in the middle of a line has no place for a message
  }
}

}  // namespace hull::cli
