# SPDX-License-Identifier: Apache-2.0
"""--mount and -v: binds with all that can be said of them, tmpfs, images, and whose the files are."""
import io
import json
import os
import pathlib
import subprocess
import tarfile
import threading

import pytest

from conftest import wait_until


@pytest.fixture(autouse=True)
def nothing_left(engine):
    yield
    engine.remove_containers()
    engine.docker("volume", "prune", "-a", "-f")


def inside(cli, script, *options):
    return cli("run", "--rm", *options, "busybox", "sh", "-c", script).stdout


def refused(cli, *options, command="true"):
    result = cli("run", "--rm", *options, "busybox", "sh", "-c", command, check=False)
    assert result.returncode != 0, result.stdout
    return result.stderr.strip()


@pytest.fixture
def tree(tmp_path):
    """A directory with another file system mounted in it."""
    (tmp_path / "sub").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", tmp_path / "sub"], check=True)
    (tmp_path / "sub" / "below").write_text("below\n")
    yield tmp_path
    subprocess.run(["umount", "-R", tmp_path / "sub"], check=True)


WRITES = "for d in /x /x/sub; do touch $d/new 2>/dev/null && echo $d rw || echo $d ro; done; ls /x/sub"


@pytest.mark.parametrize("options, expected", [
    ("", ["/x rw", "/x/sub rw", "below", "new"]),
    (",readonly", ["/x ro", "/x/sub ro", "below"]),
    (",readonly,bind-recursive=readonly,bind-propagation=rprivate", ["/x ro", "/x/sub ro", "below"]),
    (",readonly,bind-recursive=writable", ["/x ro", "/x/sub rw", "below", "new"]),
    (",bind-recursive=disabled", ["/x rw", "/x/sub rw", "new"]),
])
def test_recursion_of_binds(cli, tree, options, expected):
    assert inside(cli, WRITES, "--mount", f"type=bind,source={tree},target=/x{options}").splitlines() == expected


def test_read_only_of_older_clients_is_not_recursive(engine, tree):
    environment = {**engine.environment(), "DOCKER_API_VERSION": "1.43"}
    shown = subprocess.run(engine.command("docker", "run", "--rm", "--mount", f"type=bind,source={tree},target=/x,readonly", "busybox", "sh", "-c", WRITES),
                           env=environment, capture_output=True, text=True, check=True).stdout
    assert shown.splitlines()[:2] == ["/x ro", "/x/sub rw"]


def test_propagation(cli, tmp_path):
    subprocess.run(["mount", "--bind", tmp_path, tmp_path], check=True)
    subprocess.run(["mount", "--make-shared", tmp_path], check=True)
    try:
        (tmp_path / "later").mkdir()
        for name, mode in (("follows", "rslave"), ("private", "rprivate")):
            cli("run", "-d", "--name", name, "-v", f"{tmp_path}:/x:{mode}", "busybox", "sleep", "100")
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", tmp_path / "later"], check=True)
        (tmp_path / "later" / "file").write_text("")
        assert cli("exec", "follows", "ls", "/x/later").stdout == "file\n"
        assert cli("exec", "private", "ls", "/x/later").stdout == ""
        subprocess.run(["umount", tmp_path / "later"], check=True)
        cli("run", "-d", "--name", "gives", "--privileged", "-v", f"{tmp_path}:/x:rshared", "busybox", "sh", "-c",
            "mkdir /x/out && mount -t tmpfs tmpfs /x/out && touch /x/out/seen && exec sleep 100")
        wait_until((tmp_path / "out" / "seen").exists)
        cli("exec", "gives", "umount", "/x/out")
        assert not (tmp_path / "out" / "seen").exists()
    finally:
        cli.engine.remove_containers()
        subprocess.run(["umount", "-R", tmp_path], check=True)
    private = tmp_path / "private"
    private.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", private], check=True)
    subprocess.run(["mount", "--make-private", private], check=True)
    assert "not a shared mount" in refused(cli, "-v", f"{private}:/x:rshared")
    subprocess.run(["umount", private], check=True)


def test_what_has_the_data_root_in_it_follows_the_host(cli):
    for source in ("/", cli.engine.data, cli.engine.data / "containers"):
        cli("run", "--name", "sees", "-v", f"{source}:/x", "busybox", "true")
        assert cli("inspect", "--format", "{{(index .Mounts 0).Propagation}}", "sees").stdout == "rslave\n"
        cli("rm", "sees")
    assert 'must use either propagation mode "rslave" or "rshared"' in refused(cli, "-v", f"{cli.engine.data}:/x:private")


