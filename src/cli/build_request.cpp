// SPDX-License-Identifier: Apache-2.0
#include "cli/build_request.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>

#include "base/file.h"
#include "cli/credentials.h"
#include "cli/output.h"
#include "cli/tar.h"
#include "dockerfile/git_reference.h"
#include "dockerfile/ignore.h"

namespace hull::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kTarBlock = 512;
constexpr std::size_t kPiece = 128 << 10;

std::string read_input() { return hull::read_all(STDIN_FILENO); }

std::string read_up_to(int fd, std::size_t size) {
  std::string text(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    ssize_t got = ::read(fd, text.data() + have, size - have);
    if (got < 0 && errno == EINTR) continue;
    if (check(got, "read", "standard input") == 0) break;
    have += static_cast<std::size_t>(got);
  }
  text.resize(have);
  return text;
}

// gzip, bzip2, xz, zstd, or the magic of a tar header.
bool is_archive(std::string_view beginning) {
  for (std::string_view magic : {std::string_view("\x1f\x8b"), std::string_view("BZh"),
                                 std::string_view("\xfd"
                                                  "7zXZ"),
                                 std::string_view("\x28\xb5\x2f\xfd")})
    if (beginning.starts_with(magic)) return true;
  return beginning.size() >= kTarBlock && beginning.substr(257, 5) == "ustar";
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// "a=1,b=2" of one option: fields of CSV, so that "b=2,3" in quotes is one.
std::vector<std::pair<std::string, std::string>> fields_of(const std::string& text) {
  std::vector<std::string> parts(1);
  bool inside = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"' && inside && i + 1 < text.size() && text[i + 1] == '"')
      parts.back() += text[++i];
    else if (text[i] == '"')
      inside = !inside;
    else if (text[i] == ',' && !inside)
      parts.emplace_back();
    else
      parts.back() += text[i];
  }
  std::vector<std::pair<std::string, std::string>> out;
  for (const std::string& part : parts) {
    auto [name, value] = split_once(part, '=');
    // Names are words, but those of annotations are the user's own.
    std::string key(trim(name));
    out.emplace_back(key.starts_with("annotation") ? key : lower(key), value.value_or(""));
  }
  return out;
}

// The context as a tar, without what its ignore file leaves out. The Dockerfile and the ignore file always go along.
class ContextTar {
 public:
  ContextTar(const BuildContext& context, TarOutput& tar) : root_(context.directory), tar_(tar) {
    if (context.has_ignore_text)
      rules_ = dockerfile::IgnoreRules::parse(context.ignore_text);
    else
      for (const std::string& name : dockerfile::ignore_files(context.dockerfile))
        if (auto text = read_if_exists((root_ / name).string())) {
          rules_ = dockerfile::IgnoreRules::parse(*text);
          kept_ = name;
          break;
        }
    dockerfile_ = context.dockerfile.empty() ? "Dockerfile" : context.dockerfile;
  }
  void write() {
    directory(root_, "");
    tar_.finish();
  }

 private:
  void directory(const fs::path& at, const std::string& prefix) {
    for (const std::string& name : list_directory(at.string())) {
      std::string path = prefix + name;
      fs::path full = at / name;
      struct stat info {};
      if (::lstat(full.c_str(), &info) < 0) continue;
      bool out = rules_.matches(path) && path != dockerfile_ && path != kept_;
      if (!out) entry(full, path, info);
      if (S_ISDIR(info.st_mode) && (!out || rules_.may_include_below(path))) directory(full, path + "/");
    }
  }
  void entry(const fs::path& full, const std::string& path, const struct stat& info) {
    TarEntry one;
    one.name = S_ISDIR(info.st_mode) ? path + "/" : path;
    one.mode = info.st_mode & 07777;
    one.modified = info.st_mtime;
    if (S_ISDIR(info.st_mode)) {
      one.type = '5';
    } else if (S_ISLNK(info.st_mode)) {
      one.type = '2';
      one.link = fs::read_symlink(full).string();
    } else if (S_ISREG(info.st_mode)) {
      one.size = info.st_size;
    } else {
      return;
    }
    UniqueFd file;
    if (one.type == '0') file = open_file(full.string(), O_RDONLY);
    tar_.add(one);
    if (one.type != '0') return;
    std::vector<char> buffer(kPiece);
    for (ssize_t got; (got = ::read(file.get(), buffer.data(), buffer.size())) > 0;)
      tar_.content({buffer.data(), static_cast<std::size_t>(got)});
    tar_.end_content();
  }

  fs::path root_;
  TarOutput& tar_;
  dockerfile::IgnoreRules rules_;
  std::string kept_, dockerfile_;
};

void send_descriptors(int socket, const std::vector<NamedDescriptor>& descriptors) {
  std::vector<char> control(CMSG_SPACE(sizeof(int) * descriptors.size()));
  char byte = 'h';
  iovec data{&byte, 1};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(sizeof(int) * descriptors.size());
  int* numbers = reinterpret_cast<int*>(CMSG_DATA(head));
  for (const NamedDescriptor& one : descriptors) *numbers++ = one.fd.get();
  check(::sendmsg(socket, &message, MSG_NOSIGNAL), "sendmsg", "the engine's socket");
}

}  // namespace

