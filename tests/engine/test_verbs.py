# SPDX-License-Identifier: Apache-2.0
"""update, rename, wait, kill, stop, pause, prune, top and stats with either command line."""
import http.client
import json
import pathlib
import re
import socket
import subprocess
import time

import pytest

from conftest import wait_until

TRAP = "trap 'echo TERM; exit 9' TERM; trap 'echo HUP' HUP; trap 'echo USR1' USR1; echo up; while :; do sleep 0.02; done"


class Api(http.client.HTTPConnection):
    """HTTP over the engine's socket."""

    def __init__(self, engine):
        super().__init__("localhost")
        self.path = str(engine.socket)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)

    def call(self, method, path, body=None, version="v1.51"):
        self.request(method, f"/{version}{path}", json.dumps(body) if body is not None else None,
                     {"Content-Type": "application/json"})
        answer = self.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text.strip().startswith((b"{", b"[")) else text


def state(engine, name):
    return json.loads(engine.inspect(name, "{{json .State}}"))


def host(engine, name):
    return json.loads(engine.inspect(name, "{{json .HostConfig}}"))


def trapping(cli, name, *options):
    cli("run", "-d", "--name", name, *options, "busybox", "sh", "-c", TRAP)
    wait_until(lambda: "up" in cli("logs", name).stdout)


def actions(engine, name):
    return engine.docker("events", "--since", "0", "--until", f"{time.time():.9f}", "--filter", f"container={name}", "--format", "{{.Action}}").stdout.splitlines()


# ----- update

CGROUPS = {words[1]: line.split(":")[1] for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines()
           for words in [line.split(":")] if words[1]}


def limit(engine, name, file):
    """What the kernel has for the container: `file` of its control group, through the host's view."""
    pid = state(engine, name)["Pid"]
    controller = file.split(".")[0]
    for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            for mount in pathlib.Path("/proc/self/mounts").read_text().splitlines():
                words = mount.split()
                if words[2] == "cgroup" and controller in words[3].split(","):
                    return (pathlib.Path(words[1] + path) / file).read_text().strip()
    pytest.skip(f"no cgroup v1 controller {controller} here")


def test_limits_of_a_running_container_change(cli):
    engine = cli.engine
    cli("run", "-d", "--name", "grows", "-m", "64m", "--memory-swap", "128m", "busybox", "sleep", "100")
    for memory, swap in ((256, 512), (32, 40), (100, -1), (50, 60)):  # up and down: the kernel wants another order
        cli("update", "-m", f"{memory}m", "--memory-swap", f"{swap}m" if swap > 0 else "-1", "grows")
        assert limit(engine, "grows", "memory.limit_in_bytes") == str(memory << 20)
        if swap > 0:
            assert limit(engine, "grows", "memory.memsw.limit_in_bytes") == str(swap << 20)
    cli("update", "--memory-reservation", "30m", "grows")
    assert limit(engine, "grows", "memory.soft_limit_in_bytes") == str(30 << 20)
    cli("update", "--cpus", "0.5", "grows")
    assert limit(engine, "grows", "cpu.cfs_quota_us") == "50000" and limit(engine, "grows", "cpu.cfs_period_us") == "100000"
    cli("update", "--cpu-shares", "512", "--cpuset-cpus", "0", "--pids-limit", "20", "grows")
    assert limit(engine, "grows", "cpu.shares") == "512" and limit(engine, "grows", "cpuset.cpus") == "0"
    assert limit(engine, "grows", "pids.max") == "20"
    cli("update", "--pids-limit", "-1", "grows")
    assert limit(engine, "grows", "pids.max") == "max"
    now = host(engine, "grows")
    assert (now["Memory"], now["MemorySwap"], now["NanoCpus"], now["CpuShares"]) == (50 << 20, 60 << 20, 500_000_000, 512)
    assert "update" in actions(engine, "grows")
    # and they hold after a restart
    cli("restart", "-t", "0", "grows")
    assert limit(engine, "grows", "memory.limit_in_bytes") == str(50 << 20) and limit(engine, "grows", "cpuset.cpus") == "0"


@pytest.mark.parametrize("options,message", [
    (["-m", "300m"], "Memory limit should be smaller than already set memoryswap limit"),
    (["-m", "1m"], "Minimum memory limit allowed is 6MB"),
    (["--cpu-quota", "5000"], "CPU Quota cannot be updated as NanoCPUs has already been set"),
    (["--cpuset-cpus", "0-99"], "Requested CPUs are not available"),
    ([], ""),
])
def test_updates_that_cannot_be_are_refused_and_change_nothing(cli, options, message):
    cli("run", "-d", "--name", "fixed", "-m", "100m", "--memory-swap", "200m", "--cpus", "0.5", "busybox", "sleep", "100")
    before = host(cli.engine, "fixed")
    refused = cli("update", *options, "fixed", check=False)
    assert refused.returncode != 0 and message in refused.stderr
    assert host(cli.engine, "fixed") == before and limit(cli.engine, "fixed", "memory.limit_in_bytes") == str(100 << 20)