def test_sources_that_are_missing(cli, tmp_path):
    missing = tmp_path / "missing"
    assert f"bind source path does not exist: {missing}" in refused(cli, "--mount", f"type=bind,source={missing},target=/x")
    assert not missing.exists()
    inside(cli, "true", "-v", f"{missing}:/x")
    assert missing.is_dir() and missing.stat().st_uid == 0
    inside(cli.engine.hull, "true", "--mount", f"type=bind,source={tmp_path}/made-{cli.name},target=/x,bind-create-src")
    assert (tmp_path / f"made-{cli.name}").is_dir()


@pytest.mark.parametrize("mount, message", [
    ("type=npipe,source=//./pipe/x,target=/x", "mount type unknown"),
    ("type=cluster,source=x,target=/x", "swarm"),
    ("type=bind,target=/x", "field Source must not be empty"),
    ("type=volume,source=x,target=/x,volume-subpath=../up", "subpath must be a relative path within the volume"),
    ("type=volume,target=/x,volume-subpath=sub", "must not set Subpath when using anonymous volumes"),
    ("type=image,source=busybox,target=/x,image-subpath=/abs", "subpath must be a relative path within the volume"),
])
def test_what_is_refused(engine, mount, message):
    assert message in refused(engine.hull, "--mount", mount)


def test_tmpfs_options(cli):
    shown = inside(cli, "grep ' /x ' /proc/mounts; stat -c %a /x; dd if=/dev/zero of=/x/f bs=1k count=2000 2>&1 | tail -1; cp /bin/busybox /y/busybox && /y/busybox true && echo ran",
                   "--mount", "type=tmpfs,target=/x,tmpfs-size=1m,tmpfs-mode=0710", "--tmpfs", "/y:exec,size=8m").splitlines()
    for option in ("size=1024k", "nosuid", "nodev", "noexec", "mode=710"):
        assert option in shown[0], shown
    assert shown[1] == "710" and "ran" in shown and not any("2048000 bytes" in line for line in shown)


def test_a_part_of_a_volume(cli):
    cli("volume", "create", "data")
    inside(cli, "mkdir -p /v/part/deep && echo in > /v/part/file && ln -s /etc /v/away && ln -s part/deep /v/near && echo deep > /v/part/deep/file",
           "-v", "data:/v")
    part = lambda path: f"source=data,target=/x,volume-subpath={path}"
    assert inside(cli, "cat /x/file", "--mount", part("part")) == "in\n"
    assert inside(cli, "cat /x", "--mount", part("part/file")) == "in\n"
    assert inside(cli, "cat /x/file", "--mount", part("near")) == "deep\n", "links lead where they lead in the volume"
    assert "path concatenation escapes the base directory" in refused(cli, "--mount", part("away"))
    assert "no such file" in refused(cli, "--mount", part("missing")).lower()


def test_an_empty_part_of_a_volume_is_filled_from_the_image(cli):
    cli("volume", "create", "data")
    inside(cli, "mkdir /v/etc /v/full && echo mine > /v/full/file", "-v", "data:/v")
    part = lambda path: f"source=data,target=/etc,volume-subpath={path}"
    assert inside(cli, "grep -c . /etc/passwd", "--mount", part("etc")) == "2\n"
    assert inside(cli, "ls /etc", "--mount", part("full")).split() == ["file", "hostname", "hosts", "resolv.conf"]
    assert "passwd" in inside(cli, "ls /v/etc; ls /v", "-v", "data:/v").split()


def test_a_part_of_a_volume_that_somebody_swaps_all_the_time(engine):
    """A container that exchanges a directory for a link to / never gets another one to see the host."""
    engine.docker("volume", "create", "data")
    engine.docker("run", "--rm", "-v", "data:/v", "busybox", "mkdir", "/v/part", "/v/spare")
    root = pathlib.Path(json.loads(engine.docker("volume", "inspect", "data").stdout)[0]["Mountpoint"])
    stop = threading.Event()

    def swap():
        while not stop.is_set():
            try:
                os.rename(root / "part", root / "aside")
                os.symlink("/", root / "part")
                os.unlink(root / "part")
                os.rename(root / "aside", root / "part")
            except OSError:
                pass
    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        for _ in range(25):
            shown = engine.hull("run", "--rm", "--mount", "source=data,target=/x,volume-subpath=part", "busybox", "ls", "/x",
                                check=False)
            assert "work" not in shown.stdout.split() and "sbin" not in shown.stdout.split(), shown.stdout
    finally:
        stop.set()
        swapper.join()


