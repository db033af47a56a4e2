# SPDX-License-Identifier: Apache-2.0
"""--format: the very same text, and the very same mistakes, as Go's text/template gives in the unmodified docker CLI."""
import pytest

from conftest import wait_until

INSPECT = [
    # fields, structures, maps, lists
    "{{.Name}}", "{{.ID}} {{.Image}}", "{{.Id}}", "{{.State}}", "{{.State.Running}} {{.State.Pid}}", "{{.Config.Labels}}", "{{.Config.Env}}", "{{.Mounts}}",
    "{{.HostConfig.RestartPolicy}}", "{{.HostConfig.LogConfig}}", "{{.HostConfig.PortBindings}}", "{{.NetworkSettings.Ports}}", "{{.GraphDriver}}",
    "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.NanoCPUs}}", "{{.Config.Healthcheck}}", "{{.State.Health}}", "{{.SizeRw}}",
    "{{.HostConfig.Binds}}", "{{.HostConfig.Annotations}}", "{{.Config.ExposedPorts}}", "{{.Config.Volumes}}", "{{.HostConfig.ConsoleSize}}",
    "{{.HostConfig.NetworkMode}} {{.HostConfig.IpcMode}}", "{{.ContainerJSONBase.Name}}", "{{.Config.Cmd}} {{.Config.Entrypoint}}", "{{.HostConfig.Init}}",
    "{{.HostConfig.PidsLimit}}", "{{.HostConfig.CapAdd}}", "{{.Platform}} {{.Driver}} {{.RestartCount}}", "{{.HostConfig.Resources.Memory}}",
    # JSON
    "{{json .State.Status}}", "{{json .Mounts}}", "{{json .Config}}", "{{json .HostConfig}}", "{{json .NetworkSettings.Networks}}", "{{json .Name}} {{json 3}} {{json nil}}",
    "{{json .Config.Labels}}", "{{json .State.Health}}", "{{json .GraphDriver}}", "{{json .}}",
    # pipelines and variables
    '{{.Name | printf "%s-%s" "a"}}', "{{$x := .Name}}{{$x}}", '{{$x := "a"}}{{$x = "b"}}{{$x}}', "{{$.Name}}", "{{with .State}}{{$.Name}} {{.Status}}{{end}}",
    '{{(index .Mounts 0).Destination}}', "{{(.State).Status}}", "{{((.State.Status))}}", "{{.State.Status | upper | printf \"%q\"}}", "{{len .Name | printf \"%04d\"}}",
    # control
    "{{if .State.Running}}up{{else}}down{{end}}", '{{if eq .State.Status "exited"}}a{{else if eq .State.Status "running"}}b{{else}}c{{end}}',
    "{{if and .State.Running (not .State.Paused)}}yes{{end}}", "{{if or .State.Paused .State.Dead}}yes{{else}}no{{end}}", "{{range .Config.Env}}<{{.}}>{{end}}",
    "{{range $i, $e := .Config.Env}}{{$i}}={{$e}};{{end}}", "{{range $k, $v := .Config.Labels}}{{$k}}={{$v}};{{end}}", "{{range .Config.OnBuild}}x{{else}}none{{end}}",
    "{{range .Mounts}}{{if eq .Type \"bind\"}}{{continue}}{{end}}{{.Type}}{{end}}", "{{range .Mounts}}{{.Destination}}{{break}}{{end}}", "{{range 3}}{{.}}{{end}}",
    "{{with .Config.Healthcheck}}x{{else}}none{{end}}", "{{with $c := .Config}}{{$c.Image}}{{end}}", "{{with .State.Health}}a{{else with .State}}{{.Status}}{{end}}",
    "{{range $p, $b := .NetworkSettings.Ports}}{{$p}}:{{range $b}}{{.HostIP}} {{.HostPort}}{{end}};{{end}}", "{{range $n, $e := .NetworkSettings.Networks}}{{$n}}{{$e.IPAddress}}{{end}}",
    '{{define "a"}}[{{.}}]{{end}}{{template "a" .Name}}', '{{block "b" .Name}}({{.}}){{end}}', '{{define "a"}}{{end}}{{template "a"}}', '{{template "none"}}',
    "a {{- .Name -}} b", "{{- /* nothing */ -}} x", "{{/* a */}}b", "x  {{- 3}}", "{{3 -}}   x", "a\\tb\\n", "{{\"a\\tb\"}}", "{{`raw\\t`}}",
    # comparison
    "{{eq 1 1}} {{eq 1 2 1}} {{ne 1 2}} {{lt 1 2}} {{le 2 2}} {{gt 1 2}} {{ge 2 2}}", '{{eq "a" "b"}} {{lt "a" "b"}}', "{{eq .State.ExitCode 0}}", "{{eq .State.Pid .State.Pid}}",
    "{{eq 1 1.0}}", '{{eq "a" 1}}', "{{lt 1 \"a\"}}", "{{eq .State.Health nil}}", "{{eq .Config.Env .Config.Env}}", "{{eq}}", "{{eq 1}}", "{{lt true false}}", "{{not 0}} {{not 1}}",
    "{{and 1 0 2}} {{or 0 \"\" 3}} {{and 1}} {{or 0}}", "{{gt .HostConfig.ShmSize 1000}}",
    # index, slice, len
    "{{index .Config.Env 0}}", '{{index .Config.Labels "app"}}', '{{index .Config.Labels "none"}}|', "{{index .Config.Env 99}}", "{{index .Name 1}}", "{{index .State 1}}",
    '{{index .NetworkSettings.Ports "80/tcp" 0 "x"}}', '{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}', "{{index .Config.Env \"a\"}}", "{{index nil 1}}",
    "{{slice .Name 1 3}}", "{{slice .Name 1}}", "{{slice .Name 9 2}}", "{{slice .Config.Env 0 1}}", "{{slice .State}}", "{{slice .Name 1 2 3}}", "{{len .Config.Env}} {{len .Name}} {{len .Config.Labels}}",
    "{{len 3}}", "{{len .State.Health}}", "{{slice .Name 100}}",
    # printing
    '{{print 1 2 "a" "b" 3}}', '{{println 1 "a" nil}}', '{{printf "%d %5d|%-5d|%05d|%+d|%x|%X|%o|%b|%c|%q|%U" 5 6 7 8 9 255 255 8 5 65 65 65}}',
    '{{printf "%s|%10s|%-10s|%.2s|%q|%x|%v" "abc" "abc" "abc" "abc" "a\\"b" "abc" "abc"}}', '{{printf "%f|%.1f|%8.3f|%e|%g|%v" 1.5 1.25 3.14159 1234.5 0.00001 1e21}}',
    '{{printf "%t %v" true false}}', '{{printf "%d" "a"}}', '{{printf "%s" 3}}', '{{printf "%z" 3}}', '{{printf "%d"}}', '{{printf "a" 1}}', '{{printf "%"}}', '{{printf "100%%"}}',
    '{{printf "%v %+v" .HostConfig.RestartPolicy .HostConfig.RestartPolicy}}', '{{printf "%q" .Config.Env}}', '{{printf "%s" .Config.Labels}}', '{{printf "%T %T %T" 1 "a" .Config}}',
    '{{printf "%*d" 5 42}}', '{{printf "%[2]d %[1]d" 1 2}}', '{{printf "%v" nil}}', '{{printf "%d" nil}}', '{{printf "%#x %#v" 255 "a"}}', '{{printf 3}}', "{{print nil}}", '{{printf "%v" .State.Health}}',
    '{{printf "%6.2f%%" 12.345}}', '{{printf "%v" 3.0}} {{3.0}} {{1e3}} {{0x10}} {{1_000}} {{-5}} {{\'a\'}}', "{{true}} {{false}} {{\"x\"}}",
    '{{html "<a href=\'x\'>&\\"</a>"}}', '{{js "it\'s <b> \\"q\\" = \\n"}}', '{{urlquery "a b&c/d?"}}', '{{"<x>" | html}}', "{{html 1 2}}",
    # Docker's functions
    '{{join .Config.Env ","}}', '{{join .Config.Cmd " "}}', '{{join .Name ","}}', '{{split .Name "e"}}', '{{split "a,b,c" ","}}', '{{split "abc" ""}}', '{{join (split "a b" " ") "-"}}',
    '{{title "hello big-world of_x"}}', '{{lower "ABC"}} {{upper "abc"}}', '{{upper 3}}', '{{pad "x" 2 3}}|{{pad "" 2 3}}|', '{{truncate "abcdef" 3}} {{truncate "ab" 9}}', '{{pad "x" "2" 3}}',
    '{{upper .State.Status}}', '{{join nil ","}}', '{{upper}}', '{{upper "a" "b"}}', '{{truncate "abc"}}', '{{join .Config.Env}}', "{{upper .State.Running}}", "{{lower nil}}", "{{table .Name}}",
    # mistakes
    "{{.Nothing}}", "{{.State.Nothing}}", "{{.Name.First}}", "{{.State.Health.Status}}", "{{.", "{{.Name", "{{", "}}", "{{}}", "{{if}}x{{end}}", "{{if .Name}}", "{{end}}", "{{else}}", "{{range}}{{end}}",
    "{{nope}}", "{{.Name | nope}}", "{{$x}}", "{{$x := 1}}{{$y}}", "{{.Name .Image}}", "{{3 4}}", "{{\"a}}", "{{`a}}", "{{'ab'}}", "{{1x}}", "{{(.Name}}", "{{.Name)}}", "{{.Name | 3}}", "{{|}}", "{{.Name |}}",
    "{{&}}", "{{@}}", "{{/* x}}", "{{break}}", "{{continue}}", "{{template}}", "{{define}}{{end}}", "{{if .Name}}{{else}}{{else}}{{end}}", "{{range 3}}{{else if}}{{end}}", "{{nil}}", "{{nil.X}}", "{{3.X}}",
    "{{$x, $y := .Name}}", "{{range $a, $b, $c := .Mounts}}{{end}}", "{{range .Name}}x{{end}}", "{{range .State}}x{{end}}", "{{x := 3}}", "{{.Name:}}", "{{len}}", "{{len 1 2}}", "{{index}}", "{{not}}",
    "{{.Name}}\n{{.Nothing}}", "line\n{{nope}}", "{{/* x */", "{{- .Name}}", "{{ .Name }} {{ .State.Status }}", "{{call nil}}", "{{call .Name}}", "{{.Label \"app\"}}", "{{template \"a\" .Name}}",
    "{{define \"a\"}}{{.Nothing}}{{end}}{{template \"a\" .}}", "{{with 3}}{{.Foo}}{{end}}", "{{.Config.Labels.app}}", "{{.Config.Labels.none}}", "{{.HostConfig.Binds.x}}", "{{\"a\" \"b\"}}", "{{.Id | len}}",
]


