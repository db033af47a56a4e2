// SPDX-License-Identifier: Apache-2.0
// What BuildKit's own packages make of the same questions that tests/conformance/dockerfile/ours.cpp answers. Reads one
// JSON array of strings per line, writes one line per answer. Built by scripts/build-dockerfile-reference.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"sort"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dfgitutil"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	mode "github.com/tonistiigi/dchapes-mode"
)

// Bytes that are not printable ASCII as \xNN: the same in both languages.
func quote(text string) string {
	var out strings.Builder
	out.WriteByte('"')
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			out.WriteByte('\\')
			out.WriteByte(c)
		case c < 0x20 || c >= 0x7f:
			fmt.Fprintf(&out, "\\x%02x", c)
		default:
			out.WriteByte(c)
		}
	}
	out.WriteByte('"')
	return out.String()
}

func list(texts []string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = quote(text)
	}
	return "[" + strings.Join(quoted, " ") + "]"
}

func lines(location []parser.Range) string {
	if len(location) == 0 {
		return "0-0"
	}
	return fmt.Sprintf("%d-%d", location[0].Start.Line, location[len(location)-1].End.Line)
}

func keyValues(pairs instructions.KeyValuePairs) string {
	var out []string
	for _, pair := range pairs {
		out = append(out, fmt.Sprintf("%s=%s legacy=%v", quote(pair.Key), quote(pair.Value), pair.NoDelim))
	}
	return strings.Join(out, " ")
}

func command(line instructions.ShellDependantCmdLine) string {
	out := fmt.Sprintf("shell=%v %s", line.PrependShell, list(line.CmdLine))
	for _, file := range line.Files {
		out += fmt.Sprintf(" heredoc %s tabs=%v %s", quote(file.Name), file.Chomp, quote(file.Data))
	}
	return out
}

func files(sources instructions.SourcesAndDest, chown, chmod string, link bool, exclude []string) string {
	out := fmt.Sprintf("%s to %s chown=%s chmod=%s link=%v exclude=%s", list(sources.SourcePaths), quote(sources.DestPath),
		quote(chown), quote(chmod), link, list(exclude))
	for _, document := range sources.SourceContents {
		out += fmt.Sprintf(" heredoc %s expand=%v %s", quote(document.Path), document.Expand, quote(document.Data))
	}
	return out
}

func number(value *uint64) string {
	if value == nil {
		return "-"
	}
	return fmt.Sprint(*value)
}

func tristate(value *bool) string {
	if value == nil {
		return "-"
	}
	return fmt.Sprint(*value)
}

func run(c *instructions.RunCommand) string {
	out := command(c.ShellDependantCmdLine)
	out += fmt.Sprintf(" network=%s insecure=%v", instructions.GetNetwork(c), instructions.GetSecurity(c) == "insecure")
	for _, device := range instructions.GetDevices(c) {
		out += fmt.Sprintf(" device %s required=%v", quote(device.Name), device.Required)
	}
	if err := c.Expand(func(word string) (string, error) { return word, nil }); err != nil {
		return out + " mount error " + quote(err.Error())
	}
	for _, m := range instructions.GetMounts(c) {
		sharing := string(m.CacheSharing)
		if sharing == "" {
			sharing = "shared"
		}
		env := "-"
		if m.Env != nil {
			env = quote(*m.Env)
		}
		out += fmt.Sprintf(" mount %s from=%s source=%s target=%s id=%s ro=%v size=%d sharing=%s required=%v env=%s mode=%s uid=%s gid=%s",
			m.Type, quote(m.From), quote(m.Source), quote(m.Target), quote(m.CacheID), m.ReadOnly, m.SizeLimit, sharing,
			m.Required, env, number(m.Mode), number(m.UID), number(m.GID))
	}
	return out
}

