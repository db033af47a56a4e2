// SPDX-License-Identifier: Apache-2.0
#include "cli/template.h"

#include <gtest/gtest.h>

#include "base/error.h"

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

TEST(Template, FieldsThatMayBeLeftOutAreEmpty) {
  EXPECT_EQ(run("{{if .State.Health}}x{{else}}none{{end}}", R"({"State":{}})"), "none");
}

}  // namespace
}  // namespace hull::cli
