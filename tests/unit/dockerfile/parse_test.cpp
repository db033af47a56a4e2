// SPDX-License-Identifier: Apache-2.0
#include "dockerfile/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hull::dockerfile {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The instruction behind a FROM.
Instruction one(std::string_view text) {
  Dockerfile file = parse(cat("FROM scratch\n", text));
  EXPECT_EQ(file.stages.size(), 1U);
  EXPECT_EQ(file.stages.at(0).instructions.size(), 1U) << text;
  return file.stages.at(0).instructions.at(0);
}

template <class Kind>
Kind parsed(std::string_view text) {
  const Instruction instruction = one(text);
  const Kind* kind = instruction.as<Kind>();
  EXPECT_NE(kind, nullptr) << text;
  return kind ? *kind : Kind{};
}

// What parse() says about `text` behind a FROM: "line:column reason".
std::string refusal(std::string_view text) {
  try {
    parse(cat("FROM scratch\n", text));
  } catch (const SourceError& error) {
    return cat(error.position().line, ":", error.position().column, " ", error.reason());
  } catch (const Error& error) {
    return error.message();
  }
  return "accepted";
}

TEST(Parse, StagesArgumentsAndTheirPlaces) {
  const Dockerfile file = parse(
      "# syntax=docker/dockerfile:1\n"
      "\n"
      "ARG VERSION=12 OTHER\n"
      "# build the thing\n"
      "FROM --platform=$BUILDPLATFORM debian:$VERSION AS Build\n"
      "RUN make \\\n"
      "  # a comment inside\n"
      "\n"
      "    install\n"
      "FROM scratch\n"
      "COPY --from=build /a /b\n");
  EXPECT_EQ(file.directives.syntax, "docker/dockerfile:1");
  ASSERT_EQ(file.arguments.size(), 1U);
  EXPECT_EQ(file.arguments[0].as<Arg>()->arguments[0].value, "12");
  EXPECT_EQ(file.arguments[0].as<Arg>()->arguments[1].value, std::nullopt);
  ASSERT_EQ(file.stages.size(), 2U);
  const Stage& build = file.stages[0];
  EXPECT_EQ(build.from.base, "debian:$VERSION");
  EXPECT_EQ(build.from.platform, "$BUILDPLATFORM");
  EXPECT_EQ(build.from.name, "build");
  EXPECT_EQ(build.description, "the thing");
  EXPECT_EQ(build.start.lines, (Lines{5, 5}));
  const Instruction& run = build.instructions[0];
  EXPECT_EQ(run.original, "RUN make     install");
  EXPECT_EQ(run.lines, (Lines{6, 9}));
  EXPECT_EQ(run.position("install"), (Position{9, 5}));
  EXPECT_THAT(file.empty_continuations, ElementsAre(Lines{9, 9}));
  EXPECT_EQ(file.stages[1].instructions[0].as<Copy>()->from, "build");
  EXPECT_EQ(file.find_stage("BUILD"), 0U);
  EXPECT_EQ(file.target(""), 1U);
  EXPECT_EQ(file.target("0"), 0U);
}

TEST(Parse, ExecFormIsValidJsonAndNothingElse) {
  EXPECT_THAT(parsed<Cmd>(R"(CMD ["a", "b\n\u00e9\ud83d\ude00"])").command.words, ElementsAre("a", "b\né😀"));
  EXPECT_THAT(parsed<Cmd>(R"(CMD [ ])").command.words, IsEmpty());
  EXPECT_FALSE(parsed<Cmd>(R"(CMD [ ])").command.shell_form);
  for (std::string_view shell :
       {R"(['a'])", R"(["a",])", R"(["a"] b)", R"(["a\q"])", R"(["a")", R"([01])", R"(["a" "b"])"})
    EXPECT_THAT(parsed<Cmd>(cat("CMD ", shell)).command.words, ElementsAre(shell));
  EXPECT_EQ(refusal("CMD [\"a\", 1]"), "2:5 when using JSON array syntax, arrays must be comprised of strings only");
  EXPECT_EQ(refusal("CMD [{\"a\": [null, -1.5e3, true]}]"),
            "2:5 when using JSON array syntax, arrays must be comprised of strings only");
}