def test_a_stopped_container_can_be_updated(cli):
    cli("create", "--name", "later", "busybox", "sleep", "100")
    cli("update", "-m", "50m", "--memory-swap", "60m", "later")
    cli("start", "later")
    assert limit(cli.engine, "later", "memory.limit_in_bytes") == str(50 << 20)


def test_environment_and_labels_can_change(engine):
    engine.hull("run", "-d", "--name", "dressed", "-e", "A=1", "-e", "B=2", "-l", "x=1", "-l", "y=2", "busybox", "sh", "-c", "echo $A-$B-$C; sleep 100")
    engine.hull("update", "-e", "A=9", "-e", "C=3", "--unsetenv", "B", "-l", "z=3", "-l", "x=5", "--unsetlabel", "y", "dressed")
    assert json.loads(engine.inspect("dressed", "{{json .Config.Labels}}")) == {"x": "5", "z": "3"}
    assert engine.docker("ps", "-q", "--filter", "label=z=3").stdout and not engine.docker("ps", "-q", "--filter", "label=y").stdout
    engine.hull("restart", "-t", "0", "dressed")
    wait_until(lambda: engine.docker("logs", "dressed").stdout == "1-2-\n9--3\n")


# ----- rename

def test_rename(cli):
    engine = cli.engine
    cli("run", "-d", "--name", "old", "busybox", "sleep", "100")
    cli("run", "-d", "--name", "taken", "busybox", "sleep", "100")
    refused = cli("rename", "old", "taken", check=False)
    assert refused.returncode == 1 and 'The container name "/taken" is already in use' in refused.stderr
    assert cli("rename", "old", "old", check=False).returncode == 1
    assert "Invalid container name" in cli("rename", "old", "a b", check=False).stderr
    cli("rename", "old", "new")
    assert "No such" in cli("inspect", "old", check=False).stderr
    assert engine.inspect("new", "{{.Name}}") == "/new"
    cli("run", "-d", "--name", "old", "busybox", "true")  # the name is free
    lines = engine.docker("events", "--since", "0", "--until", f"{time.time():.9f}", "--filter", "event=rename", "--filter", "container=new", "--format", "{{json .Actor.Attributes}}").stdout
    attributes = json.loads(lines.splitlines()[-1])
    assert attributes["oldName"] == "/old" and attributes["name"] == "new"


# ----- wait

def wait(engine, name, condition, answers):
    import threading

    def ask():
        answers.append(Api(engine).call("POST", f"/containers/{name}/wait" + (f"?condition={condition}" if condition else "")))
    thread = threading.Thread(target=ask)
    thread.start()
    return thread


def test_wait_with_each_condition(engine):
    engine.docker("create", "--name", "waited", "busybox", "sh", "-c", "sleep 0.5; exit 6")
    api = Api(engine)
    assert api.call("POST", "/containers/waited/wait") == (200, {"StatusCode": 0})
    assert api.call("POST", "/containers/waited/wait?condition=not-running") == (200, {"StatusCode": 0})
    assert api.call("POST", "/containers/waited/wait?condition=soon")[0] == 400
    assert api.call("POST", "/containers/no-such/wait")[0] == 404
    next_exit, removed = [], []
    threads = [wait(engine, "waited", "next-exit", next_exit), wait(engine, "waited", "removed", removed)]
    time.sleep(0.2)
    assert not next_exit and not removed
    engine.docker("start", "waited")
    assert api.call("POST", "/containers/waited/wait") == (200, {"StatusCode": 6})
    threads[0].join(5)
    assert next_exit == [(200, {"StatusCode": 6})] and not removed
    engine.docker("rm", "waited")
    threads[1].join(5)
    assert removed == [(200, {"StatusCode": 6})]


def test_waiters_of_a_restarted_and_of_a_never_started_container(engine):
    engine.docker("run", "-d", "--name", "turned", "--stop-signal", "KILL", "busybox", "sleep", "100")
    answers = []
    threads = [wait(engine, "turned", condition, answers) for condition in ("not-running", "next-exit")]
    time.sleep(0.2)
    engine.docker("restart", "turned")
    for thread in threads:
        thread.join(5)
    assert answers == [(200, {"StatusCode": 137})] * 2
    engine.docker("create", "--name", "unborn", "busybox", "true")
    gone = []
    thread = wait(engine, "unborn", "removed", gone)
    time.sleep(0.2)
    engine.docker("rm", "unborn")
    thread.join(5)
    assert gone == [(200, {"StatusCode": 0})]


# ----- kill and stop

