// SPDX-License-Identifier: Apache-2.0
// Modes, owners, ports, mounts, git references, options of checks: words with a grammar of their own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "dockerfile/git_reference.h"
#include "dockerfile/lint.h"
#include "dockerfile/mode.h"
#include "dockerfile/owner.h"
#include "dockerfile/ports.h"
#include "dockerfile/run_mount.h"
#include "dockerfile/validate.h"
#include "dockerfile/words.h"

namespace hull::dockerfile {
namespace {

using ::testing::ElementsAre;

template <class Action>
std::string message_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.message();
  }
  return "accepted";
}

TEST(Mode, OctalAndSymbolic) {
  struct Case {
    std::string_view text;
    unsigned before, file, directory;
  };
  for (const auto& [text, before, file, directory] : std::initializer_list<Case>{
           {"755", 0600, 0755, 0755},
           {"4711", 0, 04711, 04711},
           {"u=rwX,go=rX", 0600, 0644, 0755},
           {"u=rwX,go=rX", 0100, 0755, 0755},
           {"+x", 0644, 0755, 0755},
           {"a-w", 0777, 0555, 0555},
           {"g=u", 0740, 0770, 0770},
           {"go=", 0777, 0700, 0700},
           {"u+s,g+s,+t", 0755, 07755, 07755},
           {"o=g-w", 0760, 0764, 0764},
           {"=", 0777, 0, 0},
           {"u+x,u-x", 0644, 0644, 0644},
       }) {
    const ModeChange change = ModeChange::parse(text);
    EXPECT_EQ(change.apply(before, false), file) << text;
    EXPECT_EQ(change.apply(before, true), directory) << text;
  }
  for (std::string_view bad : {"", "8", "10000", "u", "u=q", "u+x,", "rw", "u=rw go=r"})
    EXPECT_THROW(ModeChange::parse(bad), Error) << bad;
}

TEST(Owners, NumbersNamesAndRoot) {
  const Owner both = parse_owner("1000:staff");
  EXPECT_EQ(both.user.id, 1000U);
  EXPECT_EQ(both.group->name, "staff");
  EXPECT_TRUE(both.has_names());
  const Owner root = parse_owner("root:");
  EXPECT_EQ(root.user.id, 0U);
  EXPECT_EQ(root.group, std::nullopt);
  EXPECT_FALSE(root.has_names());
  EXPECT_EQ(parse_owner("-1").user.name, "-1");
}

TEST(Ports, RangesAndProtocols) {
  EXPECT_THAT(parse_exposed_port("8000-8002/UDP").ports, ElementsAre("8000/udp", "8001/udp", "8002/udp"));
  EXPECT_TRUE(parse_exposed_port("8000/UDP").protocol_has_capitals);
  EXPECT_THAT(parse_exposed_port("[::1]:8080:80").ports, ElementsAre("80/tcp"));
  EXPECT_TRUE(parse_exposed_port("127.0.0.1:80:80").maps_to_host);
  EXPECT_FALSE(parse_exposed_port("80/sctp").maps_to_host);
  auto refusal = [](std::string_view word) { return message_of([&] { parse_exposed_port(word); }); };
  EXPECT_EQ(refusal("80a"), "invalid containerPort: 80a");
  EXPECT_EQ(refusal("90-80"), "invalid containerPort: 90-80");
  EXPECT_EQ(refusal("65536"), "invalid containerPort: 65536");
  EXPECT_EQ(refusal("/tcp"), "invalid port: \"/tcp\": no port specified");
  EXPECT_EQ(refusal("80/icmp"), "invalid port: \"80/icmp\": invalid proto: icmp");
  EXPECT_EQ(refusal("x:80:80"), "invalid IP address: x");
  EXPECT_EQ(refusal("1-2:80-82"), "invalid ranges specified for container and host Ports: 80-82 and 1-2");
}

TEST(Mounts, EveryOption) {
  auto parsed = [](std::string_view text) {
    return parse_run_mount(text, [](std::string_view word) { return std::string(word); });
  };
  const RunMount bind = parsed("target=/in,source=sub,from=stage,rw");
  EXPECT_EQ(bind.type, RunMount::Type::kBind);
  EXPECT_FALSE(bind.read_only);
  EXPECT_TRUE(parsed("target=/in").read_only);
  EXPECT_TRUE(parsed("target=/in,rw=false").read_only);
  const RunMount cache = parsed("TYPE=Cache,dst=/c,id=x,sharing=LOCKED,mode=0700,uid=1,gid=2");
  EXPECT_EQ(cache.type, RunMount::Type::kCache);
  EXPECT_EQ(cache.sharing, RunMount::Sharing::kLocked);
  EXPECT_FALSE(cache.read_only);
  EXPECT_EQ(cache.mode, 0700U);
  EXPECT_EQ(parsed("type=tmpfs,target=/t,size=1.5g").size, 1610612736U);
  EXPECT_EQ(parsed("type=tmpfs,target=/t,size=10MiB").size, 10U << 20);
  EXPECT_EQ(parsed("type=secret,id=a,env=").env, "");
  EXPECT_TRUE(parsed("type=ssh,required").required);
  auto refusal = [&](std::string_view text) { return message_of([&] { parsed(text); }); };
  EXPECT_EQ(refusal("type=secret"), "invalid secret mount. one of source, target required");
  EXPECT_EQ(refusal("type=secret,id=a,source=b"), "both source and id can't be set");
  EXPECT_EQ(refusal("type=secret,id=a,from=b"), "secret mount should not have a from");
  EXPECT_EQ(refusal("type=bind,mode=0700"), "mode not allowed for \"bind\" type mounts");
  EXPECT_EQ(refusal("type=tmpfs,sharing=locked"), "invalid cache sharing set for tmpfs mount");
  EXPECT_EQ(refusal("type=cache,sharing=share"), "unsupported sharing value \"share\" (did you mean shared?)");
  EXPECT_EQ(refusal("type=tmpfs,size=big"), "invalid value for size: big");
  EXPECT_EQ(refusal("required,target=/x"), "unexpected key 'required' for mount type 'bind'");
  EXPECT_EQ(refusal("target"), "invalid field 'target' must be a key=value pair");
  EXPECT_EQ(refusal("type=cache,ro=maybe"), "invalid value for ro: maybe");
  EXPECT_EQ(parse_run_device("vendor.com/gpu=all,required=false").name, "vendor.com/gpu=all");
}