func dump(c instructions.Command) string {
	switch c := c.(type) {
	case *instructions.RunCommand:
		return run(c)
	case *instructions.CmdCommand:
		return command(c.ShellDependantCmdLine)
	case *instructions.EntrypointCommand:
		return command(c.ShellDependantCmdLine)
	case *instructions.ShellCommand:
		return list(c.Shell)
	case *instructions.LabelCommand:
		return keyValues(c.Labels)
	case *instructions.EnvCommand:
		return keyValues(c.Env)
	case *instructions.ArgCommand:
		var out []string
		for _, arg := range c.Args {
			value := "-"
			if arg.Value != nil {
				value = quote(*arg.Value)
			}
			out = append(out, fmt.Sprintf("%s=%s description=%s", quote(arg.Key), value, quote(arg.DocComment)))
		}
		return strings.Join(out, " ")
	case *instructions.ExposeCommand:
		return list(c.Ports)
	case *instructions.VolumeCommand:
		return list(c.Volumes)
	case *instructions.UserCommand:
		return quote(c.User)
	case *instructions.WorkdirCommand:
		return quote(c.Path)
	case *instructions.StopSignalCommand:
		return quote(c.Signal)
	case *instructions.MaintainerCommand:
		return quote(c.Maintainer)
	case *instructions.OnbuildCommand:
		return quote(strings.TrimSpace(c.Expression))
	case *instructions.HealthCheckCommand:
		h := c.Health
		return fmt.Sprintf("%s interval=%d timeout=%d start-period=%d start-interval=%d retries=%d", list(h.Test),
			h.Interval, h.Timeout, h.StartPeriod, h.StartInterval, h.Retries)
	case *instructions.CopyCommand:
		return fmt.Sprintf("from=%s parents=%v ", quote(c.From), c.Parents) +
			files(c.SourcesAndDest, c.Chown, c.Chmod, c.Link, c.ExcludePatterns)
	case *instructions.AddCommand:
		return fmt.Sprintf("checksum=%s keep-git-dir=%s unpack=%s ", quote(c.Checksum), tristate(c.KeepGitDir),
			tristate(c.Unpack)) + files(c.SourcesAndDest, c.Chown, c.Chmod, c.Link, c.ExcludePatterns)
	}
	return "?"
}

func instruction(c instructions.Command) string {
	return fmt.Sprintf("%s %s: %s\n", strings.ToUpper(c.Name()), lines(c.Location()), dump(c))
}

func failure(err error) string {
	line := 0
	var located *parser.LocationError
	if errors.As(err, &located) && len(located.Locations) > 0 && len(located.Locations[0]) > 0 {
		line = located.Locations[0][0].Start.Line
	}
	reason := err.Error()
	if prefix := fmt.Sprintf("dockerfile parse error on line %d: ", line); strings.HasPrefix(reason, prefix) {
		reason = reason[len(prefix):]
	}
	return fmt.Sprintf("error on line %d: %s\n", line, quote(reason))
}

func parse(text string) string {
	result, err := parser.Parse(strings.NewReader(text))
	if err != nil {
		return failure(err)
	}
	stages, arguments, err := instructions.Parse(result.AST, linter.New(&linter.Config{}))
	if err != nil {
		return failure(err)
	}
	if len(stages) == 0 {
		return failure(errors.New("dockerfile contains no stages to build"))
	}
	out := fmt.Sprintf("escape %c\n", result.EscapeToken)
	for i := range arguments {
		out += instruction(&arguments[i])
	}
	for _, stage := range stages {
		out += fmt.Sprintf("FROM %s: %s platform=%s name=%s description=%s\n", lines(stage.Location), quote(stage.BaseName),
			quote(stage.Platform), quote(stage.Name), quote(stage.DocComment))
		for _, c := range stage.Commands {
			out += instruction(c)
		}
	}
	return out
}