@pytest.mark.parametrize("spelling", ["HUP", "SIGHUP", "hup", "sighup", "1"])
def test_signals_in_every_spelling(cli, spelling):
    trapping(cli, "signalled")
    cli("kill", "-s", spelling, "signalled")
    wait_until(lambda: "HUP" in cli("logs", "signalled").stdout)
    assert state(cli.engine, "signalled")["Status"] == "running"


@pytest.mark.parametrize("spelling", ["0", "65", "NOPE", "SIG"])
def test_signals_that_are_none(cli, spelling):
    cli("run", "-d", "--name", "safe", "busybox", "sleep", "100")
    refused = cli("kill", "-s", spelling, "safe", check=False)
    assert refused.returncode == 1 and "invalid signal" in refused.stderr.lower()
    assert state(cli.engine, "safe")["Status"] == "running"


def test_realtime_signals(engine):
    engine.docker("run", "-d", "--name", "rt", "busybox", "sh", "-c", "trap 'echo got; exit 5' 37; echo up; while :; do sleep 0.02; done")
    wait_until(lambda: "up" in engine.docker("logs", "rt").stdout)
    engine.docker("kill", "-s", "SIGRTMIN+3", "rt")
    wait_until(lambda: state(engine, "rt")["ExitCode"] == 5)


def test_kill_of_what_does_not_run(cli):
    cli("create", "--name", "asleep", "busybox", "true")
    refused = cli("kill", "asleep", check=False)
    assert refused.returncode == 1 and "is not running" in refused.stderr
    assert cli("stop", "asleep").stdout == "asleep\n"  # 304 is no error


def test_stop_signals_and_times(cli):
    engine = cli.engine
    trapping(cli, "polite")
    cli("stop", "polite")
    assert state(engine, "polite")["ExitCode"] == 9
    assert actions(engine, "polite")[-3:] in (["kill", "die", "stop"], ["kill", "stop", "die"])
    trapping(cli, "usr", "--stop-signal", "USR1", "--stop-timeout", "1")
    begun = time.monotonic()
    cli("stop", "usr")  # it only says so, and is killed after a second
    assert 0.9 < time.monotonic() - begun < 4 and state(engine, "usr")["ExitCode"] == 137
    assert "USR1" in cli("logs", "usr").stdout
    trapping(cli, "zero")
    begun = time.monotonic()
    cli("stop", "-s", "HUP", "-t", "0", "zero")
    assert time.monotonic() - begun < 3 and state(engine, "zero")["ExitCode"] == 137
    trapping(cli, "forever", "--stop-signal", "HUP")
    stopping = cli.popen("stop", "-t", "-1", "forever", stdout=subprocess.PIPE)
    time.sleep(1)
    assert stopping.poll() is None and state(engine, "forever")["Status"] == "running"
    cli("kill", "-s", "TERM", "forever")
    assert stopping.wait(5) == 0 and state(engine, "forever")["ExitCode"] == 9


# ----- pause

def test_pause(cli):
    engine = cli.engine
    trapping(cli, "frozen")
    cli("pause", "frozen")
    assert state(engine, "frozen")["Paused"] and state(engine, "frozen")["Running"]
    assert "(Paused)" in cli("ps").stdout
    for words, message in ((["pause", "frozen"], "is already paused"), (["start", "frozen"], "cannot start a paused container, try unpause instead"),
                           (["rm", "frozen"], "container is paused"), (["attach", "frozen"], "paused")):
        refused = cli(*words, check=False)
        assert refused.returncode != 0 and message in refused.stderr, words
    cli("unpause", "frozen")
    assert "is not paused" in cli("unpause", "frozen", check=False).stderr
    cli("pause", "frozen")
    cli("stop", "frozen")
    assert state(engine, "frozen")["ExitCode"] == 9  # it was thawed, and could do as it likes
    trapping(cli, "frozen2")
    cli("pause", "frozen2")
    cli("kill", "frozen2")
    assert state(engine, "frozen2")["ExitCode"] == 137
    trapping(cli, "frozen3")
    cli("pause", "frozen3")
    cli("rm", "-f", "frozen3")
    assert {"pause", "unpause"} <= set(actions(engine, "frozen"))


# ----- prune