TEST(Parse, DocumentsBelongToTheirInstruction) {
  const auto run = parsed<dockerfile::Run>("RUN <<-EOF 3<<'TWO' cat\n\ta\n\t\tb $c\n\tEOF\nplain\nTWO\n");
  ASSERT_EQ(run.command.heredocs.size(), 2U);
  EXPECT_EQ(run.command.heredocs[0].text(), "a\nb $c\n");
  EXPECT_TRUE(run.command.heredocs[0].expand);
  EXPECT_EQ(run.command.heredocs[1].content, "plain\n");
  EXPECT_FALSE(run.command.heredocs[1].expand);
  EXPECT_EQ(run.command.heredocs[1].descriptor, 3U);
  const Copy copy = parsed<Copy>("COPY a <<x.txt b /dir/\n# not a comment\nx.txt\n");
  EXPECT_THAT(copy.files.paths, ElementsAre("a", "b"));
  ASSERT_EQ(copy.files.documents.size(), 1U);
  EXPECT_EQ(copy.files.documents[0].name, "x.txt");
  EXPECT_EQ(copy.files.documents[0].content, "# not a comment\n");
  EXPECT_EQ(parsed<OnBuild>("ONBUILD COPY <<E /x\nhello\nE\n").trigger, "COPY <<E /x\nhello\nE");
  EXPECT_EQ(refusal("RUN <<EOF\nabc\n"), "2:5 unterminated heredoc");
  EXPECT_THAT(parsed<dockerfile::Run>("RUN echo \"<<EOF\" && cat <<<word").command.heredocs, IsEmpty());
}

TEST(Parse, RefusalsSayWhereAndWhatElseWasMeant) {
  EXPECT_EQ(refusal("RUM true"), "2:1 unknown instruction: RUM (did you mean RUN?)");
  EXPECT_EQ(refusal("\n  frm x"), "3:3 unknown instruction: frm (did you mean from?)");
  EXPECT_EQ(refusal("COPY --chwon=1 a b"), "2:6 unknown flag: --chwon (did you mean chown?)");
  EXPECT_EQ(refusal("COPY \\\n  --from a b"), "3:3 missing a value on flag: --from");
  EXPECT_EQ(refusal("COPY --link=maybe a b"), "2:6 expecting boolean value for flag --link, not: maybe");
  EXPECT_EQ(refusal("COPY --from=a --from=b a b"), "2:6 duplicate flag specified: --from");
  EXPECT_EQ(refusal("COPY a"),
            "2:1 COPY requires at least two arguments, but only one was provided. Destination could not be determined");
  EXPECT_EQ(refusal("ENV a"), "2:5 ENV must have two arguments");
  EXPECT_EQ(refusal("ENV a=1 b"), "2:9 Syntax error - can't find = in \"b\". Must be of the form: name=value");
  EXPECT_EQ(refusal("SHELL sh"), "2:1 SHELL requires the arguments to be in JSON form");
  EXPECT_EQ(refusal("HEALTHCHECK --interval=5 CMD x"), "2:13 time: missing unit in duration \"5\"");
  EXPECT_EQ(refusal("RUN --network=hots x"), "2:5 invalid network mode \"hots\" (did you mean host?)");
  EXPECT_EQ(refusal("ONBUILD FROM x"), "2:1 FROM isn't allowed as an ONBUILD trigger");
  EXPECT_EQ(refusal("FROM a b"), "2:1 FROM requires either one or three arguments");
  EXPECT_EQ(refusal("FROM a AS 1b"),
            "2:11 invalid name for build stage: \"1b\", name can't start with a number or contain symbols");
  try {
    parse("FRM busybox\n");
    FAIL();
  } catch (const SourceError& error) {
    EXPECT_EQ(error.message(), "dockerfile parse error on line 1: unknown instruction: FRM (did you mean FROM?)");
    EXPECT_EQ(error.kind(), Kind::kInvalidArgument);
  }
}

}  // namespace
}  // namespace hull::dockerfile