UniqueFd descriptor_of_text(std::string_view text) {
  UniqueFd fd(check(::memfd_create("hull", MFD_CLOEXEC), "memfd_create"));
  write_all(fd.get(), text);
  check(::lseek(fd.get(), 0, SEEK_SET), "lseek");
  return fd;
}

BuildContext build_context(const std::string& argument, const std::string& file) {
  BuildContext context;
  std::error_code missing;
  auto kind = dockerfile::context_kind(argument);
  bool remote = kind == dockerfile::ContextKind::kGit || kind == dockerfile::ContextKind::kHttp;
  if (remote && !fs::exists(argument, missing)) {
    context.remote = argument;
    context.dockerfile = file == "-" ? "" : file;
    context.has_text = file == "-";
    if (context.has_text) context.dockerfile_text = read_input();
    return context;
  }
  if (argument == "-") {
    if (file == "-") throw Exit(1, "ERROR: invalid argument: can't use stdin for both build context and dockerfile");
    context.beginning = read_up_to(STDIN_FILENO, kTarBlock);
    context.dockerfile = file;
    context.archive_on_input = is_archive(context.beginning);
    if (context.archive_on_input) return context;
    context.dockerfile_text = context.beginning + read_input();
    context.has_text = true;
    return context;
  }
  std::error_code code;
  if (!fs::is_directory(argument, code))
    throw Exit(1, cat("ERROR: unable to prepare context: path ", hull::quoted(argument), " not found"));
  context.directory = argument;
  if (file == "-") {
    context.dockerfile_text = read_input();
    context.has_text = true;
    return context;
  }
  if (file.empty()) {
    if (!fs::exists(fs::path(argument) / "Dockerfile", code) && !fs::exists(fs::path(argument) / "dockerfile", code))
      throw Exit(1, "ERROR: failed to build: failed to read dockerfile: open Dockerfile: no such file or directory");
    return context;
  }
  // -f is a path of the user; in the context it is named from there.
  fs::path given = fs::exists(file, code) ? fs::path(file) : fs::path(argument) / file;
  if (!fs::exists(given, code))
    throw Exit(1, cat("ERROR: failed to build: failed to read dockerfile: open ", file, ": no such file or directory"));
  fs::path inside = fs::relative(fs::canonical(given, code), fs::canonical(argument, code), code);
  context.dockerfile = inside.string();
  if (!inside.empty() && *inside.begin() != "..") return context;
  context.dockerfile = given.filename().string();
  context.dockerfile_text = read_file(given.string());
  context.has_text = true;
  if (auto text = read_if_exists(given.string() + ".dockerignore")) {
    context.ignore_text = *text;
    context.has_ignore_text = true;
  }
  return context;
}

BuildOutput parse_output(const std::string& text) {
  BuildOutput output;
  // A path alone is a directory, "-" a tar.
  if (text.find('=') == std::string::npos) {
    output.type = text == "-" ? "tar" : "local";
    output.destination = text;
    return output;
  }
  for (const auto& [name, value] : fields_of(text)) {
    if (name == "type")
      output.type = value;
    else if (name == "dest" || name == "destination")
      output.destination = value;
    else
      output.attributes.set(name, value);
  }
  if (output.type.empty()) fail_invalid("type is required for output ", quoted(text));
  bool to_client = output.type == "local" || output.type == "tar" || output.type == "oci" ||
                   (output.type == "docker" && !output.destination.empty());
  if (output.type == "docker" && output.destination.empty()) output.type = "image";
  if (to_client && output.destination.empty()) {
    if (output.type == "local") fail_invalid("dest is required for local output");
    output.destination = "-";
  }
  return output;
}

CacheOption parse_cache(const std::string& text, std::string_view flag) {
  CacheOption cache;
  if (text.find('=') == std::string::npos) {
    cache.type = "registry";
    cache.attributes.set("ref", text);
    return cache;
  }
  for (const auto& [name, value] : fields_of(text)) {
    if (name == "type")
      cache.type = value;
    else if (name == "src" || name == "source" || name == "dest" || name == "destination")
      cache.directory = value;
    else
      cache.attributes.set(name, value);
  }
  if (cache.type.empty()) fail_invalid("--", flag, " ", quoted(text), ": type is required");
  if (cache.type == "local" && cache.directory.empty())
    fail_invalid("--", flag, " type=local needs ", flag == "cache-to" ? "dest" : "src", "=<directory>");
  if (cache.type == "registry" && cache.attributes["ref"].text().empty())
    fail_invalid("--", flag, " type=registry needs ref=<image>");
  return cache;
}

