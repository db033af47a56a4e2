# SPDX-License-Identifier: Apache-2.0
"""exec: how it joins, what it says, how it ends."""
import fcntl
import http.client
import json
import os
import pty
import socket
import struct
import subprocess
import termios
import threading
import time

import pytest

from conftest import wait_until


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


@pytest.fixture
def box(cli):
    cli("run", "-d", "--name", "box", "-e", "A=1", "-w", "/var", "busybox", "sleep", "100")
    return cli


def test_environment_user_directory_and_codes(box):
    assert box("exec", "box", "sh", "-c", "echo $A; pwd; id -u").stdout == "1\n/var\n0\n"
    assert box("exec", "-e", "B=2", "-w", "/tmp", "-u", "web:audio", "box", "sh", "-c", "echo $A$B; pwd; id -u; id -g").stdout == "12\n/tmp\n1001\n29\n"
    for command, code in ((["true"], 0), (["sh", "-c", "exit 42"], 42), (["no-such"], 127), (["/etc/passwd"], 126), (["/etc"], 126),
                          (["sh", "-c", "kill -9 $$"], 137)):
        assert box("exec", "box", *command, check=False).returncode == code, command


def test_unknown_users_are_refused(box):
    for user, where in (("nobody-here", "passwd"), ("web:no-such-group", "group")):
        refused = box("exec", "-u", user, "box", "true", check=False)
        assert refused.returncode != 0
        assert f"no matching entries in {where} file" in refused.stderr


def test_privileged_and_not(box):
    limited = box("exec", "box", "grep", "CapEff", "/proc/self/status").stdout
    full = box("exec", "--privileged", "box", "grep", "CapEff", "/proc/self/status").stdout
    assert int(full.split()[1], 16) > int(limited.split()[1], 16)


def test_input_output_and_errors_are_apart(box):
    result = box("exec", "-i", "box", "sh", "-c", "cat; echo err >&2", input="in\n")
    assert (result.stdout, result.stderr) == ("in\n", "err\n")


def test_detached(box):
    engine = box.engine
    box("exec", "-d", "box", "sh", "-c", "sleep 0.2; echo done > /tmp/out; sleep 60")
    wait_until(lambda: box("exec", "box", "cat", "/tmp/out", check=False).stdout == "done\n")
    assert len(json.loads(engine.inspect("box", "{{json .ExecIDs}}"))) == 1


def test_twenty_at_once(box):
    children = [box.popen("exec", "box", "sh", "-c", f"sleep 0.2; echo {n}; exit {n}", stdout=subprocess.PIPE, text=True) for n in range(20)]
    for number, child in enumerate(children):
        assert child.communicate(timeout=20)[0] == f"{number}\n" and child.returncode == number


