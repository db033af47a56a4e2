# SPDX-License-Identifier: Apache-2.0
"""The commands on images, networks, volumes and the engine with every flag, by `hull` and by the docker CLI, against the same
engine: word for word, or with the same effect."""
import json

import pytest

from test_same_output import same


@pytest.fixture(scope="module")
def shelf(engine, busybox):
    """Images with labels and several names, networks and volumes to choose from."""
    for number in range(2):
        engine.docker("import", "--change", f"LABEL number={number} kind=test", "--change", "CMD [\"true\"]", "-m", f"image {number}", busybox, f"shelf/image{number}:v1")
    engine.docker("tag", "shelf/image0:v1", "shelf/image0:latest")
    engine.docker("import", busybox)
    engine.docker("network", "create", "--label", "kind=test", "backend")
    engine.docker("volume", "create", "--label", "kind=test", "store")
    yield engine
    engine.docker("network", "rm", "backend")
    engine.docker("volume", "rm", "store")


@pytest.mark.parametrize("arguments", [
    ["images", "-q"], ["images", "-a"], ["images", "--no-trunc", "-q"], ["images", "--digests"], ["images", "shelf/image0"], ["images", "shelf/image0:v1"], ["images", "nothing"],
    ["images", "-f", "dangling=true"], ["images", "-f", "dangling=false", "-q"], ["images", "-f", "label=number=1"], ["images", "-f", "reference=shelf/*"],
    ["images", "-f", "before=shelf/image1:v1", "-q"], ["images", "-f", "since=shelf/image0:v1", "-q"], ["images", "--format", "{{.Repository}}:{{.Tag}} {{.Digest}} {{.CreatedAt}}"],
    ["image", "ls", "--format", "table {{.ID}}\t{{.Repository}}"], ["history", "shelf/image0:v1"], ["history", "-q", "shelf/image0:v1"], ["history", "--no-trunc", "shelf/image0:v1"],
    ["history", "-H=false", "shelf/image0:v1"], ["history", "--format", "{{.ID}} {{.CreatedBy}} {{.Comment}} {{.Size}}", "shelf/image0:v1"],
    ["history", "--platform", "linux/amd64", "shelf/image0:v1"], ["image", "inspect", "shelf/image0:v1", "shelf/image1:v1"], ["image", "inspect", "-f", "{{.Config.Labels}}", "shelf/image1:v1"],
    ["network", "ls"], ["network", "ls", "-q"], ["network", "ls", "-q", "--no-trunc"], ["network", "ls", "-f", "name=back"], ["network", "ls", "-f", "label=kind"], ["network", "ls", "-f", "driver=host"],
    ["network", "ls", "-f", "type=custom", "--format", "{{.Name}} {{.Scope}} {{.IPv6}} {{.Internal}} {{.Labels}}"], ["network", "inspect", "backend"], ["network", "inspect", "-v", "backend", "none"],
    ["volume", "ls"], ["volume", "ls", "-q"], ["volume", "ls", "-f", "name=sto"], ["volume", "ls", "-f", "label=kind=test", "-q"], ["volume", "ls", "-f", "dangling=true", "-q"],
    ["volume", "ls", "--format", "{{.Name}} {{.Driver}} {{.Scope}} {{.Mountpoint}} {{.Labels}} {{.Label \"kind\"}} {{.Links}} {{.Size}}"], ["volume", "inspect", "store"],
    ["inspect", "backend"], ["inspect", "store", "shelf/image0:v1"], ["inspect", "--type", "network", "-f", "{{.Driver}}", "backend"], ["system", "events", "--since", "0", "--until", "1"],
    ["system", "df", "-v", "--format", "{{json .Volumes}}"], ["image", "inspect", "--platform", "linux/amd64", "-f", "{{.Os}}", "busybox"], ["context", "show"],
])
def test_the_same_text(shelf, arguments):
    same(shelf, *arguments)


@pytest.mark.parametrize("arguments", [
    ["rmi", "nothing"], ["image", "rm", "shelf/image0:v9"], ["tag", "nothing", "x"], ["tag", "busybox", "X:Y:Z"], ["history", "nothing"], ["image", "inspect", "nothing"], ["save", "nothing"],
    ["history", "--platform", "linux/arm64", "busybox"], ["image", "inspect", "--platform", "linux/arm64", "busybox"], ["load", "-i", "/nonexistent"], ["import", "/nonexistent"],
    ["network", "rm", "nothing"], ["network", "rm", "bridge"], ["network", "inspect", "nothing"], ["network", "create", "backend"], ["network", "connect", "nothing", "nobody"],
    ["network", "disconnect", "backend", "nobody"], ["volume", "rm", "nothing"], ["volume", "inspect", "nothing"], ["volume", "create", "a/b"],
    ["images", "-f", "colour=red"], ["images", "-f", "dangling"], ["network", "ls", "-f", "colour=red"], ["volume", "ls", "-f", "colour=red"], ["events", "--since", "nonsense"], ["search"],
    ["network", "create", "--subnet", "nonsense", "x"], ["image", "prune", "-f", "--filter", "colour=red"], ["volume", "prune", "-f", "--filter", "colour=red"], ["logout", "a", "b"],
    ["export", "nobody"], ["commit", "nobody"], ["diff", "nobody"], ["cp", "nobody:/x", "/tmp"], ["create", "--name", "-x", "busybox"], ["restart", "nobody"], ["unpause", "nobody"], ["stats", "--no-stream", "nobody"],
    ["update", "nobody", "--memory", "10m"], ["rename", "nobody", "x"], ["login", "-u", "a", "--password-stdin", "-p", "b"],
])
def test_the_same_mistakes(shelf, arguments):
    docker, hull = (shelf.run(cli, *arguments, check=False) for cli in ("docker", "hull"))
    assert hull.returncode == docker.returncode != 0
    assert hull.stdout == docker.stdout
    plain = [answer.stderr.replace("docker: ", "").replace("hull: ", "").replace("docker ", "hull ").lower().replace("see 'hull", "run 'hull") for answer in (docker, hull)]
    wanted, ours = (text.split("\n\nusage:")[0].strip().removesuffix("\nexit status 1") for text in plain)
    assert ours == wanted


