# SPDX-License-Identifier: Apache-2.0
"""Devices by the Container Device Interface: --device vendor.com/class=name, and --gpus, with either command line."""
import json
import textwrap

import pytest

from conftest import Hulld, wait_until


@pytest.fixture(scope="module")
def engine(busybox, tmp_path_factory):
    """An engine with two directories of devices: `first` and, more important, `second`."""
    hulld = Hulld()
    hulld.first, hulld.second = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")
    try:
        hulld.start("--cdi-spec-dir", hulld.first, "--cdi-spec-dir", hulld.second)
        hulld.docker("import", busybox, "busybox")
        yield hulld
    finally:
        hulld.close()


@pytest.fixture(autouse=True)
def no_devices_left(engine):
    yield
    for directory in (engine.first, engine.second):
        for file in directory.iterdir():
            file.unlink()


def device(name, **edits):
    return {"name": name, "containerEdits": edits}


def write(directory, kind, *devices, version="0.6.0", name=None, **edits):
    spec = {"cdiVersion": version, "kind": kind, "devices": list(devices), "containerEdits": edits}
    (directory / (name or kind.replace("/", "-") + ".json")).write_text(json.dumps(spec))


def out(cli, *arguments):
    return cli("run", "--rm", *arguments).stdout


def refused(cli, *arguments):
    result = cli("run", "--rm", *arguments, check=False)
    assert result.returncode == 125, result.stdout + result.stderr
    return result.stderr


def test_everything_that_a_device_changes(cli, tmp_path):
    (tmp_path / "library").write_text("a library\n")
    write(cli.engine.first, "acme.com/card",
          device("0", env=["CARD=0", "PATH=/opt/card:/bin"],
                 deviceNodes=[{"path": "/dev/card0", "hostPath": "/dev/zero"},
                              {"path": "/dev/control", "hostPath": "/dev/loop-control", "permissions": "r"},
                              {"path": "/dev/card1", "type": "c", "major": 1, "minor": 7, "fileMode": 0o640, "uid": 5, "gid": 6}],
                 mounts=[{"hostPath": str(tmp_path / "library"), "containerPath": "/usr/lib/card.so", "options": ["ro", "bind"]}],
                 additionalGids=[77]),
          version="0.7.0", env=["DRIVER=7"])
    script = "echo $CARD $DRIVER $PATH; head -c 3 /dev/card0 | od -An -tx1; cat /usr/lib/card.so; stat -c '%a %u %g %t:%T' /dev/card1; id -G; " \
             ": </dev/control && echo open; echo x >/dev/control || echo refused; touch /usr/lib/card.so || echo read-only"
    lines = out(cli, "--device", "acme.com/card=0", "busybox", "sh", "-c", script).splitlines()
    assert [line.strip() for line in lines] == ["0 7 /opt/card:/bin", "00 00 00", "a library", "640 5 6 1:7", "0 77", "open", "refused", "read-only"]
    assert "/dev/card0" not in out(cli, "busybox", "ls", "/dev")
    cli("create", "--name", "box", "--device", "acme.com/card=0", "busybox", "true")
    (request,) = json.loads(cli("inspect", "--format", "{{json .HostConfig.DeviceRequests}}", "box").stdout)
    assert request == {"Driver": "cdi", "Count": 0, "DeviceIDs": ["acme.com/card=0"], "Capabilities": None, "Options": None}


def test_files_in_yaml(cli):
    (cli.engine.first / "card.yaml").write_text(textwrap.dedent("""\
        # as vendors' tools write it
        cdiVersion: "0.5.0"
        kind: acme.com/card
        containerEdits:
          env: [DRIVER=7]
        devices:
        - name: "0"
          containerEdits: &all
            deviceNodes:
            - {path: /dev/card0, hostPath: /dev/full, fileMode: 0666}
            env:
            - 'TEXT=two words'
        - name: all
          containerEdits: *all
        """))
    script = "echo $DRIVER $TEXT; stat -c '%a %t:%T' /dev/card0"
    for name in ("0", "all"):
        assert out(cli, "--device", f"acme.com/card={name}", "busybox", "sh", "-c", script) == "7 two words\n666 1:7\n"