LISTS = [
    ("ps", "-a"), ("images",), ("network", "ls"), ("volume", "ls"), ("history", "busybox"), ("system", "df"),
]
LIST_FORMS = [
    "{{.ID}}", "table {{.ID}}", "{{.Nothing}}", "table {{.Nothing}}", "{{nope}}", "{{.ID.X}}", "{{.ID .ID}}", 'table {{upper .Name}}\t{{json .Size}}', "{{println .ID}}", "json", "{{json .ID}}",
    "table", '{{.Label "app"}}', 'table {{.Label "com.example.my-app_x"}}', "{{.Label}}", "{{.Label 3}}", '{{range split .ID "a"}}{{.}},{{end}}', "{{if .ID}}x{{end}}", "table{{.ID}}", "  {{.ID}}  ", "{{.Size}}",
    '{{printf "%-20s|" .ID}}', "{{.", "table {{.CreatedAt}}", "{{len .ID}}", '{{eq .ID "x"}}',
]


@pytest.fixture(scope="module")
def web(engine):
    engine.docker("run", "-d", "--name", "web", "-l", "app=web", "-l", "tier=1", "-p", "127.0.0.1::80", "-v", "shared:/data", "-v", "/tmp:/host", "-e", "A=1",
                  "--log-opt", "max-size=1m", "busybox", "sleep", "100")
    yield engine