TEST(Git, UrlsAndTheirParts) {
  const auto full = parse_git_reference("https://example.org/org/repo.git#v1.2:docs/../src");
  ASSERT_TRUE(full);
  EXPECT_EQ(full->remote, "https://example.org/org/repo.git");
  EXPECT_EQ(full->short_name, "repo");
  EXPECT_EQ(full->ref, "v1.2");
  EXPECT_EQ(full->subdir, "src");
  const auto scp = parse_git_reference("git@example.org:org/repo.git#main");
  ASSERT_TRUE(scp);
  EXPECT_EQ(scp->remote, "git@example.org:org/repo.git");
  EXPECT_EQ(scp->ref, "main");
  const auto query = parse_git_reference(
      "https://example.org/r.git?branch=main&subdir=a&commit=abc&submodules=false&keep-git-dir=true&mtime=commit");
  ASSERT_TRUE(query);
  EXPECT_EQ(query->ref, "refs/heads/main");
  EXPECT_EQ(query->subdir, "a");
  EXPECT_EQ(query->checksum, "abc");
  EXPECT_EQ(query->submodules, false);
  EXPECT_EQ(query->keep_git_dir, true);
  EXPECT_TRUE(parse_git_reference("git://example.org/r")->unencrypted);
  EXPECT_TRUE(parse_git_reference("github.com/org/repo")->looks_local);
  EXPECT_EQ(parse_git_reference("ssh://git@example.org:2222/r")->remote, "ssh://git@example.org:2222/r");
  for (std::string_view other : {"./github.com/a", "https://example.org/a.tar.gz", "https://example.org/r.git/x", "dir",
                                 "ftp://h/r.git", "git@host", "C:\\x", "https://ho st/r.git", "-"})
    EXPECT_FALSE(parse_git_reference(other)) << other;
  auto refusal = [](std::string_view text) { return message_of([&] { parse_git_reference(text); }); };
  EXPECT_EQ(refusal("https://h/r.git?brnch=a"), "unexpected query \"brnch\" (did you mean branch?)");
  EXPECT_EQ(refusal("https://h/r.git?ref=a#b"), "ref conflicts: \"b\" vs \"a\"");
  EXPECT_EQ(refusal("https://h/r.git?tag=a&branch=b"), "branch conflicts with tag");
  EXPECT_EQ(refusal("https://h/r.git?ref="), "query \"ref\" has no value");
}

TEST(Git, ContextsAndDownloads) {
  EXPECT_EQ(context_kind("-"), ContextKind::kStandardInput);
  EXPECT_EQ(context_kind("."), ContextKind::kDirectory);
  EXPECT_EQ(context_kind("https://h/r.git#x"), ContextKind::kGit);
  EXPECT_EQ(context_kind("https://h/c.tar.gz"), ContextKind::kHttp);
  EXPECT_TRUE(is_http_source("http://h/a"));
  EXPECT_FALSE(is_http_source("http://h/a.git"));
  EXPECT_EQ(http_file_name("https://h/a/b%20c.txt?x=/y#z"), "b c.txt");
  EXPECT_EQ(http_file_name("https://h/"), "__unnamed__");
  EXPECT_EQ(http_file_name("https://h"), "__unnamed__");
}

TEST(Signals, NamesAndNumbers) {
  for (std::string_view good : {"TERM", "sigterm", "SIGKILL", "9", "SIGRTMIN", "RTMIN+15", "SIGRTMAX-14", "CLD"})
    EXPECT_TRUE(is_signal(good)) << good;
  for (std::string_view bad : {"", "0", "-9", "SIGNOPE", "RTMIN+16", "TERM ", "SIG"})
    EXPECT_FALSE(is_signal(bad)) << bad;
}

TEST(CommaLists, QuotedAsInCsv) {
  EXPECT_THAT(split_csv("a,\"b,\"\"c\"\"\",,d"), ElementsAre("a", "b,\"c\"", "", "d"));
  EXPECT_THROW(split_csv("a\"b"), Error);
  EXPECT_THROW(split_csv("\"a"), Error);
}

TEST(CheckOptions, DirectiveAndArgument) {
  const CheckOptions options = parse_check_options(" skip=A, B;error=true;experimental=all");
  EXPECT_THAT(options.skip, ElementsAre("A", "B"));
  EXPECT_TRUE(options.error);
  EXPECT_TRUE(options.experimental_all);
  EXPECT_TRUE(parse_check_options("skip=all").skip_all);
  auto refusal = [](std::string_view text) { return message_of([&] { parse_check_options(text); }); };
  EXPECT_EQ(refusal("skp=all"), "invalid check option \"skp\" (did you mean skip?)");
  EXPECT_EQ(refusal("skip"), "invalid check option \"skip\"");
  EXPECT_EQ(refusal("error=maybe"),
            "failed to parse check option \"error=maybe\": \"maybe\" is neither true nor false");
}

}  // namespace
}  // namespace hull::dockerfile
