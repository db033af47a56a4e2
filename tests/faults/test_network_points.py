# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the engine, and a failure, at every place of what changes networks and volumes (src/base/fault.h). Afterwards
everything is as before or as after, can be done again, and what is left on the machine is counted."""
import io
import json
import os
import pathlib
import subprocess
import tarfile

import pytest

from conftest import SLOT, Hulld
from fault_points import faults  # noqa: F401
from test_crash_points import kill_engine_at

POOL = f"10.{60 + SLOT % 40}.208.0/20"
NETWORK_CREATE = ["network.recorded", "network.made", "network.ruled"]
NETWORK_REMOVE = ["network.unruled", "network.unmade", "network.forgotten"]
CONNECT = ["connect.recorded", "connect.plugged", "connect.followed", "connect.named"]
DISCONNECT = ["disconnect.unplugged", "disconnect.followed", "disconnect.forgotten"]
PUBLISH = ["attach.recorded", "attach.plugged", "attach.published"]
VOLUME_CREATE = ["volume.recorded", "volume.directory"]
VOLUME_REMOVE = ["volume.doomed", "volume.forgotten", "volume.trashed"]
VOLUME_RENAME = ["volume.marked", "volume.moved", "volume.renamed"]
VOLUME_FILL = ["volume.filling", "volume.filled"]
OWN_LOOPBACK = f"127.0.{SLOT + 1}.7"


@pytest.fixture(scope="module")
def faulty_engine(busybox, faults, tmp_path_factory):
    engine = Hulld()
    engine.variables = {"HULL_FAULTS": str(faults.directory)}
    try:
        engine.start("--default-address-pool", f"base={POOL},size=24")
        engine.docker("import", busybox, "busybox")
        engine.archive = tmp_path_factory.mktemp("volume") / "content.tar"
        with tarfile.open(engine.archive, "w") as tar:
            for number in range(20):
                info = tarfile.TarInfo(f"content/{number}")
                info.size = 3
                tar.addfile(info, io.BytesIO(b"abc"))
        engine.docker("import", engine.archive, "filled")
        yield engine
    finally:
        faults.withdraw()
        engine.close()


@pytest.fixture
def hulld(faulty_engine, faults):
    yield faulty_engine
    faults.withdraw()
    faulty_engine.remove_containers()
    faulty_engine.docker("network", "prune", "-f")
    faulty_engine.hull("volume", "prune", "-a", "-f")
    faulty_engine.assert_clean()
    assert left_over(faulty_engine) == []


def interfaces(*words):
    return json.loads(subprocess.run(["ip", "-j", "-d", *words], capture_output=True, text=True, check=True).stdout)


def rules(engine):
    return subprocess.run(["nft", "list", "table", "ip", engine.firewall_table], capture_output=True, text=True).stdout


def left_over(engine):
    """What no network or volume of the engine stands for: bridges, veths on them, rules, directories."""
    first = ".".join(POOL.split(".")[:2]) + "."
    known = {f"br-{name}" for name in engine.docker("network", "ls", "-q", "--filter", "type=custom").stdout.split()}
    bridges = {link["ifname"] for link in interfaces("-4", "addr") for address in link.get("addr_info", ())
               if link["ifname"].startswith("br-") and address["local"].startswith(first)}
    left = [f"bridge {name}" for name in bridges - known] + [f"no bridge {name}" for name in known - bridges]
    volumes = set(engine.docker("volume", "ls", "-q").stdout.split())
    left += [f"directory {path}" for path in (engine.data / "volumes").iterdir() if path.name not in volumes]
    left += [f"mark {path}" for path in (engine.data / "volumes").glob("*/*") if path.name != "_data"]
    shown = rules(engine)
    left += [f"rule for {name}" for name in bridges - known if name in shown]
    return left


def names(engine, kind):
    return engine.docker(kind, "ls", "--format", "{{.Name}}").stdout.split()


def test_every_place_is_in_a_table_here(hulld, faults):
    faults.record()
    hulld.docker("network", "create", "cut")
    hulld.docker("run", "-d", "--name", "stays", "-p", f"{OWN_LOOPBACK}:7000:80", "busybox", "sleep", "1000")
    hulld.docker("network", "connect", "cut", "stays")
    hulld.docker("network", "disconnect", "cut", "stays")
    hulld.docker("rm", "-f", "stays")
    hulld.docker("network", "rm", "cut")
    hulld.docker("volume", "create", "cut")
    hulld.hull("volume", "import", "cut", hulld.archive)
    hulld.hull("volume", "rename", "cut", "other")
    hulld.docker("volume", "rm", "other")
    hulld.docker("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "mounted")
    hulld.docker("run", "--rm", "-v", "mounted:/mounted", "busybox", "true")
    hulld.docker("volume", "rm", "mounted")
    families = ("network.", "connect.", "disconnect.", "attach.", "volume.")
    passed = [place for place in faults.passed() if place.startswith(families)]
    tables = (NETWORK_CREATE + NETWORK_REMOVE + CONNECT + DISCONNECT + PUBLISH + VOLUME_CREATE + VOLUME_REMOVE + VOLUME_RENAME
              + VOLUME_FILL + ["volume.mounted"])
    assert sorted(passed) == sorted(tables)


@pytest.mark.parametrize("place", NETWORK_CREATE)
def test_killed_in_network_create(hulld, faults, place):
    kill_engine_at(hulld, faults, place, lambda: hulld.docker("network", "create", "cut", check=False))
    assert "cut" in names(hulld, "network") and left_over(hulld) == []
    hulld.docker("run", "--rm", "--network", "cut", "busybox", "true")
    hulld.docker("network", "rm", "cut")
    assert left_over(hulld) == []


@pytest.mark.parametrize("place", NETWORK_REMOVE)
def test_killed_in_network_rm(hulld, faults, place):
    hulld.docker("network", "create", "cut")
    kill_engine_at(hulld, faults, place, lambda: hulld.docker("network", "rm", "cut", check=False))
    assert ("cut" in names(hulld, "network")) == (place != "network.forgotten") and left_over(hulld) == []
    hulld.docker("network", "create", "cut", check=False)
    hulld.docker("run", "--rm", "--network", "cut", "busybox", "true")


@pytest.mark.parametrize("place", NETWORK_CREATE)
def test_a_network_create_that_fails_takes_everything_back(hulld, faults, place):
    faults.order(place, "fail ENOMEM")
    failed = hulld.docker("network", "create", "cut", check=False)
    assert failed.returncode != 0 and "Cannot allocate memory" in failed.stderr and faults.hit(place)
    assert "cut" not in names(hulld, "network") and left_over(hulld) == []
    hulld.docker("network", "create", "cut")


@pytest.mark.parametrize("place", NETWORK_REMOVE[:2])
def test_a_network_rm_that_fails_leaves_it_usable(hulld, faults, place):
    hulld.docker("network", "create", "cut")
    faults.order(place, "fail ENOMEM")
    assert hulld.docker("network", "rm", "cut", check=False).returncode != 0 and faults.hit(place)
    hulld.docker("run", "--rm", "--network", "cut", "busybox", "true")
    hulld.docker("network", "rm", "cut")


@pytest.fixture
def connected(hulld):
    """A container `stays` on one of two networks, with a published port and a server behind it."""
    for name in ("first", "another"):
        hulld.docker("network", "create", name)
    hulld.docker("run", "-d", "--name", "stays", "--network", "first", "-p", f"{OWN_LOOPBACK}:7000:80", "busybox", "sh", "-c",
                 "mkdir /www && echo served > /www/index.html && exec httpd -f -p 80 -h /www")
    hulld.docker("run", "-d", "--name", "neighbour", "--network", "another", "busybox", "sleep", "1000")
    return hulld


def check_connected(hulld, is_connected):
    """The container has what inspect says, is reached at its port, and by name where it is a member."""
    shown = json.loads(hulld.inspect("stays", "{{json .NetworkSettings.Networks}}"))
    assert ("another" in shown) == is_connected
    inside = hulld.docker("exec", "stays", "ip", "-o", "-4", "addr").stdout
    addresses = {line.split()[3] for line in inside.splitlines() if " lo " not in f" {line.split()[1]} "}
    assert addresses == {f"{one['IPAddress']}/{one['IPPrefixLen']}" for one in shown.values()}
    assert "default" in hulld.docker("exec", "stays", "ip", "route").stdout
    page = subprocess.run(["curl", "-s", "-m", "5", f"http://{OWN_LOOPBACK}:7000/"], capture_output=True, text=True)
    assert page.stdout == "served\n"
    found = hulld.docker("exec", "neighbour", "nslookup", "stays", check=False)
    assert (found.returncode == 0) == is_connected
    bridges = {link["ifname"] for link in interfaces("link") if link["ifname"].startswith("br-")}
    own = [link["ifname"] for link in interfaces("link") if link.get("master") in bridges & {
        f"br-{name}" for name in hulld.docker("network", "ls", "-q").stdout.split()}]
    assert len(own) == 2 + is_connected, own


@pytest.mark.parametrize("place", CONNECT)
def test_killed_in_connect(connected, faults, place):
    kill_engine_at(connected, faults, place, lambda: connected.docker("network", "connect", "another", "stays", check=False))
    shown = json.loads(connected.inspect("stays", "{{json .NetworkSettings.Networks}}"))
    check_connected(connected, "another" in shown)
    connected.docker("network", "connect", "another", "stays", check=False)
    check_connected(connected, True)


@pytest.mark.parametrize("place", DISCONNECT)
def test_killed_in_disconnect(connected, faults, place):
    connected.docker("network", "connect", "another", "stays")
    kill_engine_at(connected, faults, place, lambda: connected.docker("network", "disconnect", "another", "stays", check=False))
    shown = json.loads(connected.inspect("stays", "{{json .NetworkSettings.Networks}}"))
    check_connected(connected, "another" in shown)
    connected.docker("network", "disconnect", "another", "stays", check=False)
    check_connected(connected, False)


@pytest.mark.parametrize("place", CONNECT)
def test_a_connect_that_fails_takes_everything_back(connected, faults, place):
    faults.order(place, "fail ENOMEM")
    assert connected.docker("network", "connect", "another", "stays", check=False).returncode != 0 and faults.hit(place)
    check_connected(connected, False)
    connected.docker("network", "connect", "another", "stays")
    check_connected(connected, True)


@pytest.mark.parametrize("order", ["kill", "fail ENOMEM"])
@pytest.mark.parametrize("place", PUBLISH)
def test_published_ports_of_a_start_that_is_cut_off_are_free_again(hulld, faults, place, order):
    run = ["run", "-d", "--name", "cut", "-p", f"{OWN_LOOPBACK}:7000-7100:7000-7100/udp", "busybox", "sleep", "1000"]
    if order == "kill":
        kill_engine_at(hulld, faults, place, lambda: hulld.docker(*run, check=False))
    else:
        faults.order(place, order)
        assert hulld.docker(*run, check=False).returncode != 0 and faults.hit(place)
    assert "7000-7100" not in rules(hulld)
    hulld.remove_containers()
    hulld.docker(*run)
    assert "7000-7100" in rules(hulld)


def content(hulld, volume):
    mountpoint = json.loads(hulld.docker("volume", "inspect", volume).stdout)[0]["Mountpoint"]
    return len(list((pathlib.Path(mountpoint) / "content").iterdir())) if os.listdir(mountpoint) else 0


@pytest.mark.parametrize("place", VOLUME_CREATE)
def test_killed_in_volume_create(hulld, faults, place):
    kill_engine_at(hulld, faults, place, lambda: hulld.docker("volume", "create", "cut", check=False))
    assert names(hulld, "volume") == ["cut"] and left_over(hulld) == []
    hulld.docker("run", "--rm", "-v", "cut:/data", "busybox", "touch", "/data/file")


@pytest.mark.parametrize("place", VOLUME_CREATE)
def test_a_volume_create_that_fails_takes_everything_back(hulld, faults, place):
    faults.order(place, "fail ENOSPC")
    assert "No space left" in hulld.docker("volume", "create", "cut", check=False).stderr and faults.hit(place)
    assert names(hulld, "volume") == [] and left_over(hulld) == []


@pytest.mark.parametrize("place", VOLUME_REMOVE)
def test_killed_in_volume_rm(hulld, faults, place):
    hulld.hull("volume", "import", "cut", hulld.archive)
    kill_engine_at(hulld, faults, place, lambda: hulld.docker("volume", "rm", "cut", check=False))
    assert names(hulld, "volume") == (["cut"] if place == "volume.doomed" else [])
    assert place != "volume.doomed" or content(hulld, "cut") == 20, "it is as it was before"
    assert left_over(hulld) == []


@pytest.mark.parametrize("place, order", [(place, "kill") for place in VOLUME_RENAME] + [
    (place, "fail ENOSPC") for place in VOLUME_RENAME[:2]])
def test_cut_off_in_volume_rename(hulld, faults, place, order):
    hulld.hull("volume", "import", "cut", hulld.archive)
    if order == "kill":
        kill_engine_at(hulld, faults, place, lambda: hulld.hull("volume", "rename", "cut", "other", check=False))
    else:
        faults.order(place, order)
        assert hulld.hull("volume", "rename", "cut", "other", check=False).returncode != 0 and faults.hit(place)
    (name,) = names(hulld, "volume")
    assert content(hulld, name) == 20 and left_over(hulld) == []
    hulld.hull("volume", "rename", name, "third")
    assert content(hulld, "third") == 20


@pytest.mark.parametrize("place", VOLUME_FILL)
def test_killed_in_volume_import(hulld, faults, place):
    kill_engine_at(hulld, faults, place, lambda: hulld.hull("volume", "import", "cut", hulld.archive, check=False))
    assert content(hulld, "cut") == 0 and left_over(hulld) == []
    hulld.hull("volume", "import", "cut", hulld.archive)
    assert content(hulld, "cut") == 20


@pytest.mark.parametrize("place", VOLUME_FILL)
def test_killed_in_the_copy_of_an_images_content(hulld, faults, place):
    create = ["create", "--name", "user", "-v", "cut:/content", "filled", "x"]
    kill_engine_at(hulld, faults, place, lambda: hulld.docker(*create, check=False))
    assert "user" not in hulld.docker("ps", "-a", "--format", "{{.Names}}").stdout.split()
    mountpoint = pathlib.Path(json.loads(hulld.docker("volume", "inspect", "cut").stdout)[0]["Mountpoint"])
    assert list(mountpoint.iterdir()) == [] and left_over(hulld) == []
    hulld.docker(*create)
    assert len(list(mountpoint.iterdir())) == 20


def test_killed_when_a_volume_has_just_been_mounted(hulld, faults):
    hulld.docker("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "cut")
    run = ["run", "--name", "user", "--mount", "source=cut,target=/data,volume-nocopy", "busybox", "true"]
    kill_engine_at(hulld, faults, "volume.mounted", lambda: hulld.docker(*run, check=False))
    assert str(hulld.data / "volumes") not in pathlib.Path("/proc/self/mounts").read_text()
    hulld.docker("rm", "user")
    hulld.docker(*run)
