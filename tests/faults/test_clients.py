# SPDX-License-Identifier: Apache-2.0
"""Clients that are slow, stop in the middle, or vanish: nobody else notices, and nothing of them is left."""
import os
import pathlib
import signal
import socket
import subprocess
import time

from conftest import wait_until


def request(hulld, text):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(20)
    client.connect(str(hulld.socket))
    client.sendall(text.encode())
    return client


def head_of(client):
    data = b""
    while b"\r\n\r\n" not in data:
        data += client.recv(1)
    return data


def attach(hulld, name):
    client = request(hulld, f"POST /containers/{name}/attach?stream=1&stdout=1&stderr=1 HTTP/1.1\r\nHost: x\r\n"
                            "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
    assert b" 101 " in head_of(client)
    return client


def descriptors(hulld):
    return len(os.listdir(f"/proc/{hulld.process.pid}/fd"))


def threads(hulld):
    return len(os.listdir(f"/proc/{hulld.process.pid}/task"))


def test_an_attached_client_that_does_not_read_holds_up_nobody_for_long(engine):
    """The container's output waits for it for ten seconds; then it is cut off, and the others get everything."""
    engine.hull("create", "--name", "floods", "busybox", "sh", "-c", "seq 1 200000; echo done")
    slow = attach(engine, "floods")
    begin = time.monotonic()
    quick = subprocess.run(engine.command("hull", "start", "-a", "floods"), env=engine.environment(), capture_output=True,
                           timeout=40)
    assert quick.stdout.endswith(b"200000\ndone\n") and quick.stdout.count(b"\n") == 200001
    assert time.monotonic() - begin < 20
    assert engine.hull("logs", "--tail", "1", "floods").stdout == "done\n"
    slow.close()


def test_a_log_reader_that_does_not_read_holds_up_nobody(engine):
    engine.hull("run", "-d", "--name", "floods", "busybox", "sh", "-c", "seq 1 300000; echo done; sleep 1000")
    slow = request(engine, "GET /containers/floods/logs?follow=1&stdout=1 HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_until(lambda: engine.hull("logs", "--tail", "1", "floods").stdout == "done\n", patience=20)
    begin = time.monotonic()
    engine.hull("rm", "-f", "floods")
    assert time.monotonic() - begin < 5
    slow.close()


def test_an_events_reader_that_does_not_read_holds_up_nobody(engine):
    slow = request(engine, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
    head_of(slow)
    engine.hull("run", "-d", "--name", "busy", "busybox", "sleep", "1000")
    begin = time.monotonic()
    big = "x" * 20000
    for n in range(100):
        engine.hull("update", "--label", f"much={big}", "busy")
    assert engine.hull("exec", "busy", "echo", "well").stdout == "well\n"
    assert time.monotonic() - begin < 30
    slow.close()


def test_half_a_request_holds_up_nobody(engine):
    halves = [request(engine, "POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Le") for _ in range(100)]
    bodies = [request(engine, "POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                              "Content-Length: 100000\r\n\r\n{") for _ in range(20)]
    begin = time.monotonic()
    assert engine.hull("run", "--rm", "busybox", "echo", "well").stdout == "well\n"
    assert time.monotonic() - begin < 5
    for client in halves + bodies:
        client.close()


def test_a_stopped_command_line_is_no_trouble(engine):
    """SIGSTOP of the client of a run, an exec and a log, as ctrl-z does it."""
    clients = [engine.popen("hull", "run", "--name", "stopped", "busybox", "sh", "-c",
                            "while :; do echo word; sleep 0.01; done", stdout=subprocess.PIPE)]
    wait_until(lambda: engine.docker("ps", "-q", "--filter", "name=stopped").stdout)
    clients.append(engine.popen("docker", "exec", "stopped", "sleep", "1000", stdout=subprocess.PIPE))
    clients.append(engine.popen("docker", "logs", "-f", "stopped", stdout=subprocess.PIPE))
    time.sleep(0.3)
    try:
        for client in clients:
            client.send_signal(signal.SIGSTOP)
        time.sleep(0.3)
        assert engine.hull("exec", "stopped", "echo", "well").stdout == "well\n"
        engine.hull("rm", "-f", "stopped")
    finally:
        for client in clients:
            client.send_signal(signal.SIGCONT)
        for client in clients:
            client.communicate(timeout=20)


def test_clients_that_vanish_leave_no_thread_and_no_descriptor(engine):
    engine.hull("run", "-d", "--name", "there", "busybox", "sh", "-c", "while :; do echo word; sleep 0.01; done")
    time.sleep(3)  # threads of what was before have gone
    fds = descriptors(engine)
    paths = ["GET /containers/there/logs?follow=1&stdout=1", "GET /containers/there/stats", "GET /events",
             "POST /containers/there/wait", "GET /containers/there/export"]
    vanishing = [request(engine, f"{path} HTTP/1.1\r\nHost: x\r\n\r\n") for path in paths for _ in range(10)]
    vanishing += [attach(engine, "there") for _ in range(10)]
    time.sleep(0.5)
    assert descriptors(engine) > fds
    for client in vanishing:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
    wait_until(lambda: descriptors(engine) <= fds + 2, patience=20)
    wait_until(lambda: threads(engine) <= 20, patience=20)
    assert engine.inspect("there", "{{.State.Status}}") == "running"


def test_a_vanished_upload_leaves_nothing(engine, busybox):
    data = pathlib.Path(busybox).read_bytes()
    half_done = lambda: [p.name for p in (engine.data / "incoming").iterdir() if not p.name.startswith(("trash", "ready"))]
    client = request(engine, f"POST /images/create?fromSrc=-&repo=half HTTP/1.1\r\nHost: x\r\n"
                             f"Content-Type: application/x-tar\r\nContent-Length: {len(data)}\r\n\r\n")
    client.sendall(data[: len(data) // 2])
    client.close()
    wait_until(lambda: not half_done())
    assert "half" not in engine.docker("images").stdout
