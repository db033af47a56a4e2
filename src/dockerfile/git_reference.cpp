// SPDX-License-Identifier: Apache-2.0
#include "dockerfile/git_reference.h"

#include <algorithm>
#include <map>
#include <vector>

#include "base/error.h"
#include "dockerfile/path_pattern.h"
#include "dockerfile/source.h"
#include "dockerfile/words.h"

namespace hull::dockerfile {

namespace {

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
bool all_of(std::string_view text, std::string_view also) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_alphanumeric(c) || also.find(c) != std::string_view::npos;
  });
}

// %XX becomes the byte; empty when an escape is malformed.
std::optional<std::string> unescape(std::string_view text, bool plus_is_blank) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '%') {
      const auto byte = text.size() - at > 2 ? parse_number<unsigned char>(text.substr(at + 1, 2), 16) : std::nullopt;
      if (!byte || text[at + 1] == '+') return std::nullopt;
      out += static_cast<char>(*byte);
      at += 2;
    } else {
      out += text[at] == '+' && plus_is_blank ? ' ' : text[at];
    }
  }
  return out;
}

// A path that is written as URLs have it stays as it is; otherwise what URLs cannot have is escaped.
std::string escaped_path(std::string_view raw, std::string_view decoded) {
  constexpr std::string_view kPlain = "-_.~$&+,/:;=@";
  const bool valid = std::all_of(raw.begin(), raw.end(), [&](char c) {
    return is_alphanumeric(c) || c == '%' || kPlain.find(c) != std::string_view::npos ||
           std::string_view("!'()*[]").find(c) != std::string_view::npos;
  });
  if (valid) return std::string(raw);
  std::string out;
  for (char c : decoded)
    out += is_alphanumeric(c) || kPlain.find(c) != std::string_view::npos ? std::string(1, c)
                                                                          : cat("%", upper(to_hex(&c, 1)));
  return out;
}

using Query = std::map<std::string, std::vector<std::string>>;

// Pairs that are malformed are skipped, or make all of it malformed.
std::optional<Query> parse_query(std::string_view text, bool strict) {
  Query out;
  for (std::string_view pair : split(text, '&')) {
    if (pair.empty()) continue;
    const auto [key, value] = split_once(pair, '=');
    const auto name = unescape(key, true), content = unescape(value.value_or(""), true);
    if (pair.find(';') == std::string_view::npos && name && content)
      out[*name].push_back(*content);
    else if (strict)
      return std::nullopt;
  }
  return out;
}

// The parts of a remote that matter here.
struct Remote {
  std::string scheme, path, remote, fragment;
  Query query;
};

// "user@host:path", which git takes for ssh.
std::optional<Remote> parse_scp(std::string_view text) {
  if (text.find('\n') != std::string_view::npos) return std::nullopt;
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos || !all_of(text.substr(0, at), "-_")) return std::nullopt;
  const std::size_t colon = text.find(':', at);
  if (colon == std::string_view::npos || !all_of(text.substr(at + 1, colon - at - 1), "-.")) return std::nullopt;
  const auto [without_fragment, fragment] = split_once(text, '#');
  const auto [remote, query] = split_once(without_fragment, '?');
  const auto parsed = parse_query(query.value_or(""), true);
  if (remote.size() < colon || !parsed) return std::nullopt;
  return Remote{"ssh", std::string(remote.substr(colon + 1)), std::string(remote), std::string(fragment.value_or("")),
                *parsed};
}

bool is_host(std::string_view host) {
  const std::size_t bracket = host.rfind(']');
  const std::size_t colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (host.starts_with('[') && bracket == std::string_view::npos) return false;
  if (colon != std::string_view::npos) {
    const std::string_view port = host.substr(colon + 1);
    if (!std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; })) return false;
    host = host.substr(0, colon);
  }
  return std::all_of(host.begin(), host.end(), [](char c) {
    return is_alphanumeric(c) || static_cast<unsigned char>(c) >= 0x80 ||
           std::string_view("-_.~!$&'()*+,;=:[]<>\"").find(c) != std::string_view::npos;
  });
}

