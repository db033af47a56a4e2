# SPDX-License-Identifier: Apache-2.0
"""Published ports for clients with IPv6, of containers that have IPv4 alone: the supervisor hands the connections on."""
import json
import os
import socket
import subprocess
import sys
import threading
import time

import pytest

from conftest import wait_until

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/net/if_inet6"), reason="this kernel has no IPv6")

# Gives back everything it gets, and when that has ended, how much it was.
ECHO = """
import socket, threading
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(('0.0.0.0', 80)); s.listen(512)
print('ready', flush=True)
def serve(c):
    total = 0
    while data := c.recv(65536):
        total += len(data); c.sendall(data)
    c.sendall(b'|%d' % total); c.close()
while True:
    threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
"""


@pytest.fixture
def echo(engine):
    """Starts a container with this server behind a published port; gives the port."""
    servers = []

    def start(name="echo", *options, publish="0:80"):
        engine.docker("run", "-d", "--name", name, "-p", publish, *options, "busybox", "sleep", "1000")
        pid = engine.inspect(name, "{{.State.Pid}}")
        server = subprocess.Popen(["nsenter", "-n", "-t", pid, sys.executable, "-c", ECHO], stdout=subprocess.PIPE)
        assert server.stdout.readline() == b"ready\n"
        servers.append(server)
        return int(json.loads(engine.inspect(name, '{{json (index .NetworkSettings.Ports "80/tcp")}}'))[0]["HostPort"])
    yield start
    for server in servers:
        server.kill()
        server.wait()


def answer(port, data, host="::1"):
    """What comes back for `data`, sent and received at the same time."""
    with socket.create_connection((host, port), 10) as connection:
        def send():
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        sender = threading.Thread(target=send)
        sender.start()
        pieces = []
        while piece := connection.recv(65536):
            pieces.append(piece)
        sender.join()
        return b"".join(pieces)


def refused(port):
    with socket.socket(socket.AF_INET6) as client:
        return client.connect_ex(("::1", port)) != 0


def test_both_families_are_listed_and_answer(engine, echo):
    port = echo()
    shown = engine.docker("port", "echo").stdout.splitlines()
    assert shown == [f"80/tcp -> 0.0.0.0:{port}", f"80/tcp -> [::]:{port}"]
    assert f"0.0.0.0:{port}->80/tcp, [::]:{port}->80/tcp" in engine.docker("ps", "--format", "{{.Ports}}").stdout
    for host in ("127.0.0.1", "::1", "localhost"):
        assert answer(port, b"hello", host) == b"hello|5"


def test_a_lot_of_data_in_both_directions_and_an_end_of_each(echo):
    port = echo()
    data = os.urandom(1 << 20) * 16
    assert answer(port, data) == data + b"|%d" % len(data)


def test_many_connections_at_once(echo):
    port = echo()
    results = []
    threads = [threading.Thread(target=lambda i=i: results.append(answer(port, b"%d" % i * 1000))) for i in range(150)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == sorted(b"%d" % i * 1000 + b"|%d" % (len("%d" % i) * 1000) for i in range(150))


def test_a_client_that_does_not_read_holds_up_nobody(echo):
    port = echo()
    with socket.create_connection(("::1", port), 5) as idle:
        idle.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                idle.send(bytes(1 << 16))
        assert answer(port, b"others") == b"others|6"


def test_an_address_that_was_chosen_and_a_port_that_is_taken(engine, echo):
    port = echo("chosen", publish="[::1]::80")
    assert engine.docker("port", "chosen").stdout == f"80/tcp -> [::1]:{port}\n"
    assert answer(port, b"x") == b"x|1" and socket.socket().connect_ex(("127.0.0.1", port)) != 0
    result = engine.docker("run", "--rm", "-p", f"{port}:80", "busybox", "true", check=False)
    assert result.returncode == 125 and f"Bind for [::]:{port} failed: port is already allocated" in result.stderr
    udp = engine.docker("run", "--rm", "-p", "[::1]::53/udp", "busybox", "true", check=False)
    assert udp.returncode == 125 and "the container has no IPv6 address" in udp.stderr


def test_the_port_is_free_when_the_container_has_ended(engine, echo):
    port = echo()
    with socket.create_connection(("::1", port), 5) as connection:
        engine.docker("rm", "-f", "-t", "0", "echo", check=False)
        engine.docker("rm", "-f", "echo", check=False)
        assert connection.recv(100) == b""
    assert refused(port)
    for _ in range(5):
        engine.docker("run", "--rm", "-p", f"{port}:80", "busybox", "true")
    assert refused(port)


def test_connections_go_on_without_the_engine_and_new_ones_come(own_engine):
    engine = own_engine
    engine.docker("run", "-d", "--name", "web", "-p", "0:80", "busybox", "sh", "-c",
                  "exec nc -ll -p 80 -e cat")
    port = int(json.loads(engine.inspect("web", '{{json (index .NetworkSettings.Ports "80/tcp")}}'))[0]["HostPort"])

    def says(connection, text):
        connection.sendall(text)
        return connection.recv(100) == text

    def fresh():
        with socket.create_connection(("::1", port), 5) as connection:
            return says(connection, b"fresh")
    wait_until(fresh)
    with socket.create_connection(("::1", port), 5) as old:
        assert says(old, b"before")
        engine.crash()
        assert says(old, b"meanwhile") and fresh()
        engine.start()
        assert says(old, b"after") and fresh()
    shown = engine.docker("port", "web").stdout
    assert f"[::]:{port}" in shown
    assert engine.docker("run", "--rm", "-p", f"{port}:80", "busybox", "true", check=False).returncode == 125
    engine.docker("restart", "-t", "0", "web")
    port = int(json.loads(engine.inspect("web", '{{json (index .NetworkSettings.Ports "80/tcp")}}'))[0]["HostPort"])
    wait_until(lambda: not refused(port) and fresh())
    engine.docker("rm", "-f", "web")


def test_the_relay_follows_the_gateway(engine, echo):
    engine.docker("network", "create", "relayed")
    engine.docker("network", "create", "relayed2")
    try:
        port = echo("echo", "--network", "relayed")
        assert answer(port, b"1") == b"1|1"
        engine.docker("network", "connect", "relayed2", "echo")
        engine.docker("network", "disconnect", "relayed", "echo")
        assert answer(port, b"22") == b"22|2"
        engine.docker("network", "disconnect", "relayed2", "echo")
        wait_until(lambda: refused(port))
    finally:
        engine.docker("rm", "-f", "echo", check=False)
        engine.docker("network", "rm", "relayed", "relayed2")


def test_a_big_range_is_the_kernels_alone(engine):
    begin = time.monotonic()
    engine.docker("run", "-d", "--name", "many", "-p", "23000-23199:23000-23199", "busybox", "sleep", "1000")
    assert time.monotonic() - begin < 10
    assert "[::]" not in engine.docker("port", "many").stdout