func names(set map[string]struct{}) []string {
	var out []string
	for name := range set {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}

// text, escape, mode ("word", "words" or "raw"), then NAME=value.
func expand(arguments []string) string {
	lex := shell.NewLex(rune(arguments[1][0]))
	env := shell.EnvsFromSlice(arguments[3:])
	if arguments[2] == "words" {
		words, err := lex.ProcessWords(arguments[0], env)
		if err != nil {
			return "error"
		}
		return list(words)
	}
	lex.SkipProcessQuotes = arguments[2] == "raw"
	result, err := lex.ProcessWordWithMatches(arguments[0], env)
	if err != nil {
		return "error " + quote(err.Error()[strings.LastIndex(err.Error(), "\": ")+1:])
	}
	return fmt.Sprintf("%s unset=%s", quote(result.Result), list(names(result.Unmatched)))
}

// The text of an ignore file, then paths in the order of a walk: which of them are left out.
func ignore(arguments []string) string {
	patterns, err := ignorefile.ReadAll(strings.NewReader(arguments[0]))
	if err != nil {
		return "error"
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		return "error"
	}
	above := map[string]patternmatcher.MatchInfo{}
	var out []string
	for _, file := range arguments[1:] {
		matched, info, err := matcher.MatchesUsingParentResults(file, above[path.Dir(file)])
		if err != nil {
			return "error"
		}
		above[file] = info
		if matched {
			out = append(out, file)
		}
	}
	return list(out)
}

func gitReference(text string) string {
	ref, isGit, err := dfgitutil.ParseGitRef(text)
	if err != nil {
		if isGit {
			return "error"
		}
		return "none"
	}
	return fmt.Sprintf("%s short=%s ref=%s checksum=%s subdir=%s local=%v plain=%v keep=%s submodules=%s mtime=%s fetch=%v",
		quote(ref.Remote), quote(ref.ShortName), quote(ref.Ref), quote(ref.Checksum), quote(ref.SubDir),
		ref.IndistinguishableFromLocal, ref.UnencryptedTCP, tristate(ref.KeepGitDir), tristate(ref.Submodules),
		quote(ref.MTime), ref.FetchByCommit)
}

// A mode, then whether it is applied to a directory, then the old mode in octal.
func changeMode(arguments []string) string {
	set, err := mode.Parse(arguments[0])
	if err != nil {
		return "error"
	}
	var old uint32
	fmt.Sscanf(arguments[2], "%o", &old)
	bits := os.FileMode(old & 0o777)
	for bit, file := range map[uint32]os.FileMode{0o4000: os.ModeSetuid, 0o2000: os.ModeSetgid, 0o1000: os.ModeSticky} {
		if old&bit != 0 {
			bits |= file
		}
	}
	if arguments[1] == "directory" {
		bits |= os.ModeDir
	}
	changed := set.Apply(bits)
	result := uint32(changed.Perm())
	for bit, file := range map[uint32]os.FileMode{0o4000: os.ModeSetuid, 0o2000: os.ModeSetgid, 0o1000: os.ModeSticky} {
		if changed&file != 0 {
			result |= bit
		}
	}
	return fmt.Sprintf("%04o", result)
}

// Every image exists, for the platform that is asked for, and says nothing but that.
type anyImage struct{}

func (anyImage) ResolveImageConfig(_ context.Context, ref string, opt sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	config := ocispecs.Image{Platform: ocispecs.Platform{OS: "linux", Architecture: "amd64"}}
	config.RootFS.Type = "layers"
	config.Config.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	data, err := json.Marshal(config)
	return ref, digest.FromBytes(data), data, err
}

func convertOptions(arguments []string) dockerfile2llb.ConvertOpt {
	caps := pb.Caps.CapSet(pb.Caps.All())
	amd64 := ocispecs.Platform{OS: "linux", Architecture: "amd64"}
	options := dockerfile2llb.ConvertOpt{MetaResolver: anyImage{}, TargetPlatform: &amd64, LLBCaps: &caps}
	options.BuildArgs = map[string]string{}
	for _, argument := range arguments[1:] {
		name, value, _ := strings.Cut(argument, "=")
		options.BuildArgs[name] = value
	}
	options.SourceMap = llb.NewSourceMap(nil, "Dockerfile", "Dockerfile", []byte(arguments[0]))
	options.SourceMap.Definition = &llb.Definition{}
	return options
}

func lint(arguments []string) (answer string) {
	defer func() {
		if recover() != nil {
			answer = "panic"
		}
	}()
	options := convertOptions(arguments)
	result, err := dockerfile2llb.DockerfileLint(context.Background(), []byte(arguments[0]), options)
	if err != nil {
		return "error"
	}
	var out []string
	for _, warning := range result.Warnings {
		line := int32(0)
		if len(warning.Location.Ranges) > 0 {
			line = warning.Location.Ranges[0].Start.Line
		}
		out = append(out, fmt.Sprintf("%d %s %s %s", line, warning.RuleName, quote(warning.Detail), warning.URL))
	}
	sort.Strings(out)
	text := strings.Join(out, "\n") + "\n"
	if result.Error != nil {
		text += "error\n"
	}
	return text
}

// Text of --call=targets.
func listTargets(text string) (answer string) {
	defer func() {
		if recover() != nil {
			answer = "panic"
		}
	}()
	list, err := dockerfile2llb.ListTargets(context.Background(), []byte(text))
	if err != nil {
		return "error"
	}
	result, err := list.ToResult()
	if err != nil {
		return "error"
	}
	return string(result.Metadata["result.txt"]) + string(result.Metadata["result.json"]) + "\n"
}

// Text of --call=outline. Its arguments are those of lint.
func showOutline(arguments []string) (answer string) {
	defer func() {
		if recover() != nil {
			answer = "panic"
		}
	}()
	outline, err := dockerfile2llb.Dockerfile2Outline(context.Background(), []byte(arguments[0]), convertOptions(arguments))
	if err != nil {
		return "error"
	}
	result, err := outline.ToResult()
	if err != nil {
		return "error"
	}
	return string(result.Metadata["result.txt"]) + string(result.Metadata["result.json"]) + "\n"
}

func main() {
	answers := map[string]func([]string) string{
		"parse":   func(arguments []string) string { return parse(arguments[0]) },
		"expand":  expand,
		"ignore":  ignore,
		"git":     func(arguments []string) string { return gitReference(arguments[0]) },
		"mode":    changeMode,
		"lint":    lint,
		"targets": func(arguments []string) string { return listTargets(arguments[0]) },
		"outline": showOutline,
	}
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for {
		line, err := in.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			var question []string
			if err := json.Unmarshal(line, &question); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(2)
			}
			answer, _ := json.Marshal(answers[question[0]](question[1:]))
			out.Write(answer)
			out.WriteByte('\n')
		}
		if err != nil {
			return
		}
	}
}
