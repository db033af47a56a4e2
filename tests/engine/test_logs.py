# SPDX-License-Identifier: Apache-2.0
"""Logs: every driver with a real receiver, options, rotation, reading back."""
import gzip
import json
import os
import pathlib
import re
import socket
import ssl
import struct
import subprocess
import threading
import time
import zlib

import pytest

from conftest import Hulld, wait_until
from test_api import Api


class Datagrams:
    """Takes what comes to a datagram socket."""

    def __init__(self, path=None):
        self.socket = socket.socket(socket.AF_UNIX if path else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(str(path) if path else ("127.0.0.1", 0))
        self.socket.settimeout(10)
        self.port = None if path else self.socket.getsockname()[1]

    def next(self):
        return self.socket.recv(65536)


class Stream:
    """Accepts connections, and keeps all that comes; can be made slow, and closed and opened again at its port."""

    def __init__(self, port=0):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen()
        self.port = self.listener.getsockname()[1]
        self.data = bytearray()
        self.reading = threading.Event()
        self.reading.set()
        self.connections = []
        self.answer = None
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self.read, args=(connection,), daemon=True).start()

    def read(self, connection):
        while True:
            self.reading.wait()
            try:
                got = connection.recv(65536)
            except OSError:
                return
            if not got:
                return
            self.data += got
            if self.answer:
                self.answer(connection, got)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            connection.close()

    def wait_for(self, text, patience=10):
        wait_until(lambda: text in self.data, patience)


def unpack(data):
    """MessagePack, as far as Fluentd's messages use it: gives one value and the rest."""
    kind, data = data[0], data[1:]
    if kind < 0x80:
        return kind, data
    if kind < 0x90:
        value = {}
        for _ in range(kind & 15):
            key, data = unpack(data)
            value[key], data = unpack(data)
        return value, data
    if kind < 0xa0:
        value = []
        for _ in range(kind & 15):
            item, data = unpack(data)
            value.append(item)
        return value, data
    if kind < 0xc0:
        size = kind & 31
    elif kind == 0xce:
        return struct.unpack(">I", data[:4])[0], data[4:]
    elif kind == 0xd7:
        return struct.unpack(">bII", data[:9]), data[9:]
    else:
        width = {0xd9: 1, 0xda: 2, 0xdb: 4}[kind]
        size, data = int.from_bytes(data[:width], "big"), data[width:]
    return data[:size].decode(), data[size:]


def log_directory(engine, name):
    return engine.data / "containers" / engine.inspect(name, "{{.Id}}")


def options(**values):
    return [word for key, value in values.items() for word in ("--log-opt", f"{key.replace('_', '-')}={value}")]


# What is refused, and what inspect shows.