// `text` behind "scheme://", or without scheme and host at all.
std::optional<Remote> parse_url(std::string scheme, std::string_view text, bool has_host) {
  for (char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return std::nullopt;
  const auto [without_fragment, raw_fragment] = split_once(text, '#');
  const auto [location, query] = split_once(without_fragment, '?');
  std::string_view authority, path = location;
  if (has_host) {
    const std::size_t slash = std::min(location.find('/'), location.size());
    authority = location.substr(0, slash);
    path = location.substr(slash);
    const std::size_t at = authority.rfind('@');
    const std::string_view user = at == std::string_view::npos ? std::string_view() : authority.substr(0, at);
    const std::string_view host = authority.substr(at == std::string_view::npos ? 0 : at + 1);
    if (!is_host(host) || (!user.empty() && (!all_of(user, "-._:~!$&'()*+,;=%@") || !unescape(user, false))))
      return std::nullopt;
  }
  const auto decoded = unescape(path, false), fragment = unescape(raw_fragment.value_or(""), false);
  if (!decoded || !fragment) return std::nullopt;
  Remote out{std::move(scheme), *decoded, {}, *fragment, *parse_query(query.value_or(""), false)};
  out.remote = cat(out.scheme, "://", authority, escaped_path(path, *decoded));
  return out;
}

std::optional<Remote> parse_remote(std::string_view text) {
  const std::size_t end = text.find("://");
  if (end == std::string_view::npos || !all_of(text.substr(0, end), "")) return parse_scp(text);
  const std::string scheme = lower(text.substr(0, end));
  if (scheme != "http" && scheme != "https" && scheme != "ssh" && scheme != "git") return std::nullopt;
  return parse_url(scheme, text.substr(end + 3), true);
}

// One member of a reference that may be given in two places; they must agree.
void set_once(std::string_view what, std::string& member, std::string value) {
  if (!member.empty() && member != value) fail_invalid(what, " conflicts: ", quoted(member), " vs ", quoted(value));
  member = std::move(value);
}

bool switch_value(std::string_view key, std::string_view value) {
  if (value.empty()) return true;
  if (auto parsed = parse_bool(value)) return *parsed;
  fail_invalid("invalid ", key, " value: ", quoted(value));
}

void apply_query(GitReference& out, const Query& query) {
  std::string tag, branch;
  for (const auto& [key, values] : query) {
    if (values.size() > 1) fail_invalid("query ", quoted(key), " has multiple values");
    const std::string& value = values.front();
    const bool is_switch = key == "submodules" || key == "keep-git-dir" || key == "fetch-by-commit";
    if (value.empty() && !is_switch) fail_invalid("query ", quoted(key), " has no value");
    if (key == "ref") {
      set_once("ref", out.ref, value);
    } else if (key == "tag") {
      tag = value.starts_with("refs/tags/") ? value : cat("refs/tags/", value);
    } else if (key == "branch") {
      branch = value.starts_with("refs/heads/") ? value : cat("refs/heads/", value);
    } else if (key == "subdir") {
      set_once("subdir", out.subdir, value);
    } else if (key == "checksum" || key == "commit") {
      out.checksum = value;
    } else if (key == "keep-git-dir") {
      out.keep_git_dir = switch_value(key, value);
    } else if (key == "submodules") {
      out.submodules = switch_value(key, value);
    } else if (key == "fetch-by-commit") {
      out.fetch_by_commit = switch_value(key, value);
    } else if (key == "mtime") {
      if (value != "checkout" && value != "commit")
        fail_invalid("invalid mtime value: ", quoted(value), " (must be \"checkout\" or \"commit\")");
      out.mtime = value;
    } else {
      fail_invalid("unexpected query ", quoted(key),
                   suggestion(key, {"ref", "tag", "branch", "subdir", "checksum", "commit", "keep-git-dir",
                                    "submodules", "fetch-by-commit", "mtime"}));
    }
  }
  if (!tag.empty() && !branch.empty()) fail_invalid("branch conflicts with tag");
  if (!tag.empty()) set_once("ref", out.ref, tag);
  if (!branch.empty()) set_once("ref", out.ref, branch);
}

}  // namespace

std::optional<GitReference> parse_git_reference(std::string_view text) {
  if (text.starts_with("./") || text.starts_with("../")) return std::nullopt;
  GitReference out;
  out.looks_local = text.starts_with("github.com/");
  const auto remote = out.looks_local ? parse_url("https", text, false) : parse_remote(text);
  if (!remote) return std::nullopt;
  const bool http = remote->scheme == "http" || remote->scheme == "https";
  if (!out.looks_local && http && !remote->path.ends_with(".git")) return std::nullopt;
  out.unencrypted = !out.looks_local && (remote->scheme == "http" || remote->scheme == "git");
  out.remote = out.looks_local ? remote->remote.substr(remote->remote.find("://") + 3) : remote->remote;
  out.short_name = out.remote.substr(out.remote.rfind('/') + 1);
  if (out.short_name.ends_with(".git")) out.short_name.resize(out.short_name.size() - 4);
  const auto [ref, subdir] = split_once(remote->fragment, ':');
  out.ref = ref;
  out.subdir = clean_relative(subdir.value_or(""));
  apply_query(out, remote->query);
  return out;
}

bool is_http_source(std::string_view text) {
  return (text.starts_with("http://") || text.starts_with("https://")) && !parse_git_reference(text);
}

std::string http_file_name(std::string_view url) {
  std::string_view path = url.substr(0, url.find_first_of("?#"));
  const std::size_t host = path.find("://");
  path = path.substr(std::min(path.find('/', host == std::string_view::npos ? 0 : host + 3), path.size()));
  const std::string decoded = unescape(path, false).value_or(std::string());
  const std::string clean = clean_relative(decoded);
  const std::string name = clean.substr(clean.rfind('/') + 1);
  return name.empty() ? "__unnamed__" : name;
}

ContextKind context_kind(std::string_view text) {
  if (text == "-") return ContextKind::kStandardInput;
  if (parse_git_reference(text)) return ContextKind::kGit;
  if (text.starts_with("http://") || text.starts_with("https://")) return ContextKind::kHttp;
  return ContextKind::kDirectory;
}

}  // namespace hull::dockerfile