def test_prune_with_filters(cli):
    engine = cli.engine
    old = cli("run", "-d", "--name", "p1", "-l", "keep=yes", "busybox", "true").stdout.strip()
    new = cli("run", "-d", "--name", "p2", "-l", "drop=1", "busybox", "sh", "-c", "head -c 100000 /dev/zero > /f").stdout.strip()
    cli("run", "-d", "--name", "p3", "busybox", "sleep", "100")
    wait_until(lambda: state(engine, "p1")["Status"] == state(engine, "p2")["Status"] == "exited")
    assert old not in cli("container", "prune", "-f", "--filter", "until=1h").stdout
    assert "invalid" in cli("container", "prune", "-f", "--filter", "colour=red", check=False).stderr
    output = cli("container", "prune", "-f", "--filter", "label!=keep").stdout
    assert new in output and old not in output and re.search(r"reclaimed space: [1-9]", output)
    output = cli("container", "prune", "-f", "--filter", "label=keep=yes", "--filter", "until=0s").stdout
    assert old in output
    assert engine.docker("ps", "-aq", "--filter", "name=p3").stdout
    lines = engine.docker("events", "--since", "0", "--until", f"{time.time():.9f}", "--filter", "type=container", "--filter", "event=prune", "--format", "{{json .Actor.Attributes}}").stdout
    assert int(json.loads(lines.splitlines()[-2])["reclaimed"]) >= 100000


# ----- top and stats

def test_top(cli):
    cli("run", "-d", "--name", "busy", "busybox", "sh", "-c", "sleep 71 & sleep 72")
    wait_until(lambda: cli("top", "busy").stdout.count("sleep 7") == 2)
    lines = cli("top", "busy").stdout.splitlines()
    assert lines[0].split()[:2] == ["UID", "PID"] and len(lines) == 3
    assert cli("top", "busy", "-o", "pid,comm").stdout.split()[:2] == ["PID", "COMMAND"]
    assert "Couldn't find PID field in ps output" in cli("top", "busy", "-o", "comm", check=False).stderr
    assert cli("top", "busy", "--no-such-option", check=False).returncode == 1
    cli("stop", "-t", "0", "busy")
    assert "is not running" in cli("top", "busy", check=False).stderr


def test_the_numbers_of_stats(engine):
    engine.docker("run", "-d", "--name", "work", "-m", "100m", "busybox", "sh", "-c", "while :; do :; done")
    api = Api(engine)
    begun = time.monotonic()
    sample = api.call("GET", "/containers/work/stats?stream=0")[1]
    assert 0.9 < time.monotonic() - begun < 3
    spent = sample["cpu_stats"]["cpu_usage"]["total_usage"] - sample["precpu_stats"]["cpu_usage"]["total_usage"]
    machine = sample["cpu_stats"]["system_cpu_usage"] - sample["precpu_stats"]["system_cpu_usage"]
    assert spent > 0 and machine > 0
    assert 1 < spent / machine * sample["cpu_stats"]["online_cpus"] * 100 < 110  # one busy loop
    assert sample["name"] == "/work" and sample["memory_stats"]["limit"] == 100 << 20 and 0 < sample["memory_stats"]["usage"] < 100 << 20
    assert sample["read"] > sample["preread"] and sample["pids_stats"]["current"] == 1
    assert "eth0" in sample["networks"] and sample["networks"]["eth0"]["rx_bytes"] >= 0
    begun = time.monotonic()
    once = api.call("GET", "/containers/work/stats?stream=0&one-shot=1")[1]
    assert time.monotonic() - begun < 0.8 and once["precpu_stats"]["cpu_usage"]["total_usage"] == 0
    assert api.call("GET", "/containers/work/stats?stream=1&one-shot=1")[0] == 400
    engine.docker("kill", "work")
    ended = api.call("GET", "/containers/work/stats?stream=0")[1]
    assert ended["read"] == "0001-01-01T00:00:00Z" and ended["name"] == "/work" and ended["memory_stats"] == {}


def test_stats_of_the_command_lines(cli):
    cli("run", "-d", "--name", "shown", "busybox", "sh", "-c", "while :; do :; done")
    lines = cli("stats", "--no-stream", "--format", "{{.Name}} {{.CPUPerc}} {{.MemUsage}} {{.PIDs}}").stdout.splitlines()
    name, cpu, *_ = lines[0].split()
    assert name == "shown" and float(cpu.rstrip("%")) > 1
    cli("run", "-d", "--name", "second", "busybox", "sleep", "100")
    assert {line.split()[1] for line in cli("stats", "--no-stream").stdout.splitlines()[1:]} == {"shown", "second"}


def test_the_end_of_the_output_is_the_end_for_a_removal(engine):
    """The stream ends a moment before the engine has dealt with the exit: whoever saw that is not told "is running"."""
    api = Api(engine)
    for _ in range(30):
        status, answer = api.call("POST", "/containers/create", {"Image": "busybox", "Cmd": ["true"]})
        assert status == 201
        name = answer["Id"]
        with socket.socket(socket.AF_UNIX) as stream:
            stream.connect(api.path)
            stream.sendall(f"POST /v1.51/containers/{name}/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: x\r\n"
                           "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n".encode())
            assert b"101" in stream.recv(4096)
            assert api.call("POST", f"/containers/{name}/start")[0] == 204
            while stream.recv(4096):
                pass
            assert api.call("DELETE", f"/containers/{name}") == (204, b"")