def test_hooks_see_the_containers_files(cli, tmp_path):
    hook = tmp_path / "hook"
    hook.write_text(textwrap.dedent("""\
        #!/bin/sh
        # The state comes on standard input, and leads to the configuration.
        bundle=$(sed -n 's/.*"bundle":"\\([^"]*\\)".*/\\1/p')
        root=$(sed -n 's/.*"root":{"path":"\\([^"]*\\)".*/\\1/p' "$bundle/config.json")
        [ -e "$root/bin/busybox" ] && [ -e "$root/proc/1" ] && echo "$1 $SAYS" >"$root/etc/hooked"
        """))
    hook.chmod(0o755)
    write(cli.engine.first, "acme.com/card", device("0", hooks=[
        {"hookName": "createContainer", "path": str(hook), "args": ["hook", "link"], "env": ["SAYS=hello", "PATH=/usr/bin:/bin"]}]))
    assert out(cli, "--device", "acme.com/card=0", "busybox", "cat", "/etc/hooked") == "link hello\n"
    assert "hooked" not in out(cli, "busybox", "ls", "/etc")
    hook.write_text("#!/bin/sh\necho no driver >&2\nexit 3\n")
    assert "no driver" in refused(cli, "--device", "acme.com/card=0", "busybox", "true")
    for when in ("poststart", "poststop"):
        told = tmp_path / when
        hook.write_text(f"#!/bin/sh\ncat >{told}\n")
        write(cli.engine.first, "acme.com/card", device("0", hooks=[{"hookName": when, "path": str(hook)}]))
        out(cli, "--device", "acme.com/card=0", "busybox", "true")
        state = wait_until(lambda: told.exists() and told.read_text() and json.loads(told.read_text()))
        assert state["status"] == {"poststart": "running", "poststop": "stopped"}[when] and len(state["id"]) == 64


@pytest.mark.parametrize("when", ["poststart", "poststop"])
def test_a_hook_that_fails_is_a_warning_and_the_others_still_run(cli, tmp_path, when):
    told = tmp_path / "told"
    hook = lambda script: {"hookName": when, "path": "/bin/sh", "args": ["sh", "-c", script]}
    write(cli.engine.first, "acme.com/card", device("0", hooks=[
        hook(f"echo no driver of {told} >&2; exit 3"), hook("exit 4"), hook(f": >{told}")]))
    assert out(cli, "--device", "acme.com/card=0", "busybox", "echo", "ran") == "ran\n"
    wait_until(told.exists)
    wait_until(lambda: f"no driver of {told}" in cli.engine.log.read_text())


def test_what_cannot_be_resolved_is_refused(cli):
    message = refused(cli, "--device", "acme.com/card=9", "busybox", "true")
    assert "CDI device injection failed: unresolvable CDI devices acme.com/card=9" in message
    write(cli.engine.first, "acme.com/card", device("0", deviceNodes=[{"path": "/dev/x", "hostPath": "/dev/not-there"}]))
    missing = cli("run", "--rm", "--device", "acme.com/card=0", "busybox", "true", check=False)
    assert missing.returncode == 127 and 'failed to stat CDI host device "/dev/not-there"' in missing.stderr  # by the words, as Docker does
    # A mistake in a file is named, and is no mistake in others.
    write(cli.engine.first, "acme.com/card", device("zero", mounts=[{"hostPath": "/tmp", "containerPath": "/x", "type": "bind"}]), version="0.3.0")
    write(cli.engine.first, "acme.com/disk", device("0", env=["A=1"]))
    message = refused(cli, "--device", "acme.com/card=0", "busybox", "true")
    assert "the spec version must be at least v0.4.0" in message and "acme.com-card.json" in message
    assert "A=1" in out(cli, "--device", "acme.com/disk=0", "busybox", "env")
    write(cli.engine.first, "acme.com/card", device("0", netDevices=[{"hostInterfaceName": "eth9", "name": "eth1"}]), version="1.1.0")
    assert "eth9" in refused(cli, "--device", "acme.com/card=0", "busybox", "true")


def test_the_later_directory_counts_and_equals_exclude_each_other(cli):
    write(cli.engine.first, "acme.com/card", device("0", env=["FROM=first"]))
    write(cli.engine.second, "acme.com/card", device("0", env=["FROM=second"]))
    assert "FROM=second" in out(cli, "--device", "acme.com/card=0", "busybox", "env")
    write(cli.engine.second, "acme.com/card", device("0", env=["FROM=third"]), name="again.json")
    assert "conflicting device" in refused(cli, "--device", "acme.com/card=0", "busybox", "true")