def test_with_a_terminal(box):
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 101, 0, 0))
    child = box.popen("exec", "-it", "box", "sh", "-c", "sleep 0.5; stty size; test -t 0 && echo tty", stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    out = b""
    while b"tty" not in out:
        out += os.read(master, 1000)
    assert b"33 101" in out
    assert child.wait(10) == 0
    os.close(master)


def test_detach_keys_leave_it_running(box):
    master, slave = pty.openpty()
    child = box.popen("exec", "-it", "--detach-keys", "ctrl-a,x", "box", "sh", "-c", "echo up; sleep 50", stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    out = b""
    while b"up" not in out:
        out += os.read(master, 1000)
    os.write(master, b"\x01x")
    child.wait(10)
    os.close(master)
    assert "sleep 50" in box("top", "box", "-o", "pid,args").stdout


def test_the_engine_knows_detach_keys_itself(engine):
    identifier = engine.docker("run", "-d", "--name", "box", "busybox", "sleep", "100").stdout.strip()
    exec_id = Api(engine).call("POST", "/containers/box/exec", {"Cmd": ["sleep", "51"], "AttachStdin": True, "AttachStdout": True, "Tty": True,
                                                                "DetachKeys": "ctrl-a,x"})[1]["Id"]
    with socket.socket(socket.AF_UNIX) as wire:
        wire.connect(str(engine.socket))
        body = b'{"Detach":false,"Tty":true}'
        wire.sendall(b"POST /v1.51/exec/%s/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: Upgrade\r\n"
                     b"Upgrade: tcp\r\nContent-Length: %d\r\n\r\n%s" % (exec_id.encode(), len(body), body))
        assert wire.recv(1000).startswith(b"HTTP/1.1 101")
        wire.sendall(b"\x01x")
        while wire.recv(1000):
            pass
    assert Api(engine).call("GET", f"/exec/{exec_id}/json")[1]["Running"]
    deadline, actions = time.monotonic() + 5, ""
    while "exec_detach" not in actions:  # told beside the stream
        assert time.monotonic() < deadline
        actions = engine.docker("events", "--since", "0", "--until", f"{time.time():.9f}", "--filter", f"container={identifier}", "--format", "{{.Action}}").stdout


def test_errors_of_containers_that_do_not_run(box):
    box("pause", "box")
    refused = box("exec", "box", "true", check=False)
    assert refused.returncode == 1 and "is paused, unpause the container before exec" in refused.stderr
    box("unpause", "box")
    box("stop", "-t", "0", "box")
    refused = box("exec", "box", "true", check=False)
    assert refused.returncode == 1 and "is not running" in refused.stderr


def test_the_api_of_execs(engine):
    identifier = engine.docker("run", "-d", "--name", "box", "busybox", "sleep", "100").stdout.strip()
    api = Api(engine)
    assert api.call("POST", "/containers/box/exec", {"Cmd": []}) == (400, {"message": "No exec command specified"})
    assert api.call("POST", "/containers/box/exec", {"Cmd": ["x"], "User": "nobody-here"})[0] == 400
    assert api.call("GET", "/exec/nothing/json") == (404, {"message": "No such exec instance: nothing"})
    assert api.call("POST", "/exec/nothing/start", {"Detach": True})[0] == 404

    status, made = api.call("POST", "/containers/box/exec", {"Cmd": ["sh", "-c", "sleep 0.5; exit 7"]})
    assert status == 201
    exec_id = made["Id"]
    before = api.call("GET", f"/exec/{exec_id}/json")[1]
    assert before["ExitCode"] is None and not before["Running"] and before["ContainerID"] == identifier
    assert before["ProcessConfig"] == {"tty": False, "entrypoint": "sh", "arguments": ["-c", "sleep 0.5; exit 7"], "privileged": False}
    assert api.call("GET", "/containers/box/json")[1]["ExecIDs"] is None
    assert api.call("POST", f"/exec/{exec_id}/start", {"Detach": True}) == (200, b"")
    assert api.call("GET", "/containers/box/json")[1]["ExecIDs"] == [exec_id]
    now = api.call("GET", f"/exec/{exec_id}/json")[1]
    assert now["Running"] and now["ExitCode"] is None and now["Pid"] > 0
    assert api.call("POST", f"/exec/{exec_id}/start", {"Detach": True}) == (409, {"message": f"exec command {exec_id} is already running"})
    wait_until(lambda: not api.call("GET", f"/exec/{exec_id}/json")[1]["Running"])
    assert api.call("GET", f"/exec/{exec_id}/json")[1]["ExitCode"] == 7
    assert api.call("GET", "/containers/box/json")[1]["ExecIDs"] is None
    assert api.call("POST", f"/exec/{exec_id}/start", {"Detach": True}) == (409, {"message": f"exec command {exec_id} has already run"})
    assert api.call("POST", f"/exec/{exec_id}/resize?h=10&w=10")[0] == 409

    missing = api.call("POST", "/containers/box/exec", {"Cmd": ["no-such"]})[1]["Id"]
    status, error = api.call("POST", f"/exec/{missing}/start", {"Detach": True})
    assert status == 400 and "executable file not found" in error["message"]
    assert api.call("GET", f"/exec/{missing}/json")[1]["ExitCode"] == 127

    running = api.call("POST", "/containers/box/exec", {"Cmd": ["sleep", "50"]})[1]["Id"]
    later = api.call("POST", "/containers/box/exec", {"Cmd": ["true"]})[1]["Id"]
    api.call("POST", f"/exec/{running}/start", {"Detach": True})
    engine.docker("kill", "box")
    ended = api.call("GET", f"/exec/{running}/json")[1]
    assert not ended["Running"] and ended["ExitCode"] == 137
    # One that was never started goes with the process that it was made for.
    gone = (404, {"message": f"No such exec instance: {later}"})
    assert api.call("POST", f"/exec/{later}/start", {"Detach": True}) == gone
    assert api.call("POST", f"/exec/{later}/resize?h=10&w=10") == gone
    engine.docker("start", "box")
    assert api.call("POST", f"/exec/{later}/start", {"Detach": True}) == gone
    engine.docker("kill", "box")
    engine.docker("rm", "box")
    assert api.call("GET", f"/exec/{running}/json")[0] == 404


def test_a_resize_waits_for_the_start(engine):
    engine.docker("run", "-d", "--name", "box", "busybox", "sleep", "100")
    exec_id = Api(engine).call("POST", "/containers/box/exec", {"Cmd": ["sh", "-c", "sleep 0.4; stty size > /tmp/size"], "Tty": True})[1]["Id"]
    answers = []
    early = threading.Thread(target=lambda: answers.append(Api(engine).call("POST", f"/exec/{exec_id}/resize?h=21&w=43")))
    early.start()
    time.sleep(0.3)
    assert not answers
    Api(engine).call("POST", f"/exec/{exec_id}/start", {"Detach": True, "Tty": True})
    early.join(10)
    assert answers[0][0] == 200
    wait_until(lambda: engine.docker("exec", "box", "cat", "/tmp/size", check=False).stdout == "21 43\n")


def test_who_has_seen_the_end_of_the_stream_sees_the_exit_code(engine):
    api = Api(engine)
    for number in range(30):
        api.call("POST", f"/containers/create?name=ends{number}", {"Image": "busybox", "Cmd": ["sh", "-c", "echo out; exit 3"],
                                                                 "AttachStdout": True})
        with socket.socket(socket.AF_UNIX) as wire:
            wire.connect(str(engine.socket))
            wire.sendall(b"POST /v1.51/containers/ends%d/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
                         b"Upgrade: tcp\r\nContent-Length: 0\r\n\r\n" % number)
            assert b"101" in wire.recv(1000)
            api.call("POST", f"/containers/ends{number}/start")
            while wire.recv(1000):
                pass
        state = api.call("GET", f"/containers/ends{number}/json")[1]["State"]
        assert (state["Running"], state["ExitCode"]) == (False, 3), number
        api.call("DELETE", f"/containers/ends{number}")


def test_an_exec_started_without_upgrade_is_a_raw_stream(engine):
    engine.docker("run", "-d", "--name", "box", "busybox", "sleep", "100")
    exec_id = Api(engine).call("POST", "/containers/box/exec", {"Cmd": ["echo", "hello"], "AttachStdout": True})[1]["Id"]
    with socket.socket(socket.AF_UNIX) as wire:
        wire.connect(str(engine.socket))
        body = b'{"Detach":false,"Tty":false}'
        wire.sendall(b"POST /v1.51/exec/%s/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                     % (exec_id.encode(), len(body), body))
        data = b""
        while chunk := wire.recv(1000):
            data += chunk
    head, _, stream = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK") and b"multiplexed-stream" in head
    assert stream == b"\x01\0\0\0\0\0\0\x06hello\n"
