# SPDX-License-Identifier: Apache-2.0
"""A private hulld for black-box tests: own data root, exec root, socket, bridge and cgroup parent, and a count of
what is left on the machine when it is gone."""
import contextlib
import itertools
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time

import pytest

BUILD = pathlib.Path(os.environ.get("HULL_BUILD", pathlib.Path(__file__).parent.parent / "build"))
BIN = BUILD / "bin"
_numbers = itertools.count()


def _claim_slot():
    """A number that no other test run on this machine has now: it goes into names and addresses. Held by an abstract socket."""
    for number in range(150):
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0hull-test-slot-{number}")
            return number, claim
        except OSError:
            claim.close()
    raise RuntimeError("150 test runs at once are under way")


SLOT, _slot_claim = _claim_slot()


def docker_cli():
    """The unmodified docker CLI: the machine's, or the one in Debian's docker.io package, unpacked beside the build."""
    on_path = shutil.which("docker")
    if on_path:
        return on_path
    unpacked = BUILD / "docker-cli" / "usr" / "bin" / "docker"
    if not unpacked.exists():
        unpacked.parents[2].mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", "-qq", "docker.io"], cwd=unpacked.parents[2], check=True)
        package = next(unpacked.parents[2].glob("docker.io_*.deb"))
        subprocess.run(["dpkg", "-x", package, unpacked.parents[2]], check=True)
    return str(unpacked)


def busybox_tar(path):
    """A root filesystem with Debian's static busybox and links for all of its applets."""
    applets = subprocess.run(["/bin/busybox", "--list"], capture_output=True, text=True, check=True).stdout.split()
    with tarfile.open(path, "w") as tar:
        for directory in ("bin", "etc", "tmp", "root", "home", "var"):
            info = tarfile.TarInfo(directory)
            info.type, info.mode = tarfile.DIRTYPE, 0o1777 if directory == "tmp" else 0o755
            tar.addfile(info)
        tar.add("/bin/busybox", "bin/busybox")
        for applet in applets:
            if applet == "busybox":
                continue
            info = tarfile.TarInfo(f"bin/{applet}")
            info.type, info.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(info)
        for name, text in {"etc/passwd": "root:x:0:0:root:/root:/bin/sh\nweb:x:1001:1002:web:/home:/bin/sh\n",
                           "etc/group": "root:x:0:\nweb:x:1002:\naudio:x:29:web\n"}.items():
            file = tempfile.SpooledTemporaryFile()
            file.write(text.encode())
            file.seek(0)
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, file)
    return path


def cgroup_directories(name):
    """Every control group directory below `name` (the engine's cgroup parent) in every hierarchy."""
    found = []
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        words = line.split()
        if words[2] in ("cgroup", "cgroup2"):
            parent = pathlib.Path(words[1]) / name.lstrip("/")
            if parent.is_dir():
                found.extend(str(p) for p in parent.iterdir() if p.is_dir())
    return sorted(found)


def write_files(directory, files):
    """Texts by their names below `directory`."""
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def wait_until(condition, patience=10):
    """What the condition gives, when that is true at last."""
    deadline = time.monotonic() + patience
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return value


