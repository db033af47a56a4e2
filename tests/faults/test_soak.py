# SPDX-License-Identifier: Apache-2.0
"""Nothing grows: after many lives of containers and many execs the engine is where it was. HULL_SOAK says how many (200
without it; a thorough run is HULL_SOAK=100000, overnight)."""
import concurrent.futures
import http.client
import json
import os
import pathlib
import re
import socket
import time

import pytest

from conftest import cgroup_directories

COUNT = int(os.environ.get("HULL_SOAK", "200"))
AT_ONCE = 4


class Connection(http.client.HTTPConnection):
    """One kept connection per thread: what is measured is the engine, not the making of connections."""

    def __init__(self, path):
        super().__init__("x", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(self.path)

    def call(self, method, path, body=None):
        self.request(method, path, json.dumps(body) if body is not None else None,
                     {"Content-Type": "application/json"} if body is not None else {})
        answer = self.getresponse()
        data = answer.read()
        assert answer.status < 300, (path, answer.status, data)
        return json.loads(data) if data else None


def entries(path):
    return sum(len(files) + len(directories) for _, directories, files in os.walk(path))


def measure(hulld):
    """The engine at rest. Its pools keep a few shims and interfaces ready, or have just used them."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and (hulld.left_behind_but_interfaces() or threads_of(hulld) > 12):
        time.sleep(0.1)
    time.sleep(3)  # free memory goes back, idle threads and connections end
    pid = hulld.process.pid
    smaps = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return {
        "memory KiB": int(re.search(r"Pss_Anon:\s+(\d+)", smaps)[1]),
        "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
        "threads": threads_of(hulld),
        "database KiB": sum(p.stat().st_size for p in hulld.data.glob("hull.db*")) // 1024,
        "files": entries(hulld.data),
        "run files": entries(hulld.exec),
        "control groups": len(hulld.cgroups()),
        "interfaces": len(os.listdir(f"/sys/class/net/{hulld.bridge}/brif")),
        "children": len(pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()),
    }


# How much more there may be afterwards, however many there were in between.
ROOM = {"memory KiB": 3000, "descriptors": 4, "threads": 4, "database KiB": 4500, "files": 4, "run files": 2,
        "control groups": 0, "interfaces": 6, "children": 3}


def threads_of(hulld):
    return len(os.listdir(f"/proc/{hulld.process.pid}/task"))


def repeat(hulld, count, work):
    def some(share):
        connection = Connection(str(hulld.socket))
        for n in range(share):
            work(connection, n)
        connection.close()
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for future in [pool.submit(some, count // AT_ONCE) for _ in range(AT_ONCE)]:
            future.result()


def compare(hulld, work, what):
    repeat(hulld, max(COUNT // 10, 80), work)  # what is made once, and kept, is there now
    before = measure(hulld)
    begin = time.monotonic()
    repeat(hulld, COUNT, work)
    seconds = time.monotonic() - begin
    idle = time.monotonic() + 12  # a thread of the pool ends when it has had nothing to do for five seconds
    while threads_of(hulld) > before["threads"] + ROOM["threads"] and time.monotonic() < idle:
        time.sleep(0.2)
    after = measure(hulld)
    print(f"\n{COUNT} {what} in {seconds:.1f} s ({COUNT / seconds:.0f} per second): {before} -> {after}")
    grown = {key: (before[key], after[key]) for key in before if after[key] > before[key] + ROOM[key]}
    assert not grown, f"after {COUNT} {what}: {grown}"


@pytest.fixture
def soaked(own_engine):
    hulld = own_engine
    hulld.cgroups = lambda: cgroup_directories(hulld.cgroup_parent)
    hulld.left_behind_but_interfaces = lambda: [i for i in hulld.left_behind() if not i.startswith("interface")]
    return hulld


def test_lives_of_containers(soaked):
    def life(connection, number):
        made = connection.call("POST", "/containers/create", {
            "Image": "busybox", "Cmd": ["echo", "word"], "Volumes": {"/volume": {}} if number % 4 == 0 else {},
            "HostConfig": {"NetworkMode": "none" if number % 2 else "bridge"}})
        name = made["Id"]
        connection.call("POST", f"/containers/{name}/start")
        connection.call("POST", f"/containers/{name}/wait")
        connection.call("DELETE", f"/containers/{name}?v=1")
    compare(soaked, life, "create/start/wait/remove")


def test_lives_that_end_by_force(soaked):
    def life(connection, number):
        made = connection.call("POST", "/containers/create", {
            "Image": "busybox", "Cmd": ["sleep", "1000"],
            "HostConfig": {"PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1"}]}, "AutoRemove": number % 2 == 0}})
        name = made["Id"]
        connection.call("POST", f"/containers/{name}/start")
        connection.call("DELETE", f"/containers/{name}?v=1&force=1")
    compare(soaked, life, "create/start/remove by force")


def test_execs(soaked):
    soaked.hull("run", "-d", "--name", "target", "busybox", "sleep", "100000")
    soaked.left_behind_but_interfaces = list  # it stays

    def run(connection, number):
        made = connection.call("POST", "/containers/target/exec", {"Cmd": ["true"], "AttachStdout": True})
        connection.call("POST", f"/exec/{made['Id']}/start", {"Detach": True})
        while connection.call("GET", f"/exec/{made['Id']}/json")["Running"]:
            pass
    compare(soaked, run, "execs")
    soaked.hull("rm", "-f", "target")
