# SPDX-License-Identifier: Apache-2.0
"""What scripts read: the very same text from `hull` and from the unmodified docker CLI, for each field of a template, each
column, and each form of inspect, info, version, df, stats and events."""
import json
import time

import pytest

from conftest import wait_until

PS = "ID Names Image Command CreatedAt RunningFor Ports State Status Size Labels Mounts LocalVolumes Networks".split()
STATS = "Container Name ID CPUPerc MemUsage MemPerc NetIO BlockIO PIDs".split()
EVENTS = "Type Action Actor.ID Actor.Attributes Status ID From Scope Time TimeNano".split()


@pytest.fixture
def fleet(engine):
    run = engine.docker
    run("run", "-d", "--name", "web", "-l", "app=web", "-l", "tier=1", "--expose", "9/udp", "-p", "127.0.0.1::80", "-v", "shared:/data",
        "-v", "/tmp:/host", "busybox", "sleep", "100")
    run("run", "-d", "--name", "job", "busybox", "sh", "-c", "echo 'a rather long command line' >/dev/null; exit 3")
    run("create", "--name", "idle", "--network", "none", "busybox", "true")
    wait_until(lambda: engine.inspect("job", "{{.State.Status}}") == "exited")
    yield engine
    engine.remove_containers()
    run("volume", "rm", "shared")


def same(engine, *arguments, **options):
    """The text that both give. Times go on: so both are asked again when they differ."""
    for attempt in range(5):
        texts = [engine.run(cli, *arguments, **options) for cli in ("docker", "hull")]
        if texts[0].stdout == texts[1].stdout:
            break
    assert texts[0].stdout == texts[1].stdout
    assert texts[0].returncode == texts[1].returncode
    return texts[0].stdout


@pytest.mark.parametrize("field", [*PS, 'Label "app"'])
def test_fields_of_ps(fleet, field):
    assert same(fleet, "ps", "-a", "--no-trunc", "--format", "{{.%s}}" % field).strip() or field == "HealthStatus"
    same(fleet, "ps", "-a", "--format", "{{.%s}}" % field)


@pytest.mark.parametrize("options", [
    ["-a"], ["-aq"], ["-a", "--no-trunc"], ["-as"], ["-a", "--format", "raw"], ["-as", "--format", "raw"],
    ["-a", "--format", "table {{.Names}}\t{{.State}}\t{{.Label \"app\"}}"], ["-l"], ["-a", "-n", "1"], ["-a", "--filter", "isolation=default"],
    ["-a", "--format", "{{upper .Names}} {{lower .Image}} {{title .State}} {{split .Names \"e\"}} {{join (split .Names \"e\") \"-\"}} "
                       "{{pad .Names 2 3}}|{{truncate .ID 4}} {{len .Names}} {{if eq .State \"running\"}}up{{else}}down{{end}}"]])
def test_forms_of_ps(fleet, options):
    assert same(fleet, "ps", *options)


@pytest.mark.parametrize("form", ["json", "{{json .}}"])
def test_ps_as_json(fleet, form):
    """hull has the fields of newer releases, too."""
    rows = [[json.loads(line) for line in fleet.run(cli, "ps", "-a", "--format", form).stdout.splitlines()] for cli in ("docker", "hull")]
    times = {"RunningFor", "Status"}
    for docker, hull in zip(*rows, strict=True):
        assert {k: v for k, v in docker.items() if k not in times}.items() <= hull.items() and times <= hull.keys()
        assert list(hull) == sorted(hull)