class Hulld:
    """One private engine, and the two command lines that talk to it."""

    def __init__(self, parent=None):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="hull-test-", dir=parent))
        count = next(_numbers)
        self.bridge = f"ht{SLOT}n{count}"
        self.cgroup_parent = f"/hull-test-{SLOT}n{count}"
        self.bip = f"10.{SLOT + 100}.{count % 250}.1/24"
        self.data, self.exec, self.socket = (self.directory / n for n in ("data", "exec", "hull.sock"))
        self.firewall_table = f"hull_{self.data}"
        self.log, self.pidfile = self.directory / "hulld.log", self.directory / "pid"
        self.process = None
        self.program = BIN / "hulld"
        self.arguments = []
        self.variables = {}  # more of hulld's environment

    def start(self, *arguments):
        self.arguments = arguments or self.arguments
        log = open(self.log, "ab")
        self.process = subprocess.Popen(
            [self.program, "-H", f"unix://{self.socket}", "--data-root", self.data, "--exec-root", self.exec,
             "--pidfile", self.pidfile, "--bridge", self.bridge, "--bip", self.bip,
             "--cgroup-parent", self.cgroup_parent, *self.arguments],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL, env={**os.environ, **self.variables})
        deadline = time.monotonic() + 30
        while self.run("docker", "version", check=False).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("hulld did not start:\n" + self.log.read_text()[-4000:])
            time.sleep(0.02)
        return self

    def crash(self):
        """kill -9 of the engine."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        assert self.process.wait(30) == 0, self.log.read_text()[-4000:]

    def environment(self):
        return {**os.environ, "DOCKER_HOST": f"unix://{self.socket}", "DOCKER_CONFIG": str(self.directory / "config"),
                "HULL_HOST": f"unix://{self.socket}"}

    def command(self, cli, *arguments):
        program = docker_cli() if cli == "docker" else str(BIN / "hull")
        return [program, *map(str, arguments)]

    def run(self, cli, *arguments, input=None, check=True, timeout=60, text=True):
        """Runs one command of `cli` ("docker" or "hull") to its end."""
        result = subprocess.run(self.command(cli, *arguments), env=self.environment(), capture_output=True,
                                input=input if input is not None else ("" if text else b""), timeout=timeout, text=text)
        if check and result.returncode != 0:
            raise AssertionError(f"{cli} {' '.join(map(str, arguments))} ended with {result.returncode}:\n"
                                 f"{result.stdout}{result.stderr}")
        return result

    def docker(self, *arguments, **options):
        return self.run("docker", *arguments, **options)

    def hull(self, *arguments, **options):
        return self.run("hull", *arguments, **options)

    def popen(self, cli, *arguments, **options):
        return subprocess.Popen(self.command(cli, *arguments), env=self.environment(), **options)

    def inspect(self, name, template):
        return self.docker("inspect", "--format", template, name).stdout.strip()

    def left_behind(self):
        """What a container leaves when something leaks: mounts, control groups, interfaces, processes, run directories."""
        directory = str(self.directory)
        left = [f"mount {line.split()[1]}" for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()
                if directory in line]
        left += [f"cgroup {path}" for path in cgroup_directories(self.cgroup_parent)]
        left += [f"interface {name}" for name in os.listdir(f"/sys/class/net/{self.bridge}/brif")
                 ] if os.path.isdir(f"/sys/class/net/{self.bridge}/brif") else []
        left += [f"run directory {p}" for p in (self.exec / "containers").glob("*")]
        left += [f"container directory {p}" for p in (self.data / "containers").glob("*")]
        left += [f"snapshot {p}" for p in (self.data / "snapshots").glob("*")]
        return left

    def remove_containers(self):
        ids = self.docker("ps", "-aq").stdout.split()
        if ids:
            self.docker("rm", "-f", "-v", *ids)

    def assert_clean(self, patience=5, pooled_interfaces=8):
        """Nothing of any container is left; teardown in the background gets a moment. Ready-made network namespaces
        of the engine's pool keep a few interfaces on the bridge."""
        deadline = time.monotonic() + patience
        while True:
            left = self.left_behind()
            interfaces = [item for item in left if item.startswith("interface")]
            rest = [item for item in left if not item.startswith("interface")]
            if not rest and len(interfaces) <= pooled_interfaces:
                return
            if time.monotonic() > deadline:
                raise AssertionError("left behind: " + ", ".join(rest + interfaces))
            time.sleep(0.05)

    def assert_clean_but_for_files(self):
        """The same while containers that do not run exist: those have a directory and a snapshot each."""
        deadline = time.monotonic() + 5
        while left := [item for item in self.left_behind()
                       if not item.startswith(("interface", "container directory", "snapshot"))]:
            assert time.monotonic() < deadline, "left behind: " + ", ".join(left)
            time.sleep(0.02)

    def close(self):
        try:
            if self.process and self.process.poll() is None:
                self.remove_containers()
                self.docker("network", "prune", "-f")
                self.process.terminate()
                self.process.wait(30)
        finally:
            if self.process and self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            subprocess.run(["ip", "link", "del", self.bridge], capture_output=True)
            for family in ("inet", "ip", "ip6"):
                subprocess.run(["nft", "delete", "table", family, self.firewall_table], capture_output=True)
            for directory in reversed(cgroup_directories("/")):
                if directory.endswith(self.cgroup_parent):
                    for child in pathlib.Path(directory).iterdir():
                        if child.is_dir():
                            child.rmdir()
                    os.rmdir(directory)
            shutil.rmtree(self.directory, ignore_errors=True)


@pytest.fixture(scope="session")
def busybox(tmp_path_factory):
    return busybox_tar(tmp_path_factory.mktemp("images") / "busybox.tar")


@contextlib.contextmanager
def running_engine(busybox, clean=False):
    """An engine with the image busybox. `clean`: its containers go at the end, and nothing of them may be left."""
    hulld = Hulld()
    try:
        hulld.start()
        hulld.docker("import", busybox, "busybox")
        yield hulld
        if clean:
            hulld.remove_containers()
            hulld.assert_clean()
    finally:
        hulld.close()


@pytest.fixture(scope="module")
def engine(busybox):
    """A running engine with the image busybox, shared by the tests of one module."""
    with running_engine(busybox) as hulld:
        yield hulld


@pytest.fixture
def own_engine(busybox):
    """A running engine of this test alone, for tests that kill it."""
    with running_engine(busybox, clean=True) as hulld:
        yield hulld


@pytest.fixture(params=["docker", "hull"])
def cli(request, engine):
    """Runs commands with either command line: `cli("run", …)`."""
    def run(*arguments, **options):
        return engine.run(request.param, *arguments, **options)
    run.name = request.param
    run.engine = engine
    run.popen = lambda *arguments, **options: engine.popen(request.param, *arguments, **options)
    return run


@pytest.fixture(autouse=True)
def nothing_left(request):
    """After every black-box test: no mount, control group, interface, process or file is left."""
    yield
    if "engine" in request.fixturenames:
        hulld = request.getfixturevalue("engine")
        hulld.remove_containers()
        hulld.assert_clean()
