// SPDX-License-Identifier: Apache-2.0
#include "cli/template.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/text.h"
#include "cli/go_type_table.h"
#include "cli/sha256.h"

namespace hull::cli {
namespace {

std::string run(std::string_view source, std::string_view json) { return Template(source).run(parse_value(json)); }

TEST(Template, RendersWhatGoRenders) {
  constexpr std::string_view kData =
      R"({"Name":"web","N":3,"List":["a","b"],"Map":{"k":"v","a":1},"Flag":true,"Null":null})";
  const std::pair<const char*, const char*> kCases[] = {
      {"{{.Name}}!", "web!"},
      {"{{ .Map.k }}", "v"},
      {"{{json .List}}", R"(["a","b"])"},
      {"{{.List}}", "[a b]"},
      {"{{.Map}}", "map[a:1 k:v]"},
      {"{{range .List}}<{{.}}>{{end}}", "<a><b>"},
      {"{{range $i, $x := .List}}{{$i}}={{$x}};{{end}}", "0=a;1=b;"},
      {"{{range $k, $v := .Map}}{{$k}}={{$v}};{{end}}", "a=1;k=v;"},
      {"{{if eq .N 3}}three{{else}}other{{end}}", "three"},
      {"{{if gt .N 5}}a{{else if .Flag}}b{{else}}c{{end}}", "b"},
      {"{{with .Null}}x{{else}}none{{end}}", "none"},
      {"{{with $x := .Name}}{{$x | upper}}{{end}}", "WEB"},
      {"{{$x := 1}}{{$x = 2}}{{$x}}", "2"},
      {"{{printf \"%s-%05d|%-4s|%q\" .Name .N \"x\" .Name}}", "web-00003|x   |\"web\""},
      {"{{index .Map \"k\"}}{{index .List 1}}", "vb"},
      {"{{len .List}} {{join .List \",\"}} {{title \"ab cd\"}}", "2 a,b Ab Cd"},
      {"{{(index .List 0) | printf \"%s%s\" \"z\"}}", "za"},
      {"a {{- .Name -}} b", "awebb"},
      {"{{/* nothing */}}x", "x"},
      {"{{and .Flag .Name}} {{or .Null \"d\"}} {{not .Flag}}", "web d false"},
      {"{{truncate .Name 2}}{{pad .Name 1 1}}", "we web "},
      {"{{.Null}}", "<no value>"},
      {"{{range .List}}{{if eq . \"b\"}}{{break}}{{end}}{{.}}{{end}}", "a"},
  };
  for (auto [source, text] : kCases) EXPECT_EQ(run(source, kData), text) << source;
}

TEST(Template, SaysWhereAMistakeIs) {
  try {
    run("{{.Foo}}", "{}");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.message(), "template: :1:2: executing \"\" at <.Foo>: map has no entry for key \"Foo\"");
  }
  for (const char* source : {"{{", "{{if}}", "{{nope}}", "{{.A", "{{end}}", "{{if .A}}", "{{\"x}}"})
    EXPECT_THROW(Template{source}, Error) << source;
}

std::string typed(std::string_view source, std::string_view type, std::string_view json) {
  const Value value = parse_value(json);
  return Template(source).run({&value, go_type(type)});
}

TEST(Template, FieldsOfTypesAreThereWhenTheJsonLeavesThemOut) {
  constexpr std::string_view kType = "container.InspectResponse";
  constexpr std::string_view kJson = R"({"Id":"abc","State":{"Status":"running","Running":true,"Pid":7}})";
  const std::pair<const char*, const char*> kCases[] = {
      {"{{if .State.Health}}x{{else}}none{{end}}", "none"},
      {"{{.ID}}", "abc"},
      {"{{.State}}", "{running true false false false false 7 0    <nil>}"},
      {"{{printf \"%+v\" .State.Pid}}", "7"},
      {"{{.Mounts}}{{.SizeRw}}", "[]<nil>"},
      {"{{json .State.Health}}{{len .Mounts}}", "null0"},
      {"{{.HostConfig}}", "<nil>"},
  };
  for (auto [source, text] : kCases) EXPECT_EQ(typed(source, kType, kJson), text) << source;
  EXPECT_THROW(typed("{{.Id}}", kType, kJson), Error);
  EXPECT_THROW(typed("{{.State.Health.Status}}", kType, kJson), Error);
}

TEST(Template, AllTypesOfTheTableAreKnown) {
  int types = 0;
  for (std::string_view table : go_type_tables())
    for (std::string_view line : split(table, '\n')) {
      if (line.empty()) continue;
      ++types;
      EXPECT_NO_THROW(go_type(line.substr(0, line.find_first_of("{=")))) << line;
    }
  EXPECT_GT(types, 100);
}

TEST(Template, TemplatesWithinTemplates) {
  EXPECT_EQ(run("{{define \"a\"}}[{{.}}]{{end}}{{range .}}{{template \"a\" .}}{{end}}", "[1,2]"), "[1][2]");
  EXPECT_EQ(run("{{block \"a\" .x}}<{{.}}>{{end}}", R"({"x":"y"})"), "<y>");
  EXPECT_THROW(run("{{define \"a\"}}{{template \"a\" .}}{{end}}{{template \"a\" .}}", "1"), Error);
}

TEST(Template, HeadingsAreLeftAsTheyAre) {
  const Value headings = Value::Map{{"Names", "NAMES"}};
  EXPECT_EQ(Template("{{lower .Names}} {{truncate .Names 2}} {{.Label \"com.a.my-app\"}} {{pad .Names 1 0}}")
                .run_headings(headings),
            "NAMES NAMES my app  NAMES");
}

TEST(Sha256, OfKnownTexts) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

}  // namespace
}  // namespace hull::cli