def image(engine, tmp_path, name):
    """An image of two layers, the second of which hides something of the first."""
    path = tmp_path / f"{name}.tar"
    with tarfile.open(path, "w") as tar:
        for file, text in (("tools/one", b"1"), ("tools/gone", b"x"), ("readme", b"read me")):
            info = tarfile.TarInfo(file)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
        tar.add("/bin/busybox", "bin/busybox")
        link = tarfile.TarInfo("bin/sh")
        link.type, link.linkname = tarfile.SYMTYPE, "busybox"
        tar.addfile(link)
    engine.docker("import", path, f"{name}-base")
    engine.docker("run", "--name", f"make-{name}", f"{name}-base", "/bin/sh", "-c",
                  "/bin/busybox rm /tools/gone; echo 2 > /tools/two")
    engine.docker("commit", f"make-{name}", name)
    engine.docker("rm", f"make-{name}")


def test_an_image_as_a_mount(engine, tmp_path):
    image(engine, tmp_path, "tools")
    mount = lambda more="": f"type=image,source=tools,target=/x{more}"
    run = engine.hull
    shown = inside(run, "ls /x/tools; touch /x/no 2>/dev/null || echo sealed", "--mount", mount()).split()
    assert shown == ["one", "two", "sealed"]
    assert inside(run, "ls /x", "--mount", mount(",image-subpath=tools")).split() == ["one", "two"]
    assert inside(run, "cat /x", "--mount", mount(",image-subpath=readme")) == "read me"
    assert "cannot access path none" in refused(run, "--mount", mount(",image-subpath=none"))
    engine.docker("run", "-d", "--name", "user", "--mount", mount(), "busybox", "sleep", "100")
    point = json.loads(engine.inspect("user", "{{json .Mounts}}"))[0]
    assert point["Type"] == "image" and point["RW"] is False and point["Destination"] == "/x"
    # Being mounted is being used.
    busy = engine.docker("rmi", "tools", check=False)
    assert busy.returncode == 1 and "is using its referenced image" in busy.stderr, busy.stderr
    # What a container has of an image stays, also over a restart, when the image is removed.
    engine.docker("rmi", "-f", "tools", "tools-base")
    engine.docker("restart", "-t", "0", "user")
    engine.crash()
    engine.start()
    engine.docker("restart", "-t", "0", "user")
    assert engine.docker("exec", "user", "cat", "/x/tools/one").stdout == "1"
    assert "No such image" in refused(run, "--pull", "never", "--mount", "type=image,source=nothing,target=/x")


def test_the_owner_of_a_bind_is_whoever_runs(engine, tmp_path):
    os.chown(tmp_path, 12345, 23456)
    (tmp_path / "file").write_text("mine\n")
    os.chown(tmp_path / "file", 12345, 23456)
    mount = f"type=bind,source={tmp_path},target=/x,idmap=user"
    shown = engine.hull("run", "--rm", "--user", "web", "--mount", mount, "busybox", "sh", "-c",
                        "stat -c %u:%g /x/file; echo new > /x/new; stat -c %u:%g /x/new", check=False)
    if shown.returncode != 0 and "idmap" in shown.stderr:
        pytest.skip("this kernel or file system has no idmapped mounts")
    assert shown.stdout.split() == ["1001:1002", "1001:1002"]
    info = (tmp_path / "new").stat()
    assert (info.st_uid, info.st_gid) == (12345, 23456)
    shown = engine.hull("run", "--rm", "--mount", mount, "busybox", "sh", "-c", "stat -c %u:%g /x/file; touch /x/root")
    assert shown.stdout == "0:0\n" and (tmp_path / "root").stat().st_uid == 12345


def test_mapped_ranges(engine, tmp_path):
    (tmp_path / "file").write_text("x")
    os.chown(tmp_path / "file", 500, 600)
    mount = f"type=bind,source={tmp_path},target=/x,idmap=uids=500-7-1#0-0-1;gids=600-8-1"
    shown = engine.hull("run", "--rm", "--mount", mount, "busybox", "stat", "-c", "%u:%g", "/x/file", "/x")
    assert shown.stdout.split() == ["7:8", "0:65534"]
    for wrong in ("idmap=uids=1-2", "idmap=everything", "idmap=uids=a-b-c"):
        assert "invalid idmap" in refused(engine.hull, "--mount", f"type=bind,source={tmp_path},target=/x,{wrong}")
    assert "only binds and volumes" in refused(engine.hull, "--mount", "type=tmpfs,target=/x,idmap=user")
