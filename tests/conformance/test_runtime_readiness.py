# SPDX-License-Identifier: Apache-2.0
"""Containers as services of Type=notify: NOTIFY_SOCKET (sd_notify(3))."""
import os
import select
import socket
import subprocess

import pytest

from conftest import wait_until
from runtime_bundles import MOUNTS, make_rootfs, runtime  # noqa: F401  pylint: disable=unused-import

SAY = """
import os, socket, sys, time
print(os.environ["NOTIFY_SOCKET"], flush=True)
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.connect(os.environ["NOTIFY_SOCKET"])
manager.send(b"STATUS=not yet")
while not os.path.exists("/tmp/go"): time.sleep(0.01)
manager.send(b"STATUS=here\\nREADY=1\\nMAINPID=1")
time.sleep(1000)
"""


class Manager:
    """What systemd listens with."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.settimeout(10)
        self.environment = {**os.environ, "NOTIFY_SOCKET": path}

    def heard(self):
        """The next message; one with a descriptor is a barrier, which is opened."""
        text, descriptors, _, _ = socket.recv_fds(self.socket, 1000, 4)
        for descriptor in descriptors:
            os.close(descriptor)
        return text.decode()

    def is_silent(self):
        return not select.select([self.socket], [], [], 0)[0]


@pytest.fixture
def manager(runtime):  # noqa: F811
    made = Manager(str(runtime.directory / "manager.sock"))
    yield made
    made.socket.close()


def service(runtime, **changes):  # noqa: F811
    """A bundle with the host's Python in it, whose program is ready as soon as say_go() has been called."""
    root = make_rootfs(runtime.directory / "with-usr")
    for name in ("usr", "run/notify"):
        (root / name).mkdir(parents=True)
    for name in ("lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    return runtime.bundle("/usr/bin/python3", "-c", SAY, rootfs=root, mounts=[*MOUNTS, {
        "destination": "/usr", "type": "bind", "source": "/usr", "options": ["rbind", "ro"]}], **changes)


def say_go(runtime):  # noqa: F811
    (runtime.directory / "with-usr" / "tmp" / "go").touch()


def test_start_waits_for_the_program_and_names_its_process(runtime, manager):  # noqa: F811
    bundle = service(runtime)
    bundle.create(env=manager.environment)
    start = subprocess.Popen(runtime.command("start", bundle.name), env=manager.environment)
    wait_until(lambda: "/run/notify/" in bundle.text(), 10)
    assert start.poll() is None and manager.is_silent()
    say_go(runtime)
    assert manager.heard() == "READY=1"
    assert manager.heard() == f"MAINPID={bundle.state()['pid']}"
    assert manager.heard() == "BARRIER=1"
    assert start.wait(10) == 0
    assert "NOTIFY_SOCKET" not in bundle.exec("env").stdout
    bundle.delete("--force")


def test_a_detached_run_does_the_same(runtime, manager):  # noqa: F811
    bundle = service(runtime)
    say_go(runtime)
    with subprocess.Popen(runtime.command("run", "--detach", "--bundle", bundle.path, bundle.name), env=manager.environment,
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as run:
        assert [manager.heard() for _ in range(3)] == ["READY=1", f"MAINPID={bundle.state()['pid']}", "BARRIER=1"]
        assert run.wait(10) == 0
    bundle.delete("--force")


def test_in_the_foreground_the_service_is_the_runtime(runtime, manager):  # noqa: F811
    bundle = service(runtime)
    say_go(runtime)
    with subprocess.Popen(runtime.command("run", "--bundle", bundle.path, bundle.name), env=manager.environment,
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as run:
        assert [manager.heard() for _ in range(3)] == ["READY=1", f"MAINPID={run.pid}", "BARRIER=1"]
        runtime("kill", bundle.name, "KILL")
        assert run.wait(10) == 137


def test_a_program_that_ends_without_a_word(runtime, manager):  # noqa: F811
    bundle = runtime.bundle("true")
    bundle.create(env=manager.environment)
    bundle.start(env=manager.environment)
    assert manager.is_silent()
    bundle.delete()


def test_a_container_that_never_gets_ready_can_be_deleted(runtime, manager):  # noqa: F811
    bundle = runtime.bundle("sleep", "1000")
    bundle.create(env=manager.environment)
    with subprocess.Popen(runtime.command("start", bundle.name), env=manager.environment) as start:
        bundle.wait_for("running")
        bundle.delete("--force")
        assert start.wait(10) == 0
    assert manager.is_silent()


def test_in_a_user_namespace(runtime, manager):  # noqa: F811
    maps = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    bundle = service(runtime, linux={"namespaces": [{"type": name} for name in ("mount", "pid", "ipc", "uts", "network", "user")],
                                     "uidMappings": maps, "gidMappings": maps})
    say_go(runtime)
    bundle.create(env=manager.environment)
    with subprocess.Popen(runtime.command("start", bundle.name), env=manager.environment) as start:
        assert manager.heard() == "READY=1"
        assert manager.heard().startswith("MAINPID=") and manager.heard() == "BARRIER=1"
        assert start.wait(10) == 0
    bundle.delete("--force")


def test_an_abstract_socket_of_the_manager(runtime):  # noqa: F811
    manager = Manager("\0" + str(runtime.directory))  # pylint: disable=redefined-outer-name
    manager.environment["NOTIFY_SOCKET"] = "@" + str(runtime.directory)
    bundle = service(runtime)
    say_go(runtime)
    bundle.create(env=manager.environment)
    with manager.socket, subprocess.Popen(runtime.command("start", bundle.name), env=manager.environment):
        assert manager.heard() == "READY=1" and manager.heard().startswith("MAINPID=") and manager.heard() == "BARRIER=1"
    bundle.delete("--force")
