// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/base64.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/process.h"
#include "base/rollback.h"
#include "build/cache.h"
#include "build/file_tree.h"
#include "build/remote_sources.h"
#include "registry/http.h"
#include "store/layout.h"

// Git repositories, through git(1).
namespace hull::build {

namespace {

using dockerfile::GitReference;

bool is_commit(std::string_view text) {
  return (text.size() == 40 || text.size() == 64) &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}
bool may_be_short_commit(std::string_view text) {
  return text.size() >= 7 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// git(1) in one directory. It asks nobody for anything, and reads nobody's configuration: what comes out depends on the
// repository alone.
class Git {
 public:
  Git(std::string directory, const Request& request, const std::string& remote, std::string known_hosts,
      std::stop_token stop)
      : known_hosts_(std::move(known_hosts)) {
    options_.directory = std::move(directory);
    options_.stop = std::move(stop);
    options_.variables = {"GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "LC_ALL=C",
                          cat("GIT_SSH_COMMAND=ssh -F /dev/null -o BatchMode=yes -o StrictHostKeyChecking=accept-new"
                              " -o LogLevel=ERROR -o UserKnownHostsFile=",
                              known_hosts_)};
    // The path of a descriptor of ours: the agent's socket itself may be out of root's sight.
    for (const SshAgent& agent : request.agents)
      if (agent.id == "default") {
        options_.variables.push_back(cat("SSH_AUTH_SOCK=/proc/", ::getpid(), "/fd/", agent.socket.get()));
        has_agent_ = true;
      }
    if (remote.starts_with("http")) add_login(request, remote);
  }

  ProcessOutput attempt(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "git");
    try {
      return run_program(arguments, options_);
    } catch (const Error& e) {
      if (e.code() == ENOENT) fail(Kind::kUnavailable, "git repositories need the program git, which is not installed");
      throw;
    }
  }
  std::string operator()(std::vector<std::string> arguments) const {
    ProcessOutput result = attempt(arguments);
    if (result.exit_code != 0) fail_invalid("git ", arguments.front(), ": ", complaint(result));
    return std::string(trim(result.output));
  }
  // Why it failed, and what helps. What ssh(1) says is all that there is to tell by.
  std::string complaint(const ProcessOutput& result) const {
    std::string_view said = trim(result.errors.empty() ? result.output : result.errors);
    auto says = [&](std::string_view words) { return said.find(words) != said.npos; };
    if (says("REMOTE HOST IDENTIFICATION HAS CHANGED"))
      return cat(
          "the host key of the server is not the one that it had before. If that is right, remove the old one from ",
          known_hosts_);
    // Git's own words after those of ssh tell nothing more.
    if (auto end = said.find("\nfatal: Could not read from remote repository"); end != said.npos)
      said = trim(said.substr(0, end));
    if (!says("Permission denied (")) return std::string(said);
    return cat(said, has_agent_
                         ? " The server takes none of the keys of the agent: ssh-add -l lists them, ssh-add adds one"
                         : " No SSH agent is forwarded to this build: give --ssh default");
  }

 private:
  // The secrets GIT_AUTH_TOKEN and GIT_AUTH_HEADER, or those for this host alone (GIT_AUTH_TOKEN.github.com). They go
  // through the environment, which only root can read, and not into .git/config.
  void add_login(const Request& request, const std::string& remote) {
    std::string origin = registry::origin_of(remote);
    std::string host = origin.substr(origin.find("://") + 3);
    auto secret = [&](std::string_view name) {
      const Secret* best = nullptr;
      for (const Secret& one : request.secrets)
        if (one.id == cat(name, ".", host) || (one.id == name && !best)) best = &one;
      return best ? std::string(trim(best->value)) : "";
    };
    std::string header = secret("GIT_AUTH_HEADER");
    if (std::string token = secret("GIT_AUTH_TOKEN"); header.empty() && !token.empty())
      header = cat("basic ", base64(cat("x-access-token:", token)));
    if (header.empty()) return;
    options_.variables.insert(options_.variables.end(),
                              {"GIT_CONFIG_COUNT=1", cat("GIT_CONFIG_KEY_0=http.", origin, "/.extraheader"),
                               cat("GIT_CONFIG_VALUE_0=Authorization: ", header)});
  }

  std::string known_hosts_;
  bool has_agent_ = false;
  ProgramOptions options_;
};

// What a branch, tag or commit stands for now. `name`: how the remote calls it; a commit that nobody has named, or that
// is short, has none.
struct Resolved {
  std::string commit, name;
};

Resolved resolve(const Git& git, const GitReference& reference) {
  if (is_commit(reference.ref)) return {reference.ref, ""};
  std::string ref = reference.ref.empty() ? "HEAD" : reference.ref;
  std::string listed = git({"ls-remote", "--", reference.remote, ref, ref + "^{}"});
  // A branch counts more than a tag of the same name; of an annotated tag the commit is meant, not the tag.
  const std::string names[] = {ref, cat("refs/heads/", ref), cat("refs/tags/", ref, "^{}"), cat("refs/tags/", ref),
                               cat("refs/", ref)};
  for (const std::string& wanted : names)
    for (std::string_view line : split(listed, '\n')) {
      auto [commit, name] = split_once(line, '\t');
      if (name != wanted) continue;
      if (wanted == ref && listed.find(cat(ref, "^{}\n")) != std::string::npos) continue;
      return {std::string(commit), wanted.ends_with("^{}") ? wanted.substr(0, wanted.size() - 3) : wanted};
    }
  for (std::string_view line : split(listed, '\n'))  // "refs/tags/v1" as written
    if (auto [commit, name] = split_once(line, '\t'); name == ref + "^{}") return {std::string(commit), ref};
  if (may_be_short_commit(ref)) return {"", ""};
  fail_invalid("repository ", reference.remote, " does not contain ", ref);
}

// As little as the server will give. Returns the commit that is there now.
std::string fetch(const Git& git, const GitReference& reference, const Resolved& wanted) {
  auto from = [&](bool shallow, const std::vector<std::string>& what) {
    std::vector<std::string> arguments = {"fetch", "-q", "--no-tags"};
    if (shallow) arguments.emplace_back("--depth=1");
    arguments.insert(arguments.end(), {"--", "origin"});
    arguments.insert(arguments.end(), what.begin(), what.end());
    return git.attempt(arguments);
  };
  std::string single = wanted.name.empty() ? wanted.commit : wanted.name;
  ProcessOutput result;
  if (!single.empty()) {
    result = from(true, {single});
    // A directory behind a plain web server cannot cut history off.
    if (result.exit_code != 0 && result.errors.find("shallow") != std::string::npos) result = from(false, {single});
    if (result.exit_code == 0) return git({"rev-parse", "FETCH_HEAD^{commit}"});
  }
  // A server that gives nothing but what has a name, or half a commit: everything, then.
  result = from(false, {"+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"});
  if (result.exit_code != 0) fail_invalid("git fetch ", reference.remote, ": ", git.complaint(result));
  return git({"rev-parse", "--verify", "-q", cat(reference.ref.empty() ? single : reference.ref, "^{commit}")});
}

// Submodules keep a file .git that points to nowhere without the directory that we drop.
void drop_git_directories(const std::string& directory) {
  UniqueFd root = open_file(directory, O_RDONLY | O_DIRECTORY);
  std::vector<std::string> found;
  for (const FileEntry& entry : walk(root.get(), "", {}))
    if (entry.path == ".git" || entry.path.ends_with("/.git")) found.push_back(entry.path);
  for (const std::string& path : found) remove_tree(cat(directory, "/", path));
}

void set_times(const std::string& directory, std::int64_t seconds) {
  UniqueFd root = open_file(directory, O_RDONLY | O_DIRECTORY);
  timespec times[2] = {{seconds, 0}, {seconds, 0}};
  FileList files = walk(root.get(), "", {});
  for (auto file = files.rbegin(); file != files.rend(); ++file)
    check(::utimensat(root.get(), file->path.empty() ? "." : file->path.c_str(), times, AT_SYMLINK_NOFOLLOW), "utimens",
          file->path);
}

}  // namespace

Checkout RemoteSources::repository(const GitReference& given, bool keep_git_dir, const std::string& checksum) {
  GitReference reference = given;
  if (reference.looks_local) reference.remote = cat("https://", reference.remote);
  std::string known_hosts = shared_.data_root + "/build/known_hosts";
  make_directories(shared_.data_root + "/build/remote", 0700);
  bool submodules = reference.submodules.value_or(true);
  Resolved wanted = resolve(Git(shared_.data_root, request_, reference.remote, known_hosts, stop_), reference);

  auto key_of = [&](const std::string& commit) {
    return KeyMaker("git")
        .add(reference.remote)
        .add(commit)
        .add(keep_git_dir ? cat("keep ", reference.ref) : "")
        .add(submodules ? "submodules" : "")
        .add(reference.mtime)
        .digest();
  };
  auto verify = [&](const std::string& commit) {
    for (const std::string& expected : {checksum, given.checksum})
      if (!expected.empty() && !commit.starts_with(expected))
        fail_invalid("expected checksum to match ", expected, ", got ", commit, " of ", reference.remote);
  };
  auto found = [&](const std::string& commit, const std::string& key) {
    return Checkout{place(key) + "/files", cat("git ", commit, keep_git_dir ? " with history" : "",
                                               submodules ? "" : " without submodules", " ", reference.mtime)};
  };
  if (!wanted.commit.empty()) verify(wanted.commit);
  Shared::Hold hold(shared_, cat("git ", reference.remote, " ", reference.ref), stop_);
  if (!wanted.commit.empty()) {
    std::string key = key_of(wanted.commit);
    keep(key);
    if (exists(place(key))) return found(wanted.commit, key);
  }

  std::string fresh = store::incoming_path(shared_.data_root, "repository"), files = fresh + "/files";
  Rollback undo;
  undo.add("repository", [&] { remove_tree(fresh); });
  make_directories(files, 0755);
  Git git(files, request_, reference.remote, known_hosts, stop_);
  git({"init", "-q", "."});
  git({"remote", "add", "origin", reference.remote});
  std::string commit = fetch(git, reference, wanted);
  verify(commit);
  git({"-c", "advice.detachedHead=false", "checkout", "-q", commit});
  if (submodules && exists(files + "/.gitmodules"))
    git({"submodule", "update", "-q", "--init", "--recursive", "--depth=1"});
  std::string time = reference.mtime == "commit" ? git({"log", "-1", "--format=%ct"}) : "";
  if (!keep_git_dir) drop_git_directories(files);
  if (auto seconds = parse_number<std::int64_t>(time)) set_times(files, *seconds);
  std::string key = key_of(commit);
  keep(key);
  fault::point("build.checked-out");
  if (!exists(place(key))) check(::rename(fresh.c_str(), place(key).c_str()), "rename", place(key));
  record(key, kGitSource, cat(reference.remote, "#", commit));
  return found(commit, key);
}

}  // namespace hull::build
