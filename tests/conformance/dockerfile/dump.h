// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "dockerfile/parse.h"

// A Dockerfile's instructions as text, one per line, in the form that reference.go gives BuildKit's own.
namespace hull::dockerfile::dump {

// Bytes that are not printable ASCII as \xNN.
inline std::string quote(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (byte < 0x20 || byte >= 0x7f)
      out += cat("\\x", to_hex(&c, 1));
    else
      out += c;
  }
  return out + "\"";
}

inline std::string list(const std::vector<std::string>& texts) {
  std::vector<std::string> quoted_texts;
  for (const std::string& text : texts) quoted_texts.push_back(quote(text));
  return cat("[", join(quoted_texts, " "), "]");
}

inline std::string lines(Lines value) { return cat(value.first, "-", value.last); }

inline std::string tristate(const std::optional<bool>& value) { return value ? cat(*value) : "-"; }
inline std::string number(const std::optional<std::uint32_t>& value) { return value ? cat(*value) : "-"; }

inline std::string of(const CommandLine& line) {
  std::string out = cat("shell=", line.shell_form, " ", list(line.words));
  for (const Heredoc& file : line.heredocs)
    out += cat(" heredoc ", quote(file.name), " tabs=", file.strip_tabs, " ", quote(file.content));
  return out;
}

inline std::string of(const std::vector<KeyValue>& pairs) {
  std::vector<std::string> out;
  for (const KeyValue& pair : pairs)
    out.push_back(cat(quote(pair.key), "=", quote(pair.value), " legacy=", pair.legacy));
  return join(out, " ");
}

inline std::string of(const FileSources& files) {
  std::string out = cat(list(files.paths), " to ", quote(files.destination), " chown=", quote(files.chown),
                        " chmod=", quote(files.chmod), " link=", files.link, " exclude=", list(files.exclude));
  for (const Heredoc& file : files.documents)
    out += cat(" heredoc ", quote(file.name), " expand=", file.expand, " ", quote(file.text()));
  return out;
}

inline std::string of(const Run& run) {
  std::string out = cat(of(run.command), " network=", run.network, " insecure=", run.insecure);
  for (const RunDevice& device : run.devices) out += cat(" device ", quote(device.name), " required=", device.required);
  std::string mounts;
  try {
    for (const RunMount& written : run.mounts) {
      const RunMount m = parse_run_mount(written.text, [](std::string_view word) { return std::string(word); });
      mounts += cat(" mount ", to_string(m.type), " from=", quote(m.from), " source=", quote(m.source),
                    " target=", quote(m.target), " id=", quote(m.id), " ro=", m.read_only, " size=", m.size,
                    " sharing=", to_string(m.sharing), " required=", m.required, " env=", m.env ? quote(*m.env) : "-",
                    " mode=", number(m.mode), " uid=", number(m.uid), " gid=", number(m.gid));
    }
  } catch (const Error& error) {
    return cat(out, " mount error ", quote(error.message()));
  }
  return out + mounts;
}

inline std::string of(const Cmd& cmd) { return of(cmd.command); }
inline std::string of(const Entrypoint& entrypoint) { return of(entrypoint.command); }
inline std::string of(const Shell& shell) { return list(shell.words); }
inline std::string of(const Label& label) { return of(label.labels); }
inline std::string of(const Env& env) { return of(env.variables); }
inline std::string of(const Arg& arg) {
  std::vector<std::string> out;
  for (const auto& one : arg.arguments)
    out.push_back(
        cat(quote(one.name), "=", one.value ? quote(*one.value) : "-", " description=", quote(one.description)));
  return join(out, " ");
}
inline std::string of(const Expose& expose) { return list(expose.ports); }
inline std::string of(const Volume& volume) { return list(volume.paths); }
inline std::string of(const User& user) { return quote(user.user); }
inline std::string of(const Workdir& workdir) { return quote(workdir.path); }
inline std::string of(const StopSignal& stop) { return quote(stop.signal); }
inline std::string of(const Maintainer& maintainer) { return quote(maintainer.author); }
inline std::string of(const OnBuild& on_build) { return quote(on_build.trigger); }
inline std::string of(const HealthCheck& health) {
  const auto& check = health.check;
  return cat(list(check.test.value_or(std::vector<std::string>())), " interval=", check.interval,
             " timeout=", check.timeout, " start-period=", check.start_period, " start-interval=", check.start_interval,
             " retries=", check.retries);
}
inline std::string of(const Copy& copy) {
  return cat("from=", quote(copy.from), " parents=", copy.parents, " ", of(copy.files));
}
inline std::string of(const Add& add) {
  return cat("checksum=", quote(add.checksum), " keep-git-dir=", tristate(add.keep_git_dir),
             " unpack=", tristate(add.unpack), " ", of(add.files));
}
inline std::string of(const From& from) {
  return cat(quote(from.base), " platform=", quote(from.platform), " name=", quote(from.name));
}

inline std::string of(const Instruction& one) {
  return cat(upper(one.name), " ", lines(one.lines), ": ",
             std::visit([](const auto& body) { return of(body); }, one.body));
}

inline std::string of(const Dockerfile& file) {
  std::string out = cat("escape ", file.directives.escape, "\n");
  for (const Instruction& one : file.arguments) out += of(one) + "\n";
  for (const Stage& stage : file.stages) {
    out += cat(of(stage.start), " description=", quote(stage.description), "\n");
    for (const Instruction& one : stage.instructions) out += of(one) + "\n";
  }
  return out;
}

// The dump, or "error on line N: …".
inline std::string parse_and_dump(std::string_view text) {
  try {
    return of(parse(text));
  } catch (const SourceError& error) {
    return cat("error on line ", error.lines().first, ": ", quote(error.reason()), "\n");
  } catch (const Error& error) {
    return cat("error on line 0: ", quote(error.message()), "\n");
  }
}

}  // namespace hull::dockerfile::dump
