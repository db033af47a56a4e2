# SPDX-License-Identifier: Apache-2.0
"""Volumes: what they are made of, who may remove them, what is copied into them and out of them."""
import io
import json
import os
import pathlib
import subprocess
import tarfile
import threading
import time

import pytest


@pytest.fixture(autouse=True)
def nothing_left(engine):
    yield
    engine.remove_containers()
    engine.hull("volume", "prune", "-a", "-f")
    for name in engine.docker("volume", "ls", "-q").stdout.split():
        engine.docker("volume", "rm", name)
    assert str(engine.data) not in pathlib.Path("/proc/self/mounts").read_text()


def inspect(engine, volume):
    return json.loads(engine.docker("volume", "inspect", volume).stdout)[0]


def mounted_at(volume):
    return f" {volume['Mountpoint']} " in pathlib.Path("/proc/self/mounts").read_text()


def refused(cli, *command):
    result = cli(*command, check=False)
    assert result.returncode != 0, result.stdout
    return result.stderr.strip()


def test_labels_filters_and_who_uses_it(cli):
    cli("volume", "create", "--label", "tier=db", "--label", "keep", "data")
    cli("volume", "create", "other")
    names = lambda *filters: cli("volume", "ls", "-q", *filters).stdout.split()
    assert names("--filter", "label=tier=db") == ["data"] and names("--filter", "name=oth") == ["other"]
    assert names("--filter", "driver=local") == ["data", "other"] and names("--filter", "driver=x") == []
    cli("run", "-d", "--name", "user", "-v", "data:/data", "busybox", "sleep", "100")
    assert names("--filter", "dangling=true") == ["other"] and names("--filter", "dangling=false") == ["data"]
    identity = cli.engine.inspect("user", "{{.Id}}")
    assert f"volume is in use - [{identity}]" in refused(cli, "volume", "rm", "data")
    cli("rm", "-f", "user")
    cli("volume", "rm", "data")
    assert "no such volume" in refused(cli, "volume", "inspect", "data").lower()


def test_labels_can_be_changed(engine):
    engine.hull("volume", "create", "--label", "a=1", "--label", "b=2", "data")
    engine.hull("volume", "update", "--label-add", "c=3", "--label-add", "a=4", "--label-rm", "b", "data")
    assert inspect(engine, "data")["Labels"] == {"a": "4", "c": "3"}
    engine.crash()
    engine.start()
    assert inspect(engine, "data")["Labels"] == {"a": "4", "c": "3"}


def test_prune_takes_anonymous_ones_unless_told_otherwise(cli):
    cli("volume", "create", "named")
    cli("create", "--name", "one", "-v", "/data", "busybox", "true")
    anonymous = cli.engine.inspect("one", "{{(index .Mounts 0).Name}}")
    assert len(anonymous) == 64
    assert anonymous not in cli("volume", "prune", "-f").stdout, "a stopped container still has it"
    cli("rm", "one")
    assert anonymous in cli("volume", "prune", "-f").stdout
    assert cli("volume", "ls", "-q").stdout.split() == ["named"]
    assert "named" in cli("volume", "prune", "-a", "-f").stdout
    cli("run", "--rm", "-v", "/data", "busybox", "true")
    assert cli("volume", "ls", "-q").stdout == "", "--rm takes them along"