def test_removing_images(cli, tmp_path):
    for name in ("gone:1", "gone:2", "kept:1"):
        cli("tag", "busybox", name)
    assert cli("rmi", "gone:1", "gone:2").stdout == "Untagged: gone:1\nUntagged: gone:2\n"
    other = cli("rmi", "--platform", "linux/arm64", "kept:1", check=False)
    if cli.name == "hull":  # docker's needs a newer version of the API for it
        assert other.returncode == 1 and "its platform (linux/amd64) does not match the specified platform (linux/arm64)" in other.stderr
        assert cli("rmi", "--platform", "linux/amd64", "kept:1").stdout == "Untagged: kept:1\n"
    else:
        cli("rmi", "kept:1", check=False)


def test_save_and_load(cli, tmp_path):
    cli("tag", "busybox", "saved:1")
    cli("save", "-o", tmp_path / "out.tar", "saved:1")
    piped = cli("image", "save", "saved:1", text=False).stdout
    assert len(piped) == (tmp_path / "out.tar").stat().st_size
    cli("rmi", "saved:1")
    assert cli("load", "-q", "-i", tmp_path / "out.tar").stdout == "Loaded image: saved:1\n"
    cli("rmi", "saved:1")
    assert "Loaded image: saved:1" in cli("load", input=piped, text=False).stdout.decode()
    cli("rmi", "saved:1")


def test_import_with_changes(cli, busybox):
    name = cli("import", "-c", "ENV A=1", "-c", "CMD [\"env\"]", "-m", "words", "--platform", "linux/amd64", busybox, f"imported:{cli.name}").stdout.strip()
    assert name.startswith("sha256:")
    shown = json.loads(cli("image", "inspect", f"imported:{cli.name}").stdout)[0]
    assert "A=1" in shown["Config"]["Env"] and shown["Config"]["Cmd"] == ["env"] and shown["Comment"] == "words"
    cli("rmi", f"imported:{cli.name}")


def test_prunes_ask_first(cli):
    for command in (["container"], ["image"], ["image", "-a"], ["network"], ["volume"], ["volume", "-a"], ["system"], ["builder"]):
        asked = cli(command[0], "prune", *command[1:], input="n\n")
        assert asked.returncode == 0 and "Are you sure you want to continue? [y/N]" in asked.stdout + asked.stderr, command
        assert "reclaimed" not in asked.stdout


def test_networks_with_every_flag(cli):
    cli("network", "create", "-d", "bridge", "--subnet", "10.231.7.0/24", "--ip-range", "10.231.7.128/25", "--gateway", "10.231.7.1", "--aux-address", "a=10.231.7.2", "--label", "x=y",
        "-o", "com.docker.network.bridge.name=clitest0", "--internal", "--attachable", "--ipam-driver", "default", "--ipv4=true", "full")
    try:
        shown = json.loads(cli("network", "inspect", "full").stdout)[0]
        assert shown["IPAM"]["Config"] == [{"Subnet": "10.231.7.0/24", "IPRange": "10.231.7.128/25", "Gateway": "10.231.7.1", "AuxiliaryAddresses": {"a": "10.231.7.2"}}]
        assert shown["Internal"] and shown["Attachable"] and shown["Labels"] == {"x": "y"}
        cli("create", "--name", "member", "busybox", "true")
        cli("network", "connect", "--alias", "other", "--ip", "10.231.7.200", "--gw-priority", "1", "--driver-opt", "a=b", "full", "member")
        endpoint = json.loads(cli("inspect", "member").stdout)[0]["NetworkSettings"]["Networks"]["full"]
        assert endpoint["IPAMConfig"]["IPv4Address"] == "10.231.7.200" and "other" in endpoint["Aliases"]
        cli("network", "disconnect", "-f", "full", "member")
        cli("rm", "member")
    finally:
        assert cli("network", "rm", "full").stdout == "full\n"
    assert cli("network", "rm", "-f", "full").returncode == 0


def test_volumes_with_every_flag(cli):
    assert cli("volume", "create", "-d", "local", "--label", "a=b", "-o", "type=tmpfs", "-o", "device=tmpfs", "-o", "o=size=1m", "mem").stdout == "mem\n"
    assert json.loads(cli("volume", "inspect", "-f", "{{json .Options}}", "mem").stdout) == {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}
    anonymous = cli("volume", "create").stdout.strip()
    assert len(anonymous) == 64
    assert anonymous in cli("volume", "prune", "-f").stdout
    cli("volume", "create", "--label", "a=b", "plain")
    assert "plain" in cli("volume", "prune", "-f", "-a", "--filter", "label=a=b").stdout  # not mem: it has options
    assert cli("volume", "rm", "-f", "mem", "plain").stdout == "mem\nplain\n"


def test_the_builder(cli):
    assert cli("builder", "prune", "-f", "-a").returncode == 0
    assert "reclaimed" in cli("builder", "prune", "-f", "--filter", "until=24h").stdout.lower()