@pytest.fixture(autouse=True)
def nothing_left():
    """The container of this module lives as long as its engine."""
    yield


def plain(result):
    return result.stderr.replace("docker: ", "").replace("hull: ", "")


def compare(engine, *arguments):
    for attempt in range(3):  # times go on
        docker, hull = (engine.run(cli, *arguments, check=False) for cli in ("docker", "hull"))
        if docker.stdout == hull.stdout:
            break
    assert (hull.stdout, plain(hull), hull.returncode) == (docker.stdout, plain(docker), docker.returncode)


@pytest.mark.parametrize("form", INSPECT)
def test_inspect(web, form):
    compare(web, "inspect", "--format", form, "web")


@pytest.mark.parametrize("form", ["{{.ID}} {{.RepoTags}} {{.Size}}", "{{.Config}}", "{{.RootFS}}", "{{json .RootFS}}", "{{.Created}}", "{{.Config.Env}}", "{{.Nothing}}", "{{.Architecture}}/{{.Os}}", "{{.Metadata}}", "{{json .}}"])
def test_inspect_image(web, form):
    compare(web, "image", "inspect", "--format", form, "busybox")


@pytest.mark.parametrize("form", ["{{.Name}} {{.ID}}", "{{.IPAM}}", "{{.IPAM.Config}}", "{{range .IPAM.Config}}{{.Subnet}}{{end}}", "{{.Created}}", "{{.Options}}", "{{json .}}", "{{.Containers}}", "{{.Labels}}", "{{.ConfigFrom}}"])
def test_inspect_network(web, form):
    compare(web, "network", "inspect", "--format", form, "none")