def test_a_tmpfs_is_mounted_while_somebody_uses_it(cli):
    cli("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "-o", "o=size=1m,uid=1001,noexec", "fast")
    volume = inspect(cli.engine, "fast")
    assert volume["Options"] == {"type": "tmpfs", "device": "tmpfs", "o": "size=1m,uid=1001,noexec"}
    assert not mounted_at(volume)
    for name in ("one", "two"):
        cli("run", "-d", "--name", name, "-v", "fast:/fast", "busybox", "sleep", "100")
    assert mounted_at(volume)
    cli("exec", "one", "sh", "-c", "echo shared > /fast/file")
    assert cli("exec", "two", "sh", "-c", "cat /fast/file; stat -c %u /fast; grep /fast /proc/mounts").stdout.split()[:2] == [
        "shared", "1001"]
    cli.engine.crash()
    cli.engine.start()
    assert mounted_at(volume)
    cli("rm", "-f", "one")
    assert mounted_at(volume) and cli("exec", "two", "cat", "/fast/file").stdout == "shared\n"
    cli("rm", "-f", "two")
    deadline = time.monotonic() + 5
    while mounted_at(volume) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not mounted_at(volume)


def test_a_volume_is_free_when_its_last_container_is_removed(engine):
    for _ in range(10):
        engine.docker("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "fast")
        engine.docker("run", "-d", "--name", "one", "-v", "fast:/fast", "busybox", "sleep", "100")
        engine.docker("rm", "-f", "one")
        engine.docker("volume", "rm", "fast")


def test_volumes_of_containers_that_are_being_created_are_not_removed(engine):
    """Creates and removals at the same time: a container that exists has its volume."""
    done = threading.Event()

    def remove():
        while not done.is_set():
            engine.docker("volume", "rm", "-f", "shared", check=False)
    remover = threading.Thread(target=remove)
    remover.start()
    try:
        for number in range(15):
            engine.docker("create", "--name", f"box{number}", "-v", "shared:/data", "busybox", "true")
            root = pathlib.Path(inspect(engine, "shared")["Mountpoint"])
            assert root.is_dir()
            engine.docker("rm", f"box{number}")
    finally:
        done.set()
        remover.join()


def test_what_a_crash_left_mounted_is_unmounted(engine):
    engine.docker("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "-o", "o=size=1m", "fast")
    engine.docker("run", "-d", "--name", "one", "-v", "fast:/fast", "busybox", "sleep", "100")
    engine.crash()
    for entry in pathlib.Path("/proc").iterdir():  # the container ends while there is no engine
        if entry.name.isdigit() and (entry / "comm").exists() and (entry / "comm").read_text() == "sleep\n":
            if f"{engine.cgroup_parent}" in (entry / "cgroup").read_text():
                os.kill(int(entry.name), 9)
    time.sleep(0.3)
    engine.start()
    assert not mounted_at(inspect(engine, "fast"))


def test_a_directory_of_the_host_as_a_volume(cli, tmp_path):
    cli("volume", "create", "-o", "type=none", "-o", f"device={tmp_path}", "-o", "o=bind", "here")
    cli("run", "--rm", "-v", "here:/data", "busybox", "sh", "-c", "echo written > /data/file")
    assert (tmp_path / "file").read_text() == "written\n"
    cli("create", "--name", "still", "-v", "here:/data", "busybox", "true")
    target = tmp_path.parent / f"copied-{cli.name}"
    cli("cp", "still:/data/file", target)
    assert target.read_text() == "written\n"
    cli("rm", "still")
    cli("volume", "rm", "here")
    assert (tmp_path / "file").exists(), "what is mounted is not the volume's own"


@pytest.mark.parametrize("options, message", [
    (["type=nfs", "device=:/export", "o=addr=127.0.0.1,vers=4,soft,timeo=5,retrans=1"], "(type \"nfs\", options \"addr=127.0.0.1"),
    (["type=none", "device=/no/such/place", "o=bind"], "there is no /no/such/place here"),
    (["type=nosuchfs", "device=x"], 'this kernel has no file system of the type "nosuchfs"'),
    (["type=tmpfs", "device=tmpfs", "o=size=many"], "size"),
])
def test_what_cannot_be_mounted_is_said_at_its_use(cli, options, message):
    cli("volume", "create", *[word for option in options for word in ("-o", option)], "broken")
    cli("create", "--name", "user", "--mount", "source=broken,target=/data,volume-nocopy", "busybox", "true")
    error = refused(cli, "start", "user")
    assert "failed to mount local volume broken: mount " in error and message in error
    cli("rm", "user")
    cli("volume", "rm", "broken")


@pytest.mark.parametrize("options, message", [
    (["o=bind"], 'missing required option: "device"'), (["type=tmpfs"], 'missing required option: "device"'),
    (["device=/x"], 'missing required option: "type"'), (["nonsense=1"], 'invalid option: "nonsense"'), (["size=1g"], "no quota support"),
])
def test_options_that_make_no_sense_are_refused(cli, options, message):
    assert message in refused(cli, "volume", "create", *[word for option in options for word in ("-o", option)], "some")


def image_with_owners(engine, tmp_path):
    """An image that has something at /data: owners, modes, links, extended attributes."""
    path = tmp_path / "image.tar"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        def add(name, kind=tarfile.REGTYPE, data=b"", **more):
            info = tarfile.TarInfo(name)
            info.type, info.size, info.mode = kind, len(data), 0o644
            for key, value in more.items():
                setattr(info, key, value)
            tar.addfile(info, io.BytesIO(data))
        add("bin", tarfile.DIRTYPE, mode=0o755)
        tar.add("/bin/busybox", "bin/busybox")
        add("bin/sh", tarfile.SYMTYPE, linkname="busybox")
        add("data", tarfile.DIRTYPE, mode=0o750, uid=1001, gid=1002)
        add("data/file", data=b"content", mode=0o640, uid=1001, gid=1002, pax_headers={"SCHILY.xattr.user.color": "green"})
        add("data/link", tarfile.LNKTYPE, linkname="data/file")
        add("data/away", tarfile.SYMTYPE, linkname="/etc/passwd")
    engine.docker("import", path, "owners")


def test_new_volumes_begin_with_what_the_image_has(cli, tmp_path):
    image_with_owners(cli.engine, tmp_path)
    cli("create", "--name", "one", "-v", "fresh:/data", "owners", "/bin/sh")
    root = pathlib.Path(inspect(cli.engine, "fresh")["Mountpoint"])
    info = root.stat()
    assert (info.st_uid, info.st_gid, info.st_mode & 0o7777) == (1001, 1002, 0o750)
    info = (root / "file").stat()
    assert (info.st_uid, info.st_gid, info.st_mode & 0o7777, info.st_nlink) == (1001, 1002, 0o640, 2)
    assert os.getxattr(root / "file", "user.color") == b"green"
    assert os.readlink(root / "away") == "/etc/passwd"
    cli("run", "--rm", "-v", "fresh:/data", "busybox", "rm", "/data/file", "/data/link")
    cli("create", "--name", "two", "-v", "fresh:/data", "owners", "/bin/sh")
    assert sorted(p.name for p in root.iterdir()) == ["away"], "only what is empty is filled"
    cli("create", "--name", "three", "-v", "bare:/data:nocopy", "owners", "/bin/sh")
    cli("create", "--name", "four", "--mount", "source=bare2,target=/data,volume-nocopy", "owners", "/bin/sh")
    for name in ("bare", "bare2"):
        assert list(pathlib.Path(inspect(cli.engine, name)["Mountpoint"]).iterdir()) == []


def test_rename(engine):
    engine.hull("volume", "create", "--label", "a=1", "old")
    engine.docker("run", "--rm", "-v", "old:/data", "busybox", "sh", "-c", "echo kept > /data/file")
    engine.docker("create", "--name", "user", "-v", "old:/data", "busybox", "true")
    failed = engine.hull("volume", "rename", "old", "new", check=False)
    assert failed.returncode != 0 and "volume is in use" in failed.stderr
    engine.docker("rm", "user")
    engine.docker("volume", "create", "taken")
    assert "exists already" in engine.hull("volume", "rename", "old", "taken", check=False).stderr
    engine.hull("volume", "rename", "old", "new")
    assert sorted(engine.docker("volume", "ls", "-q").stdout.split()) == ["new", "taken"]
    assert inspect(engine, "new")["Labels"] == {"a": "1"}
    assert engine.docker("run", "--rm", "-v", "new:/data", "busybox", "cat", "/data/file").stdout == "kept\n"
    # A crash between the two steps: the directory has moved, and the row has not, and the other way round.
    root = engine.data / "volumes"
    engine.crash()
    (root / "new" / "renaming").write_text("new\nnewer\n")
    (root / "new").rename(root / "newer")
    (root / "taken" / "renaming").write_text("gone\ntaken\n")
    engine.start()
    assert sorted(p.name for p in root.iterdir()) == ["new", "taken"]
    assert not (root / "new" / "renaming").exists() and not (root / "taken" / "renaming").exists()
    assert engine.docker("run", "--rm", "-v", "new:/data", "busybox", "cat", "/data/file").stdout == "kept\n"


@pytest.mark.parametrize("compressed", [False, True])
def test_export_and_import_keep_everything(engine, tmp_path, compressed):
    image_with_owners(engine, tmp_path)
    engine.docker("create", "--name", "one", "-v", "source:/data", "owners", "/bin/sh")
    archive = tmp_path / "volume.tar"
    engine.hull("volume", "export", *(["--zstd"] if compressed else []), "-o", archive, "source")
    assert archive.read_bytes()[:4] == (b"\x28\xb5\x2f\xfd" if compressed else archive.read_bytes()[:4])
    assert engine.hull("volume", "import", "copy", archive).stdout == "copy\n"
    root = pathlib.Path(inspect(engine, "copy")["Mountpoint"])
    info = (root / "file").stat()
    assert (info.st_uid, info.st_gid, info.st_mode & 0o7777, info.st_nlink) == (1001, 1002, 0o640, 2)
    assert os.getxattr(root / "file", "user.color") == b"green" and (root / "file").read_text() == "content"
    assert (root.stat().st_uid, root.stat().st_mode & 0o7777) == (1001, 0o750)
    failed = engine.hull("volume", "import", "copy", archive, check=False)
    assert failed.returncode != 0 and "the volume is not empty" in failed.stderr
    # An archive that is cut off leaves nothing.
    archive.write_bytes(archive.read_bytes()[:len(archive.read_bytes()) // 2])
    assert engine.hull("volume", "import", "half", archive, check=False).returncode != 0
    assert "half" not in engine.docker("volume", "ls", "-q").stdout.split()
    engine.docker("volume", "create", "empty")
    assert engine.hull("volume", "import", "empty", archive, check=False).returncode != 0
    assert list(pathlib.Path(inspect(engine, "empty")["Mountpoint"]).iterdir()) == []


def test_a_crash_leaves_volumes_as_before_or_as_after(engine, tmp_path):
    path = tmp_path / "image.tar"
    with tarfile.open(path, "w") as tar:
        for number in range(2000):
            info = tarfile.TarInfo(f"data/{number}")
            info.size = 1000
            tar.addfile(info, io.BytesIO(b"x" * 1000))
    engine.docker("import", path, "many")
    seen = set()
    for attempt in range(8):
        worker = threading.Thread(target=lambda: engine.docker(
            "create", "--name", "user", "-v", "filled:/data", "many", "x", check=False))
        worker.start()
        time.sleep(0.03 + 0.02 * attempt)
        engine.crash()
        worker.join()
        engine.start()
        if "filled" in engine.docker("volume", "ls", "-q").stdout.split():
            volume = inspect(engine, "filled")
            content = len(list(pathlib.Path(volume["Mountpoint"]).iterdir()))
            assert content in (0, 2000), content
            seen.add(content)
        engine.remove_containers()
        engine.docker("volume", "rm", "-f", "filled")
        # Removal that is cut off.
        engine.docker("volume", "create", "doomed")
        worker = threading.Thread(target=lambda: engine.docker("volume", "rm", "doomed", check=False))
        worker.start()
        time.sleep(0.005 * attempt)
        engine.crash()
        worker.join()
        engine.start()
        engine.docker("volume", "rm", "-f", "doomed")
    assert sorted(p.name for p in (engine.data / "volumes").iterdir()) == []