def test_gpus_are_devices_of_the_vendor_that_is_there(cli):
    assert 'could not select device driver "" with capabilities: [[gpu]]' in refused(cli, "--gpus", "all", "busybox", "true")
    write(cli.engine.first, "nvidia.com/gpu", device("0", env=["ZERO=0"]), device("1", env=["ONE=1"]),
          device("GPU-abc", env=["ABC=abc"]), device("all", env=["ALL=all"]), version="0.5.0")
    given = lambda *flags: set(out(cli, *flags, "busybox", "env").split()) & {"ZERO=0", "ONE=1", "ABC=abc", "ALL=all"}
    assert given("--gpus", "all") == {"ALL=all"}
    assert given("--gpus", "1") == {"ZERO=0"} and given("--gpus", "2") == {"ZERO=0", "ONE=1"}
    assert given("--gpus", '"device=1,GPU-abc"') == {"ONE=1", "ABC=abc"}
    assert given("--gpus", "device=nvidia.com/gpu=1") == {"ONE=1"}
    assert given("--gpus", 'driver=nvidia,count=1,"capabilities=compute,utility"') == {"ZERO=0"}
    assert "unresolvable CDI devices nvidia.com/gpu=2" in refused(cli, "--gpus", "3", "busybox", "true")
    message = refused(cli, "--gpus", "driver=other", "busybox", "true")
    assert 'could not select device driver "other" with capabilities: [[gpu]]' in message


def test_gpus_of_another_vendor(cli):
    write(cli.engine.first, "amd.com/gpu", device("0", env=["AMD=0"]), device("1", env=["AMD1=1"]))
    lines = out(cli, "--gpus", "all", "busybox", "env").split()
    assert "AMD=0" in lines and "AMD1=1" in lines  # no device "all": all of them


def test_devices_of_restarts_and_later_files(cli):
    write(cli.engine.first, "acme.com/card", device("0", env=["TURN=1"]))
    cli("create", "--name", "box", "--device", "acme.com/card=0", "busybox", "sh", "-c", "echo $TURN")
    assert cli("start", "-a", "box").stdout == "1\n"
    write(cli.engine.first, "acme.com/card", device("0", env=["TURN=2"]))
    assert cli("start", "-a", "box").stdout == "2\n"
    (cli.engine.first / "acme.com-card.json").unlink()
    gone = cli("start", "-a", "box", check=False)
    assert gone.returncode == 1 and "unresolvable CDI devices acme.com/card=0" in gone.stderr


def test_in_a_user_namespace_nodes_are_bound(engine):
    write(engine.first, "acme.com/card", device("0", deviceNodes=[{"path": "/dev/card0", "hostPath": "/dev/zero"}]))
    script = "head -c 2 /dev/card0 | od -An -tx1"
    given = engine.hull("run", "--rm", "--userns", "private", "--device", "acme.com/card=0", "busybox", "sh", "-c", script)
    assert given.stdout.strip() == "00 00"


def test_info_shows_what_was_found(cli):
    write(cli.engine.first, "acme.com/card", device("0", env=["A=1"]), device("1", env=["A=1"]))
    (cli.engine.first / "broken.yaml").write_text("a: [")
    info = json.loads(cli("info", "--format", "{{json .}}").stdout)
    assert info["CDISpecDirs"] == [str(cli.engine.first), str(cli.engine.second)]
    if cli.name == "hull" or "DiscoveredDevices" in info:
        assert info["DiscoveredDevices"] == [{"Source": "cdi", "ID": f"acme.com/card={n}"} for n in (0, 1)]
    assert any("broken.yaml" in warning for warning in info["Warnings"])
    assert str(cli.engine.first) in cli("info").stdout


@pytest.mark.parametrize("configuration, flags", [({"features": {"cdi": False}}, []), ({"cdi-spec-dirs": []}, []),
                                                  ({}, ["--cdi-spec-dir="])])
def test_devices_can_be_switched_off(busybox, tmp_path, configuration, flags):
    (tmp_path / "daemon.json").write_text(json.dumps(configuration))
    hulld = Hulld()
    try:
        hulld.start("--config-file", tmp_path / "daemon.json", *flags)
        hulld.docker("import", busybox, "busybox")
        assert json.loads(hulld.docker("info", "--format", "{{json .CDISpecDirs}}").stdout) == []
        assert 'could not select device driver "cdi"' in refused(hulld.docker, "--device", "acme.com/card=0", "busybox", "true")
    finally:
        hulld.close()
