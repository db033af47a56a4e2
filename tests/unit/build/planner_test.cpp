// SPDX-License-Identifier: Apache-2.0
#include "build/planner.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace hull::build {
namespace {

Graph planned(std::string_view text, const Request& request = {}) {
  PlannerServices services;
  services.has_context = [](const std::string& name) { return name == "named"; };
  services.image = [](const std::string& name, const std::string&) {
    if (name == "missing") fail(Kind::kNotFound, "No such image: missing");
    auto image = std::make_shared<image::Image>();
    image->id = "sha256:" + name;
    image->config.config.env = {"BASE=1"};
    image->config.config.cmd = std::vector<std::string>{"base"};
    if (name == "triggers") image->config.config.on_build = {"RUN triggered"};
    return image;
  };
  Observer nobody;
  return plan(dockerfile::parse(text), request, services, nobody);
}

std::vector<std::string> history(const Graph& graph) {
  std::vector<std::string> lines;
  for (const Node& node : graph.nodes)
    if (node.in_history) lines.push_back(node.created_by);
  return lines;
}

TEST(Planner, HistoryIsBuildKits) {
  Graph graph = planned(
      "FROM b\nARG V=1\nENV A=$V B=2\nRUN make\nCMD [\"a\", \"b\"]\nEXPOSE 80\nWORKDIR x\n"
      "COPY --chown=1:2 f g /d/\nUSER u\nVOLUME /v\nHEALTHCHECK --interval=90s CMD t\n");
  EXPECT_EQ(history(graph),
            (std::vector<std::string>{"ARG V=1", "ENV A=1 B=2", "RUN |1 V=1 /bin/sh -c make # buildkit",
                                      "CMD [\"a\" \"b\"]", "EXPOSE [80/tcp]", "WORKDIR /x",
                                      "COPY --chown=1:2 f g /d/ # buildkit", "USER u", "VOLUME [/v]",
                                      "HEALTHCHECK &{[\"CMD-SHELL\" \"t\"] \"1m30s\" \"0s\" \"0s\" \"0s\" '\\x00'}"}));
}

TEST(Planner, OnlyWhatTheTargetNeeds) {
  std::string text = "FROM b AS one\nRUN 1\nFROM b AS two\nRUN 2\nFROM b\nCOPY --from=one /x /\n";
  Graph graph = planned(text);
  ASSERT_EQ(graph.nodes.size(), 4U);
  EXPECT_EQ(graph.nodes[3].inputs(), (std::vector<std::size_t>{2, 1}));
  Request request;
  request.target = "two";
  EXPECT_EQ(planned(text, request).nodes.size(), 2U);
}

TEST(Planner, TriggersRunFirstAndOnce) {
  Graph graph = planned("FROM triggers\nRUN own\n");
  EXPECT_EQ(history(graph),
            (std::vector<std::string>{"RUN /bin/sh -c triggered # buildkit", "RUN /bin/sh -c own # buildkit"}));
  EXPECT_TRUE(graph.nodes.back().config.on_build.empty());
}

TEST(Planner, EnvironmentOfRun) {
  Request request;
  request.arguments = {{"HTTP_PROXY", "p"}, {"V", "given"}};
  Graph graph = planned("FROM b\nARG V\nENV E=$V\nRUN x\n", request);
  const Node& run = graph.nodes.back();
  EXPECT_NE(std::ranges::find(run.environment, "V=given"), run.environment.end());
  EXPECT_NE(std::ranges::find(run.environment, "E=given"), run.environment.end());
  EXPECT_EQ(run.proxies, (std::vector<std::string>{"HTTP_PROXY=p", "http_proxy=p"}));
  EXPECT_NE(std::ranges::find(run.config.env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            run.config.env.end());
}

TEST(Planner, EntrypointForgetsAnInheritedCommand) {
  EXPECT_FALSE(planned("FROM b\nENTRYPOINT [\"e\"]\n").nodes.back().config.cmd);
  EXPECT_TRUE(planned("FROM b\nCMD [\"c\"]\nENTRYPOINT [\"e\"]\n").nodes.back().config.cmd);
}

TEST(Planner, HeredocsOfRun) {
  EXPECT_EQ(planned("FROM b\nRUN <<E\na\nb\nE\n").nodes.back().command.back(), "a\nb\n");
  EXPECT_EQ(planned("FROM b\nRUN cat <<E\na\nE\n").nodes.back().command.back(), "cat <<E\na\nE");
  Graph script = planned("FROM b\nRUN <<E\n#!/bin/x\na\nE\n");
  EXPECT_EQ(script.nodes.back().script, "#!/bin/x\na\n");
  EXPECT_EQ(script.nodes.back().command.back(), "/dev/pipes/E");
}

TEST(Planner, ErrorsKnowTheirLine) {
  try {
    planned("FROM b\nRUN true\nFROM missing\n");
    FAIL();
  } catch (const dockerfile::SourceError& e) {
    EXPECT_EQ(e.lines().first, 3);
    EXPECT_NE(e.message().find("No such image"), std::string::npos);
  }
}

}  // namespace
}  // namespace hull::build