std::vector<NamedDescriptor> secret_descriptors(const std::vector<std::string>& secrets) {
  std::vector<NamedDescriptor> out;
  for (const std::string& text : secrets) {
    std::string id, source, variable, type;
    for (const auto& [name, value] : fields_of(text)) {
      if (name == "id")
        id = value;
      else if (name == "src" || name == "source")
        source = value;
      else if (name == "env")
        variable = value;
      else if (name == "type")
        type = value;
      else
        fail_invalid("unexpected key ", quoted(name), " in secret ", quoted(text));
    }
    if (id.empty()) fail_invalid("secret ", quoted(text), " has no id");
    if (type == "env" && variable.empty()) variable = source.empty() ? id : source;
    if (source.empty() && variable.empty()) (environment(id.c_str()).empty() ? source : variable) = id;
    if (!variable.empty())
      out.push_back({"secret:" + id, descriptor_of_text(environment(variable.c_str()))});
    else
      out.push_back({"secret:" + id, open_file(source, O_RDONLY)});
  }
  return out;
}

std::vector<NamedDescriptor> agent_descriptors(const std::vector<std::string>& agents) {
  std::vector<NamedDescriptor> out;
  for (const std::string& text : agents) {
    auto [id, path] = split_once(text, '=');
    std::string socket(path.value_or(""));
    if (socket.empty()) socket = environment("SSH_AUTH_SOCK");
    if (socket.empty()) fail_invalid("--ssh ", id, ": there is no agent: SSH_AUTH_SOCK is not set");
    UniqueFd fd = open_file(socket, O_PATH);
    struct stat info {};
    check(::fstat(fd.get(), &info), "stat", socket);
    if (!S_ISSOCK(info.st_mode))
      fail_invalid("--ssh ", text, ": not a socket: add the key to an agent, and give its socket");
    out.push_back({cat("ssh:", id), std::move(fd)});
  }
  return out;
}

namespace {

// True when the engine took the descriptors: its answer is what comes next.
bool offer_descriptors(Client& client, Connection& connection, const std::string& path, const Headers& headers,
                       const std::vector<NamedDescriptor>& descriptors) {
  std::string more;
  for (const auto& [name, value] : headers) more += cat(name, ": ", value, "\r\n");
  connection.send(cat("POST /v", client.version(), path,
                      " HTTP/1.1\r\nHost: hull\r\nUser-Agent: hull\r\nContent-Type: application/x-tar\r\n", more,
                      "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n"));
  ResponseHead head = connection.read_any_head();
  if (head.status != 100) throw Refused(head.status, reason_of(connection.read_body()));
  if (head.header("x-hull-descriptors").empty()) return false;
  send_descriptors(connection.fd(), descriptors);
  return true;
}

}  // namespace

std::unique_ptr<Connection> send_build(Client& client, const Query& query, const BuildContext& context,
                                       std::vector<NamedDescriptor>& descriptors, bool& statuses) {
  bool local = client.host().starts_with("unix://") || client.host().starts_with("/");
  Value names = Value::empty_list();
  Headers headers = all_registry_headers();
  if (local && !context.archive_on_input) {
    if (!context.directory.empty())
      descriptors.push_back({"context", open_file(context.directory, O_RDONLY | O_DIRECTORY)});
    if (context.has_text) descriptors.push_back({"dockerfile", descriptor_of_text(context.dockerfile_text)});
    if (context.has_ignore_text) descriptors.push_back({"ignore", descriptor_of_text(context.ignore_text)});
    for (const NamedDescriptor& one : descriptors) names.push(one.name);
    Query with = query;
    with.add("statuses", "1").add("descriptors", to_json(names));
    auto connection = std::make_unique<Connection>(client.connect());
    // Of a remote context nothing has to be handed over.
    if (!descriptors.empty() &&
        offer_descriptors(client, *connection, cat("/build", with.text()), headers, descriptors)) {
      client.finish_head(*connection);
      statuses = true;
      return connection;
    }
    descriptors.erase(
        descriptors.end() - (context.directory.empty() ? 0 : 1) - context.has_text - context.has_ignore_text,
        descriptors.end());
  }
  if (!descriptors.empty())
    fail(Kind::kNotImplemented,
         "secrets, ssh agents, named contexts and outputs of a build go through a local socket of "
         "hulld only, and ",
         client.host(), " is none");
  Query with = query;
  with.add("statuses", "1");
  if (context.has_text && (!context.directory.empty() || !context.remote.empty()))
    fail(Kind::kNotImplemented, "a Dockerfile outside of the context can only be used through a local socket of hulld");
  std::string beginning = context.beginning;
  return client.upload_streaming(
      cat("/build", with.text()), "application/x-tar",
      [&](const Client::Send& send) {
        if (!context.remote.empty()) return;  // the engine fetches it
        if (context.archive_on_input) {
          send(beginning);
          std::vector<char> buffer(kPiece);
          for (ssize_t got; (got = ::read(STDIN_FILENO, buffer.data(), buffer.size())) > 0;)
            send({buffer.data(), static_cast<std::size_t>(got)});
          return;
        }
        TarOutput tar(send);
        if (context.has_text) {
          TarEntry one;
          one.name = "Dockerfile";
          one.mode = 0644;
          one.size = static_cast<std::int64_t>(context.dockerfile_text.size());
          tar.add(one);
          tar.content(context.dockerfile_text);
          tar.end_content();
          tar.finish();
          return;
        }
        ContextTar(context, tar).write();
      },
      headers);
}

}  // namespace hull::cli