REFUSED = {
    "unknown log opt 'x' for json-file log driver": ["--log-opt", "x=1"],
    "unknown log opt 'x' for log driver local": ["--log-driver", "local", "--log-opt", "x=1"],
    "unknown log opt 'max-size' for syslog log driver": ["--log-driver", "syslog", "--log-opt", "max-size=1m"],
    "logger: no log driver named 'nothing' is registered": ["--log-driver", "nothing"],
    "logger: logging mode not supported: fast": ["--log-opt", "mode=fast"],
    "max-buffer-size option is only supported with 'mode=non-blocking'": ["--log-opt", "max-buffer-size=1m"],
    "gelf: endpoint needs to be TCP or UDP": ["--log-driver", "gelf", "--log-opt", "gelf-address=http://h:1"],
    "compress cannot be true": ["--log-opt", "compress=true", "--log-opt", "max-file=1"],
    "invalid log tag": ["--log-opt", "tag={{.Nmae}}"],
    "invalid syslog facility": ["--log-driver", "syslog", "--log-opt", "syslog-facility=x"],
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_no_container_can_start_with_is_refused_at_create(engine, text):
    result = engine.docker("create", *REFUSED[text], "busybox", "true", check=False)
    assert result.returncode == 1 and text in result.stderr


def test_a_remote_that_refuses_is_an_error_of_the_start(engine):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    address = f"127.0.0.1:{listener.getsockname()[1]}"  # bound, but nobody listens
    result = engine.docker("run", "--rm", "--log-driver", "fluentd", *options(fluentd_address=address), "busybox", "true",
                           check=False)
    assert f"failed to initialize logging driver: dial tcp {address}: connect: connection refused" in result.stderr


def test_info_lists_the_drivers(engine):
    drivers = engine.docker("info", "--format", "{{.LoggingDriver}} {{json .Plugins.Log}}").stdout
    assert drivers.split()[0] == "json-file" and '"fluentd","gelf","journald","json-file","local","none","syslog"' in drivers


def test_the_engines_own_default(busybox):
    hulld = Hulld()
    try:
        hulld.start("--log-driver", "local", "--log-opt", "max-size=1m")
        hulld.docker("import", busybox, "busybox")
        hulld.docker("run", "--name", "logged", "busybox", "echo", "hello")
        assert hulld.inspect("logged", "{{json .HostConfig.LogConfig}}") == '{"Type":"local","Config":{"max-size":"1m"}}'
        assert hulld.docker("logs", "logged").stdout == "hello\n"
    finally:
        hulld.close()


# Files.

def test_attributes_and_tag_of_json_file(engine):
    engine.docker("run", "--name", "logged", "--label", "app=shop", "--label", "tier=1", "-e", "STAGE=a b", "-e", "OTHER=x",
                  *options(labels="app,missing", env_regex="^STA", tag="{{.Name}}/{{.ImageName}}"), "busybox", "echo", "hi")
    record = json.loads((log_directory(engine, "logged") / (engine.inspect("logged", "{{.Id}}") + "-json.log")).read_text())
    assert record["attrs"] == {"app": "shop", "STAGE": "a b", "tag": "logged/busybox"} and record["log"] == "hi\n"
    assert engine.docker("logs", "--details", "logged").stdout == "STAGE=a+b,app=shop,tag=logged%2Fbusybox hi\n"


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_rotated_and_compressed_files_are_read_back(cli, driver):
    # It goes on after its output: what is still to be compressed when a container ends stays as it is.
    cli("run", "-d", "--name", "logged", "--log-driver", driver, *options(max_size="20k", max_file="4", compress="true"), "busybox",
        "sh", "-c", "for i in $(seq 3000); do echo line $i of the log; done; echo error >&2; sleep 1000")
    engine = cli.engine
    directory = log_directory(engine, "logged")
    wait_until(lambda: cli("logs", "--tail", "1", "logged").stderr == "error\n")
    packed = wait_until(lambda: list(directory.rglob("*.1.gz")))
    if driver == "json-file":
        assert json.loads(gzip.decompress(packed[0].read_bytes()).splitlines()[0])["stream"] == "stdout"
    lines = cli("logs", "logged").stdout.splitlines()
    first = int(lines[0].split()[1])
    assert first > 1 and lines == [f"line {i} of the log" for i in range(first, 3001)]
    assert cli("logs", "--tail", "3", "logged").stdout.splitlines() + ["error"] == [
        "line 2999 of the log", "line 3000 of the log", "error"]
    assert cli("logs", "--tail", "1", "logged").stderr == "error\n"


def test_local_is_dockers_format(engine):
    engine.docker("run", "--name", "logged", "--log-driver", "local", "busybox", "printf", "one\\ntwo")
    data = (log_directory(engine, "logged") / "local-logs" / "container.log").read_bytes()
    size = int.from_bytes(data[:4], "big")
    assert data[4:4 + 8] == b"\x0a\x06stdout" and data[4 + size:8 + size] == data[:4] and b"\x1a\x03one" in data[:4 + size]
    assert engine.inspect("logged", "{{.LogPath}}") == ""
    assert engine.docker("logs", "logged").stdout == "one\ntwo"


def test_none_cannot_be_read(cli):
    cli("run", "--name", "logged", "--log-driver", "none", "busybox", "echo", "hi")
    result = cli("logs", "logged", check=False)
    assert result.returncode == 1 and "configured logging driver does not support reading" in result.stderr


# Reading.

def test_a_follower_sees_lines_at_once_and_the_end(cli):
    cli("run", "-d", "--name", "logged", "busybox", "sh", "-c", "echo one; sleep 0.4; echo two; sleep 0.2")
    follower = cli.popen("logs", "-f", "logged", stdout=subprocess.PIPE, text=True)
    assert follower.stdout.readline() == "one\n"
    assert follower.stdout.readline() == "two\n"
    assert follower.wait(10) == 0


def test_a_follower_goes_on_over_rotations(engine):
    engine.docker("run", "-d", "--name", "logged", *options(max_size="10k", max_file="3", compress="true"), "busybox", "sh", "-c",
                  "i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo line $i; [ $((i % 100)) = 0 ] && usleep 20000; done")
    lines = engine.docker("logs", "-f", "logged").stdout.splitlines()
    assert lines == [f"line {i}" for i in range(1, 2001)][-len(lines):] and len(lines) > 1000


def test_until_ends_a_follower_and_since_selects(cli):
    cli("run", "-d", "--name", "logged", "busybox", "sh", "-c", "echo old; sleep 0.2; echo new; sleep 60")
    wait_until(lambda: "new" in cli("logs", "logged").stdout)
    first, second = (line.split()[0] for line in cli("logs", "-t", "logged").stdout.splitlines())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", first)
    assert cli("logs", "--since", second, "logged").stdout == "new\n"
    assert cli("logs", "--until", first, "logged").stdout == "old\n"
    begin = time.monotonic()
    assert cli("logs", "-f", "--until", "0.5s", "logged").returncode == 0  # half a second ago: over at once
    assert time.monotonic() - begin < 5


def test_many_followers_need_no_polling(engine):
    engine.docker("run", "-d", "--name", "logged", "busybox", "sh", "-c", "sleep 1000")
    name = engine.inspect("logged", "{{.Id}}")
    sockets = []
    for _ in range(150):  # more than inotify instances that a user may have
        client = socket.socket(socket.AF_UNIX)
        client.connect(str(engine.socket))
        client.sendall(f"GET /v1.45/containers/{name}/logs?follow=1&stdout=1 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        sockets.append(client)
    for client in sockets:
        assert b"200 OK" in client.recv(4096)

    def ticks():
        fields = pathlib.Path(f"/proc/{engine.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    before = ticks()
    time.sleep(1)
    assert ticks() - before <= 5  # hundredths of a second
    for client in sockets:
        client.close()


def test_hull_shows_several_logs_with_names(engine):
    for name in ("alpha", "beta"):
        engine.docker("run", "--name", name, "busybox", "sh", "-c", f"echo one of {name}; echo two of {name} >&2")
    result = engine.hull("logs", "alpha", "beta")
    assert result.stdout == "alpha | one of alpha\nbeta  | one of beta\n"
    assert result.stderr == "alpha | two of alpha\nbeta  | two of beta\n"
    assert sorted(engine.hull("logs", "-f", "beta", "alpha").stdout.splitlines()) == ["alpha | one of alpha", "beta  | one of beta"]


# Drivers that send.

def test_syslog_over_udp(engine):
    receiver = Datagrams()
    engine.docker("run", "--name", "logged", "--log-driver", "syslog",
                  *options(syslog_address=f"udp://127.0.0.1:{receiver.port}", syslog_format="rfc5424", tag="{{.Name}}",
                           syslog_facility="local3"), "busybox", "sh", "-c", "echo out; sleep 0.1; echo err >&2")
    assert re.fullmatch(rb"<158>1 \S+Z \S+ logged \d+ logged - out\n", receiver.next())
    assert re.fullmatch(rb"<155>1 \S+Z \S+ logged \d+ logged - err\n", receiver.next())
    assert engine.docker("logs", "logged").stdout == "out\n"  # through the cache


def test_syslog_over_a_unix_socket(engine, tmp_path):
    receiver = Datagrams(tmp_path / "log")
    engine.docker("run", "--name", "logged", "--log-driver", "syslog",
                  *options(syslog_address=f"unixgram://{tmp_path}/log", cache_disabled="true"), "busybox", "echo", "hi")
    short = engine.inspect("logged", "{{.Id}}")[:12].encode()
    assert re.fullmatch(rb"<30>\w{3} [ \d]\d \d\d:\d\d:\d\d " + short + rb"\[\d+\]: hi\n", receiver.next())
    assert "does not support reading" in engine.docker("logs", "logged", check=False).stderr


def test_syslog_over_tcp_survives_a_restart_of_the_receiver(engine):
    receiver = Stream()
    engine.docker("run", "-d", "--name", "logged", "--log-driver", "syslog",
                  *options(syslog_address=f"tcp://127.0.0.1:{receiver.port}"), "busybox", "sh", "-c",
                  "echo first; sleep 0.3; for i in 1 2 3 4 5 6 7 8 9; do echo number $i; sleep 0.2; done")
    receiver.wait_for(b"first")
    receiver.close()
    again = Stream(receiver.port)
    again.wait_for(b"number 9", 20)


def test_syslog_over_tls(engine, tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", tmp_path / "key.pem",
                    "-out", tmp_path / "cert.pem"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    listener = socket.create_server(("127.0.0.1", 0))
    got = []

    def serve():
        while True:
            try:
                connection = context.wrap_socket(listener.accept()[0], server_side=True)
                while data := connection.recv(4096):
                    got.append(data)
            except ssl.SSLError:
                continue  # a client that does not trust us
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    address = f"tcp+tls://localhost:{listener.getsockname()[1]}"
    refused = engine.docker("run", "--rm", "--log-driver", "syslog", *options(syslog_address=address), "busybox", "true",
                            check=False)
    assert "certificate verify failed" in refused.stderr
    engine.docker("run", "--name", "logged", "--log-driver", "syslog",
                  *options(syslog_address=address, syslog_format="rfc5424", syslog_tls_ca_cert=tmp_path / "cert.pem"),
                  "busybox", "echo", "secret")
    wait_until(lambda: re.fullmatch(rb"\d+ <30>1 .* - secret\n", b"".join(got)))
    listener.close()


@pytest.mark.parametrize("compression", ["gzip", "zlib", "none"])
def test_gelf_over_udp(engine, compression):
    receiver = Datagrams()
    engine.docker("run", "--name", "logged", "--label", "app=shop", "--log-driver", "gelf",
                  *options(gelf_address=f"udp://127.0.0.1:{receiver.port}", gelf_compression_type=compression, labels="app"),
                  "busybox", "sh", "-c", "echo out; head -c 6000 /dev/urandom | od -A n -t x1 | tr -d '\\n '; echo; echo err >&2")

    def next_message():
        packet = receiver.next()
        if packet.startswith(b"\x1e\x0f"):
            parts = {packet[10]: packet[12:]}
            while len(parts) < packet[11]:
                packet = receiver.next()
                parts[packet[10]] = packet[12:]
            packet = b"".join(parts[i] for i in sorted(parts))
        return json.loads({"gzip": gzip.decompress, "zlib": zlib.decompress, "none": bytes}[compression](packet))

    messages = [next_message() for _ in range(3)]
    by_level = sorted(messages, key=lambda message: (message["level"], len(message["short_message"])))
    assert [message["short_message"] for message in by_level][:2] == ["err", "out"]
    assert len(by_level[2]["short_message"]) == 12000
    first = by_level[1]
    assert first["version"] == "1.1" and first["_container_name"] == "logged" and first["_app"] == "shop"
    assert first["_image_name"] == "busybox" and abs(first["timestamp"] - time.time()) < 60
    assert engine.docker("logs", "--tail", "1", "logged").stderr in ("err\n", "")


def test_gelf_over_tcp(engine):
    receiver = Stream()
    engine.docker("run", "--name", "logged", "--log-driver", "gelf", *options(gelf_address=f"tcp://127.0.0.1:{receiver.port}"),
                  "busybox", "sh", "-c", "echo one; echo two")
    receiver.wait_for(b"two")
    wait_until(lambda: receiver.data.endswith(b"\0"))
    assert [json.loads(m)["short_message"] for m in receiver.data.split(b"\0")[:-1]] == ["one", "two"]


def test_fluentd(engine):
    receiver = Stream()
    engine.docker("run", "--name", "logged", "-e", "STAGE=x", "--log-driver", "fluentd",
                  *options(fluentd_address=f"127.0.0.1:{receiver.port}", tag="docker.{{.Name}}", env="STAGE"), "busybox",
                  "sh", "-c", "echo hello; head -c 20000 /dev/zero | tr '\\0' x; echo")
    receiver.wait_for(b"partial_last\xa4true")
    (tag, when, record), rest = unpack(receiver.data)
    assert tag == "docker.logged" and abs(when - time.time()) < 60
    assert record == {"container_id": engine.inspect("logged", "{{.Id}}"), "container_name": "/logged", "source": "stdout",
                      "log": "hello", "STAGE": "x"}
    (_, _, piece), rest = unpack(rest)
    (_, _, last), rest = unpack(rest)
    assert len(piece["log"]) == 16384 and len(last["log"]) == 20000 - 16384 and not rest
    assert (piece["partial_ordinal"], last["partial_ordinal"]) == ("1", "2") and piece["partial_id"] == last["partial_id"]


def test_fluentd_waits_for_acknowledgements(engine):
    receiver = Stream()
    seen = []

    def acknowledge(connection, data):
        message, _ = unpack(data)
        seen.append(message[2]["log"])
        chunk = message[3]["chunk"].encode()
        if len(seen) == 2 and not hasattr(receiver, "failed"):
            receiver.failed = True
            connection.close()  # without an answer: it has to come again
            return
        connection.sendall(b"\x81\xa3ack\xd9\x20" + chunk)

    receiver.answer = acknowledge
    engine.docker("run", "--name", "logged", "--log-driver", "fluentd",
                  *options(fluentd_address=f"127.0.0.1:{receiver.port}", fluentd_request_ack="true", fluentd_retry_wait="50ms",
                           fluentd_sub_second_precision="true"), "busybox", "sh", "-c", "echo one; echo two; echo three")
    wait_until(lambda: seen == ["one", "two", "two", "three"])


def test_an_asynchronous_log_starts_without_its_receiver(engine):
    placeholder = Stream()
    placeholder.close()
    engine.docker("run", "-d", "--name", "logged", "--log-driver", "fluentd",
                  *options(fluentd_address=f"127.0.0.1:{placeholder.port}", fluentd_async="true", fluentd_retry_wait="100ms"),
                  "busybox", "sh", "-c", "echo early; sleep 1000")
    assert engine.inspect("logged", "{{.State.Running}}") == "true"
    Stream(placeholder.port).wait_for(b"early")


def test_a_slow_receiver_blocks_or_loses_as_asked(engine):
    # Eight megabytes: more than the kernel's buffers for a connection take.
    script = "for i in 1 2 3 4 5 6 7 8; do head -c 1000000 /dev/zero | tr '\\0' x; echo; done; echo done > /flag; sleep 1000"
    receivers = {}
    for mode in ("blocking", "non-blocking"):
        receivers[mode] = Stream()
        receivers[mode].reading.clear()
        engine.docker("run", "-d", "--name", mode, "--log-driver", "fluentd",
                      *options(fluentd_address=f"127.0.0.1:{receivers[mode].port}", mode=mode, cache_disabled="true"),
                      "busybox", "sh", "-c", script)

    def finished(name):
        return engine.docker("exec", name, "cat", "/flag", check=False).returncode == 0

    wait_until(lambda: finished("non-blocking"))
    assert not finished("blocking")
    for receiver in receivers.values():
        receiver.reading.set()
    wait_until(lambda: finished("blocking"), 20)
    wait_until(lambda: receivers["blocking"].data.count(b"x") >= 8_000_000)
    assert receivers["non-blocking"].data.count(b"x") < 8_000_000


def test_journald(busybox, tmp_path):
    receiver = Datagrams(tmp_path / "journal")
    os.environ["HULL_JOURNAL_SOCKET"] = str(tmp_path / "journal")
    hulld = Hulld()
    try:
        hulld.start()
        hulld.docker("import", busybox, "busybox")
        hulld.docker("run", "--name", "logged", "--label", "my.app=shop", "--log-driver", "journald", *options(labels="my.app"),
                     "busybox", "sh", "-c", "echo hi >&2")
        fields = dict(line.split("=", 1) for line in receiver.next().decode().splitlines())
        full = hulld.inspect("logged", "{{.Id}}")
        assert fields["CONTAINER_ID"] == full[:12] and fields["CONTAINER_ID_FULL"] == full and fields["PRIORITY"] == "3"
        assert fields["CONTAINER_NAME"] == "logged" and fields["CONTAINER_TAG"] == full[:12] and fields["IMAGE_NAME"] == "busybox"
        assert fields["SYSLOG_IDENTIFIER"] == full[:12] and fields["MY_APP"] == "shop" and fields["MESSAGE"] == "hi"
        assert hulld.docker("logs", "logged").stderr == "hi\n"
        receiver.socket.close()
        (tmp_path / "journal").unlink()
        result = hulld.docker("run", "--rm", "--log-driver", "journald", "busybox", "true", check=False)
        assert "journald is not enabled on this host" in result.stderr
    finally:
        del os.environ["HULL_JOURNAL_SOCKET"]
        hulld.close()


def test_a_remote_gets_its_lines_while_the_engine_is_away(own_engine):
    receiver = Stream()
    own_engine.docker("run", "-d", "--name", "logged", "--log-driver", "syslog",
                      *options(syslog_address=f"tcp://127.0.0.1:{receiver.port}"), "busybox", "sh", "-c",
                      "sleep 1; echo alone; sleep 1000")
    own_engine.crash()
    receiver.wait_for(b"alone")
    own_engine.start()
    assert own_engine.docker("logs", "logged").stdout == "alone\n"


def api(engine, method, path, body=None):
    connection = Api(engine)
    connection.request(method, path, json.dumps(body) if body else None, {"Content-Type": "application/json"} if body else {})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    assert answer.status < 300, text
    return json.loads(text) if answer.headers["Content-Type"] == "application/json" else text


def test_a_log_that_is_read_right_behind_the_start_has_its_first_line(engine):
    """In 0.1 s, as long as Docker takes for a start: clients count on it."""
    def read(*command):
        made = api(engine, "POST", "/containers/create", {"Image": "busybox", "Cmd": command, "Tty": True})
        api(engine, "POST", f"/containers/{made['Id']}/start")
        return api(engine, "GET", f"/containers/{made['Id']}/logs?stdout=1")
    late = ("sh", "-c", "usleep 20000; echo first; sleep 60")
    assert any(read(*late) == "first\r\n" for _ in range(10)), "once at least, on a machine that has other work"
    assert read("sh", "-c", "usleep 20000") == "" == read("sleep", "60")