@pytest.mark.parametrize("arguments", [
    ["inspect", "web"], ["inspect", "web", "job"], ["inspect", "-s", "web"], ["inspect", "--type", "container", "web"], ["container", "inspect", "web"],
    ["inspect", "--type", "volume", "shared"], ["inspect", "shared"], ["inspect", "--type", "network", "bridge"], ["inspect", "--type", "image", "busybox"],
    ["inspect", "--format", "{{.State.Status}} {{json .Config.Labels}} {{range $k, $v := .NetworkSettings.Networks}}{{$k}}={{$v.IPAddress}}{{end}}", "web"],
    ["inspect", "--format", "{{index .Config.Labels \"app\"}} {{printf \"%q %d\" .Name .State.ExitCode}} {{len .Mounts}}", "web"],
    ["port", "web"], ["port", "web", "80"], ["version", "--format", "{{.Server.APIVersion}} {{.Server.Os}}/{{.Server.Arch}}"],
    ["info", "--format", "{{.Containers}} {{.ContainersRunning}} {{.Driver}} {{.NCPU}} {{.MemTotal}} {{.SecurityOptions}}"],
    ["system", "df", "--format", "{{.Type}} {{.TotalCount}} {{.Active}} {{.Size}} {{.Reclaimable}}"], ["system", "df"], ["system", "df", "-v"],
    ["system", "df", "--format", "json"], ["volume", "ls"], ["network", "ls", "--no-trunc"], ["images", "--no-trunc"], ["diff", "job"]])
def test_texts(fleet, arguments):
    assert same(fleet, *arguments).strip() or arguments[0] == "diff"


@pytest.mark.parametrize("arguments", [
    ["inspect", "nothing"], ["inspect", "--type", "network", "web"], ["inspect", "--type", "volume", "web"], ["inspect", "web", "nothing"],
    ["inspect", "--format", "{{.Nothing}}", "web"], ["port", "web", "81"], ["top", "idle"], ["logs", "nothing"],
    ["rm", "web"], ["rename", "web", "job"], ["kill", "-s", "nonsense", "web"], ["kill", "idle"], ["pause", "idle"], ["exec", "idle", "true"],
    ["update", "--memory", "1m", "web"], ["start", "nothing"], ["stop", "nothing"], ["wait", "nothing"], ["attach", "idle"], ["cp", "web:/nothing", "/tmp"],
    ["top", "web", "nonsense"]])
def test_what_goes_wrong_is_worded_the_same(fleet, arguments):
    results = [fleet.run(cli, *arguments, check=False) for cli in ("docker", "hull")]
    assert results[0].returncode == results[1].returncode != 0
    assert results[0].stdout == results[1].stdout
    plain = [result.stderr.replace("docker: ", "").replace("hull: ", "").replace("docker ", "hull ").lower() for result in results]
    assert plain[0] == plain[1]


def test_fields_of_stats(fleet):
    for field in STATS:
        if field in ("CPUPerc", "MemUsage", "MemPerc"):  # they move
            assert all(fleet.run(cli, "stats", "--no-stream", "--format", "{{.%s}}" % field, "web").stdout.strip() for cli in ("docker", "hull"))
        else:
            assert same(fleet, "stats", "--no-stream", "--format", "{{.%s}}" % field, "web").strip()
    assert same(fleet, "stats", "--no-stream", "--no-trunc", "--format", "{{.ID}} {{.Name}}", "web", "job")
    everyone = [set(fleet.run(cli, "stats", "--no-stream", "-a", "--format", "{{.Name}}").stdout.split()) for cli in ("docker", "hull")]
    assert everyone[0] == everyone[1] == {"web", "job", "idle"}
    running = [set(fleet.run(cli, "stats", "--no-stream", "--format", "{{.Name}}").stdout.split()) for cli in ("docker", "hull")]
    assert running[0] == running[1] == {"web"}
    heads = [fleet.run(cli, "stats", "--no-stream").stdout.splitlines()[0].split() for cli in ("docker", "hull")]
    assert heads[0] == heads[1]
    assert json.loads(fleet.hull("stats", "--no-stream", "--format", "json", "web").stdout).keys() == \
        json.loads(fleet.docker("stats", "--no-stream", "--format", "json", "web").stdout).keys()


def test_fields_of_events(fleet):
    until = f"{time.time():.9f}"
    for form in [*("{{.%s}}" % field for field in EVENTS), "json", "{{json .}}"]:
        assert same(fleet, "events", "--since", "0", "--until", until, "--filter", "container=web", "--format", form).strip()
    assert same(fleet, "events", "--since", "0", "--until", until, "--filter", "container=web")