@pytest.mark.parametrize("form", ["{{.Name}} {{.Mountpoint}}", "{{.}}", "{{.Labels}}", "{{.Options}}", "{{.UsageData}}", "{{.Status}}", "{{json .}}", "{{.Nothing}}"])
def test_inspect_volume(web, form):
    compare(web, "volume", "inspect", "--format", form, "shared")


@pytest.mark.parametrize("form", ["{{.Driver}}", "{{.Plugins}}", "{{.Swarm.LocalNodeState}}", "{{.Runtimes}}", "{{range $n, $r := .Runtimes}}{{$n}}{{end}}", "{{.NCPU}} {{.MemTotal}}", "{{.Nothing}}", "{{nope}}", "{{json .Plugins}}",
                                  "{{.ClientInfo.Context}}", "{{.ClientInfo.Plugins}}", "{{.ServerErrors}}", "{{.Swarm}}", "{{.SecurityOptions}}", "{{.LiveRestoreEnabled}}", "{{.ContainerdCommit}}"])
def test_info(web, form):
    compare(web, "info", "--format", form)


@pytest.mark.parametrize("form", ["{{.Server.Version}}", "{{.Server.Components}}", "{{json .Server}}", "{{.Client.DefaultAPIVersion}}", "{{.Nothing}}", "{{.Server.Nothing}}", "{{nope}}", "{{.Client.Context}}", "{{.Server.Experimental}}"])
def test_version(web, form):
    if form == "{{.Client.DefaultAPIVersion}}":
        assert web.hull("version", "--format", form).stdout == "1.51\n"
    else:
        compare(web, "version", "--format", form)


@pytest.mark.parametrize("form", ["{{.Nothing}}", "{{nope}}", "{{.Actor.Nothing}}", "{{", "{{.Actor.Attributes.name}}", "{{.Actor}}", "{{.}}", "{{json .Actor}}"])
def test_events(web, form):
    compare(web, "events", "--since", "0", "--until", "1", "--format", form)
    compare(web, "events", "--since", "0s", "--until", "0s", "--filter", "container=web", "--format", form)


@pytest.mark.parametrize("command", LISTS, ids=lambda words: words[0] + words[1][:1] if len(words) > 1 else words[0])
@pytest.mark.parametrize("form", LIST_FORMS)
def test_lists(web, command, form):
    if form in ("json", "{{.Size}}") and command[0] in ("ps", "volume"):
        pytest.skip("fields of newer releases; sizes are in test_same_output.py")
    if form == "json" and command == ("images",):
        pytest.skip("the number of containers is in newer versions of the API only")
    compare(web, *command, "--format", form)
