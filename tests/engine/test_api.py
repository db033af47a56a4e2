# SPDX-License-Identifier: Apache-2.0
"""The Engine API byte by byte: what clients rely on without saying so."""
import base64
import hashlib
import http.client
import json
import os
import pathlib
import re
import socket
import struct
import threading
import time
import urllib.parse

import pytest


class Api(http.client.HTTPConnection):
    """HTTP over the engine's unix socket."""

    def __init__(self, engine, timeout=30):
        super().__init__("api.moby.localhost", timeout=timeout)
        self.path = str(engine.socket)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def message(self):
        """Of an error: exactly this Content-Type and this shape, or the Go client shows the raw body."""
        assert self.headers["Content-Type"] == "application/json"
        assert set(self.json) == {"message"}
        return self.json["message"]


@pytest.fixture
def api(engine):
    def call(method, path, body=None, headers=None, **options):
        connection = Api(engine)
        headers = dict(headers or {})
        if isinstance(body, dict):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, body=body, headers=headers, **options)
            return Answer(connection.getresponse())
        finally:
            connection.close()
    return call


@pytest.fixture
def raw(engine):
    """Sends bytes, gives all that comes back until the engine closes (or the time is over)."""
    def call(data, timeout=10, end=False):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(timeout)
            client.connect(str(engine.socket))
            client.sendall(data)
            if end:
                client.shutdown(socket.SHUT_WR)
            received = b""
            try:
                while piece := client.recv(65536):
                    received += piece
            except TimeoutError:
                received += b"<timeout>"
            return received
    return call


def get(path, *headers, version="HTTP/1.1"):
    return "\r\n".join([f"GET {path} {version}", "Host: x", *headers, "", ""]).encode()


# Transport, versions, ping

def test_ping(api):
    for method, body in (("GET", b"OK"), ("HEAD", b"")):
        answer = api(method, "/_ping")
        assert (answer.status, answer.body) == (200, body)
        headers = answer.headers
        assert headers["Content-Type"] == "text/plain; charset=utf-8"
        assert headers["Api-Version"] == "1.56" and headers["Ostype"] == "linux"
        assert headers["Docker-Experimental"] == "false" and headers["Swarm"] == "inactive"
        assert headers["Builder-Version"] in ("1", "2")
        assert headers["Cache-Control"] == "no-cache, no-store, must-revalidate" and headers["Pragma"] == "no-cache"
        assert re.fullmatch(r"Docker/\S+ \(linux\)", headers["Server"])
    assert api("HEAD", "/_ping").headers["Content-Length"] == "0"


@pytest.mark.parametrize("path", ["/version", "/v1.24/version", "/v1.56/version"])
def test_versions_are_prefixes(api, path):
    answer = api("GET", path)
    assert answer.status == 200 and answer.json["ApiVersion"] == "1.56"
    assert answer.headers["Api-Version"] == "1.56"


def test_versions_out_of_range(api):
    assert api("GET", "/v1.99/version").message == ("client version 1.99 is too new. "
                                                    "Maximum supported API version is 1.56")
    assert api("GET", "/v1.23/version").message == (
        "client version 1.23 is too old. Minimum supported API version is 1.24, "
        "please upgrade your client to a newer version")
    assert api("GET", "/v1.99/version").status == 400


@pytest.mark.parametrize("method, path", [
    ("GET", "/nowhere"), ("PATCH", "/_ping"), ("DELETE", "/version"), ("GET", "/v1.41/nowhere"), ("GET", "/"),
    ("POST", "/containers/json"), ("GET", "/vx/version"), ("GET", "/containers//json"), ("PUT", "/info")])
def test_no_such_page(api, method, path):
    answer = api(method, path)
    assert (answer.status, answer.message) == (404, "page not found")


def test_options_are_fine_anywhere(api):
    answer = api("OPTIONS", "/anything")
    assert (answer.status, answer.body) == (200, b"")


def test_headers_are_on_errors_too(api):
    headers = api("GET", "/containers/none/json").headers
    for name in ("Server", "Api-Version", "Ostype", "Docker-Experimental"):
        assert headers[name]


def test_version_has_what_clients_read(api):
    version = api("GET", "/version").json
    for key in ("ApiVersion", "MinAPIVersion", "Version", "Os", "Arch", "KernelVersion", "GitCommit", "GoVersion",
                "BuildTime"):
        assert isinstance(version[key], str)
    component = version["Components"][0]
    assert component["Name"] == "Engine" and component["Version"] == version["Version"]
    assert set(component["Details"]) >= {"ApiVersion", "MinAPIVersion", "GitCommit", "GoVersion", "Os", "Arch",
                                         "BuildTime", "KernelVersion", "Experimental"}
    assert component["Details"]["Experimental"] == "false"
    assert "Experimental" not in version


def test_info_by_version(api):
    new, old = api("GET", "/info").json, api("GET", "/v1.41/info").json
    assert "FirewallBackend" in new and "FirewallBackend" not in old
    assert "BridgeNfIptables" in old and "BridgeNfIptables" not in new
    assert "Expected" in old["RuncCommit"] and "Expected" not in new["RuncCommit"]
    assert "status" in new["Runtimes"]["hull"] and "status" not in old["Runtimes"]["hull"]
    assert "AllowNondistributableArtifactsCIDRs" in old["RegistryConfig"]
    assert "AllowNondistributableArtifactsCIDRs" not in new["RegistryConfig"]
    assert new["Swarm"]["LocalNodeState"] == "inactive" and new["OSType"] == "linux"
    assert isinstance(new["Labels"], list) and isinstance(new["SecurityOptions"], list)
    assert all(re.match(r"name=\w+", option) for option in new["SecurityOptions"])
    assert new["Plugins"]["Volume"] == ["local"] and new["ID"] and new["NCPU"] >= 1


# Errors and bodies

@pytest.mark.parametrize("path", ["/containers/none/json", "/containers/none/logs?stdout=1", "/containers/none/top"])
def test_missing_containers(api, path):
    answer = api("GET", path)
    assert (answer.status, answer.message) == (404, "No such container: none")


def test_json_is_go_s(api):
    answer = api("POST", "/containers/create?name=%3Cbad%26%3E", {"Image": "busybox", "Cmd": ["true"]})
    assert answer.body.endswith(b"}\n")
    assert b"<bad&>" in answer.body  # no HTML escapes
    assert answer.status == 400
    assert answer.message == "Invalid container name (<bad&>), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"


@pytest.mark.parametrize("body, headers, message", [
    (None, {}, "invalid JSON: EOF"),
    ("", {"Content-Type": "application/json"}, "invalid JSON: EOF"),
    ("{}", {"Content-Type": "application/json"}, "config cannot be empty in order to create a container"),
    ("{}", {"Content-Type": "text/plain"}, "unsupported Content-Type header (text/plain): must be 'application/json'"),
    ("{} {}", {"Content-Type": "application/json"}, "unexpected content after JSON"),
    ('{"Image": "busybox", "HostConfig": {"Memory": "big"}}', {"Content-Type": "application/json"},
     "Memory: expected a whole number, got string"),
    ('{"Image": 5}', {"Content-Type": "application/json"}, "Image"),
    ('{"Image": "busybox", ', {"Content-Type": "application/json"}, "invalid JSON"),
    ('{"Image": "busybox", "Env": {"a": 1}}', {"Content-Type": "application/json"}, "Env"),
])
def test_bodies_that_cannot_be(api, body, headers, message):
    answer = api("POST", "/containers/create", body, headers)
    assert answer.status == 400
    assert message in answer.message


def test_unknown_fields_and_parameters_of_the_media_type_are_fine(api):
    answer = api("POST", "/containers/create", json.dumps({"Image": "busybox", "Cmd": ["true"], "Nonsense": {"a": [1]}}),
                 {"Content-Type": "application/json; charset=utf-8"})
    assert answer.status == 201
    assert answer.json["Warnings"] == []
    assert re.fullmatch("[0-9a-f]{64}", answer.json["Id"])


def test_keys_in_any_case_and_nulls(api):
    assert api("POST", "/containers/create", {"image": "busybox", "CMD": ["true"], "Env": None, "HostConfig": None,
                                              "NetworkingConfig": None}).status == 201


def test_a_body_that_is_too_large(api):
    answer = api("POST", "/containers/create", b" " * (17 << 20), {"Content-Type": "application/json"})
    assert answer.status == 400 and "longer than" in answer.message


def test_chunked_bodies(api):
    pieces = [b'{"Image":', b' "busybox", "Cmd"', b': ["true"]}']
    assert api("POST", "/containers/create", iter(pieces), {"Content-Type": "application/json"},
               encode_chunked=True).status == 201


def test_names(api):
    taken = api("POST", "/containers/create?name=taken", {"Image": "busybox", "Cmd": ["true"]}).json["Id"]
    answer = api("POST", "/containers/create?name=/taken", {"Image": "busybox", "Cmd": ["true"]})
    assert answer.status == 409
    assert answer.message == (f'Conflict. The container name "/taken" is already in use by container "{taken}". '
                              "You have to remove (or rename) that container to be able to reuse that name.")
    for name in ("a", "-x", "a b", ".a", "a/b", "ä"):
        answer = api("POST", "/containers/create?name=" + urllib.parse.quote(name), {"Image": "busybox", "Cmd": ["true"]})
        assert answer.status == 400, name
        assert answer.message == f"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
    inspected = api("GET", f"/containers/{taken[:12]}/json").json
    assert inspected["Name"] == "/taken" and inspected["Config"]["Hostname"] == taken[:12]
    assert api("GET", "/containers/json?all=1").json[0]["Names"] == ["/taken"]
    assert api("POST", "/containers/taken/rename?name=taken").message == (
        "Renaming a container with the same name as its current name")
    assert api("POST", "/containers/taken/rename?name=").status == 400


def test_ambiguous_prefixes(api):
    ids = [api("POST", "/containers/create", {"Image": "busybox", "Cmd": ["true"]}).json["Id"] for _ in range(17)]
    first = next(c for c in "0123456789abcdef" if sum(i.startswith(c) for i in ids) > 1)
    answer = api("GET", f"/containers/{first}/json")
    assert (answer.status, answer.message) == (400, f"multiple IDs found with provided prefix: {first}")


def test_a_missing_image_is_the_only_404_of_create(api):
    answer = api("POST", "/containers/create", {"Image": "nowhere/none"})
    assert answer.status == 404 and answer.message.startswith("No such image: nowhere/none")
    for host in ({"NetworkMode": "container:none"}, {"VolumesFrom": ["none"]}, {"IpcMode": "container:none"}):
        answer = api("POST", "/containers/create", {"Image": "busybox", "Cmd": ["true"], "HostConfig": host})
        assert answer.status == 400, host


def test_defaults_in_inspect(api):
    identity = api("POST", "/containers/create", {"Image": "busybox", "Cmd": ["true"], "HostConfig": {"Memory": 64 << 20, "PidsLimit": 0,
                                                                                    "NetworkMode": "default"}}).json["Id"]
    state = api("GET", f"/containers/{identity}/json").json
    host = state["HostConfig"]
    assert host["RestartPolicy"] == {"Name": "no", "MaximumRetryCount": 0}
    assert host["IpcMode"] == "private" and host["ShmSize"] == 67108864 and host["Runtime"]
    assert host["LogConfig"]["Type"] == "json-file" and host["NetworkMode"] == "bridge"
    assert host["MemorySwap"] == 128 << 20 and host["PidsLimit"] is None
    assert len(host["MaskedPaths"]) > 5 and len(host["ReadonlyPaths"]) > 2
    assert state["State"]["StartedAt"] == "0001-01-01T00:00:00Z" == state["State"]["FinishedAt"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", state["Created"])
    assert "Health" not in state["State"] and state["State"]["Status"] == "created"
    assert state["NetworkSettings"]["Ports"] == {}
    listed = api("GET", "/containers/json?all=1").json[0]
    assert isinstance(listed["Created"], int) and listed["Ports"] == [] and isinstance(listed["Labels"], dict)


def test_masked_paths(api):
    def paths(host):
        identity = api("POST", "/containers/create", {"Image": "busybox", "Cmd": ["true"], "HostConfig": host}).json["Id"]
        return api("GET", f"/containers/{identity}/json").json["HostConfig"]["MaskedPaths"]
    assert paths({"MaskedPaths": []}) == []
    assert paths({"Privileged": True}) is None


@pytest.mark.parametrize("path, empty", [
    ("/containers/json", []), ("/volumes", {"Volumes": [], "Warnings": []}), ("/plugins", []),
    ("/containers/json?filters=%7B%22label%22%3A%5B%22none%22%5D%7D", [])])
def test_empty_lists_are_lists(api, path, empty):
    found = api("GET", path).json
    assert found == empty or (isinstance(empty, dict) and found["Volumes"] == [] and found["Warnings"] in ([], None))


def test_query_booleans_and_filters(api):
    identity = api("POST", "/containers/create", {"Image": "busybox", "Cmd": ["true"], "Labels": {"a": "b", "c": "d"}}).json["Id"]

    def listed(query):
        return [container["Id"] for container in api("GET", "/containers/json?" + query).json]
    for no in ("", "0", "no", "FALSE", "none"):
        assert listed("all=" + no) == []
    for yes in ("1", "true", "y", "2"):
        assert listed("all=" + yes) == [identity]
    for filters in ({"label": {"a=b": True}}, {"label": ["a=b", "c"]}, {"id": [identity[:6]]}, {"name": ["."]},
                    {"status": ["created", "exited"]}):
        assert listed("all=1&filters=" + urllib.parse.quote(json.dumps(filters))) == [identity], filters
    assert listed("all=1&filters=" + urllib.parse.quote('{"label":["a=b","c=x"]}')) == []
    for filters in ('{"nonsense":["x"]}', "nonsense", '{"label":5}'):
        answer = api("GET", "/containers/json?all=1&filters=" + urllib.parse.quote(filters))
        assert answer.status == 400 and answer.message


@pytest.mark.parametrize("query, message", [
    ("h=x&w=5", 'invalid resize height "x": invalid syntax'), ("w=5", 'invalid resize height "": invalid syntax'),
    ("h=5&w=99999999999", 'invalid resize width "99999999999": value out of range')])
def test_resize_is_strict(api, query, message):
    api("POST", "/containers/create?name=sized", {"Image": "busybox", "Cmd": ["true"]})
    answer = api("POST", "/containers/sized/resize?" + query)
    assert (answer.status, answer.message) == (400, message)


def test_start_takes_no_body(api):
    api("POST", "/containers/create?name=bodied", {"Image": "busybox", "Cmd": ["true"]})
    assert api("POST", "/containers/bodied/start", '{"Binds": []}').status == 400
    assert api("POST", "/containers/bodied/start", "{}", {"Content-Type": "application/json"}).status == 204


def test_logs_need_a_stream(api):
    api("POST", "/containers/create?name=quiet", {"Image": "busybox", "Cmd": ["true"]})
    answer = api("GET", "/containers/quiet/logs")
    assert answer.status == 400 and "at least one of 'stdout' or 'stderr'" in answer.message


def test_not_a_swarm(api):
    for method, path in (("GET", "/swarm"), ("GET", "/nodes"), ("GET", "/services"), ("GET", "/tasks"),
                         ("GET", "/secrets"), ("POST", "/configs/create"), ("POST", "/services/create")):
        answer = api(method, path)
        assert answer.status == 503
        assert answer.message == ('This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to '
                                  "connect this node to swarm and try again.")
    assert api("GET", "/plugins/x/json").status == 404


def test_stream_types_by_version(api):
    identity = api("POST", "/containers/create", {"Image": "busybox", "Cmd": ["echo", "x"]}).json["Id"]
    assert api("POST", f"/containers/{identity}/start").status == 204
    api("POST", f"/containers/{identity}/wait")
    path = f"/containers/{identity}/logs?stdout=1"
    assert api("GET", path).headers["Content-Type"] == "application/vnd.docker.multiplexed-stream"
    old = api("GET", "/v1.41" + path)
    assert old.headers["Content-Type"] == "application/vnd.docker.raw-stream"
    assert old.body == b"\x01\0\0\0\0\0\0\x02x\n" and old.headers["Transfer-Encoding"] == "chunked"


def test_attach_errors_are_plain_text(api):
    answer = api("POST", "/containers/none/attach?stream=1&stdout=1")
    assert answer.status == 404 and b"No such container: none" in answer.body
    assert not answer.body.startswith(b"{")


# HTTP

def test_several_requests_on_one_connection(engine):
    connection = Api(engine)
    for _ in range(3):
        connection.request("GET", "/_ping")
        assert connection.getresponse().read() == b"OK"
    connection.request("POST", "/containers/none/start", body=b"x" * 1000)
    assert connection.getresponse().read()
    connection.request("GET", "/_ping")
    assert connection.getresponse().read() == b"OK"


def test_pipelining(raw):
    answer = raw(get("/_ping") + get("/version") + get("/_ping", "Connection: close"))
    assert answer.count(b"HTTP/1.1 200 OK") == 3 and answer.endswith(b"OK")


def test_http_1_0(raw):
    answer = raw(get("/_ping", version="HTTP/1.0"))
    assert answer.startswith(b"HTTP/1.1 200 OK") and answer.endswith(b"\r\n\r\nOK")
    assert b"chunked" not in raw(get("/events?until=1", version="HTTP/1.0")).lower()


def test_expect_100_continue(engine):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(engine.socket))
        body = b'{"Image": "busybox", "Cmd": ["true"]}'
        client.sendall(b"POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                       b"Content-Length: %d\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n" % len(body))
        assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(body)
        assert client.recv(1000).startswith(b"HTTP/1.1 201 Created")


@pytest.mark.parametrize("request_bytes, status", [
    (b"nonsense\r\n\r\n", b"400"),
    (b"GET /_ping HTTP/9.9\r\nHost: x\r\n\r\n", b"400"),
    (b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
    (b"GET /_ping?a=%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"400"),
    (b"GET /_ping HTTP/1.1\r\nHost: x\r\nBig: " + b"x" * (200 << 10) + b"\r\n\r\n", b"431"),
    # Two lengths, and a length beside chunks: whoever stands between could see another request.
    (b"POST /auth HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", b"400"),
    (b"POST /auth HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
    (b"POST /auth HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", b"400"),
    (b"POST /auth HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"400"),
    (b"GET /_ping HTTP/1.1\r\nHost : x\r\n\r\n", b"400"),
    (b"GET /_ping HTTP/1.1\r\n\r\n", b"400"),
], ids=lambda value: value[:40].decode().split("\r")[0])
def test_broken_requests(raw, request_bytes, status):
    answer = raw(request_bytes)
    assert answer.startswith(b"HTTP/1.1 " + status), answer[:200]
    assert answer.count(b"HTTP/1.1 ") == 1  # and the connection is closed
    assert b'{"message":"' in answer


def test_broken_chunks(raw):
    answer = raw(b"POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                 b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400")


# WebSocket

class WebSocket:
    def __init__(self, engine, path, protocol=None):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(str(engine.socket))
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", "Host: x", "Upgrade: websocket", "Connection: keep-alive, Upgrade",
                 f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", "Origin: http://x"]
        self.socket.sendall("\r\n".join(lines + ["", ""]).encode())
        self.buffer = b""
        head = self.until(b"\r\n\r\n").decode()
        self.head = head
        if head.startswith("HTTP/1.1 101"):
            expected = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
            assert f"Sec-WebSocket-Accept: {base64.b64encode(expected).decode()}" in head

    def until(self, mark):
        while mark not in self.buffer:
            piece = self.socket.recv(65536)
            assert piece, self.buffer
            self.buffer += piece
        found, self.buffer = self.buffer.split(mark, 1)
        return found

    def take(self, size):
        while len(self.buffer) < size:
            piece = self.socket.recv(65536)
            assert piece, "the connection ended"
            self.buffer += piece
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def frame(self):
        first, length = self.take(2)
        if length == 126:
            length, = struct.unpack(">H", self.take(2))
        elif length == 127:
            length, = struct.unpack(">Q", self.take(8))
        return first & 15, self.take(length)

    def send(self, payload, opcode=2):
        mask = os.urandom(4)
        masked = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
        self.socket.sendall(bytes([0x80 | opcode, 0x80 | len(payload)]) + mask + masked)

    def all(self):
        data = b""
        while True:
            opcode, payload = self.frame()
            if opcode == 8:
                return data, payload
            data += payload


def test_attach_over_a_websocket(engine, api):
    api("POST", "/containers/create?name=web", {"Image": "busybox", "OpenStdin": True,
                                                "Cmd": ["sh", "-c", "read line; echo got $line; echo err >&2"]})
    client = WebSocket(engine, "/containers/web/attach/ws?stream=1&stdin=1&stdout=1&stderr=1")
    assert client.head.startswith("HTTP/1.1 101")
    assert api("POST", "/containers/web/start").status == 204
    client.send(b"ping", opcode=9)
    assert client.frame() == (10, b"ping")
    client.send(b"hello\n")
    data, close = client.all()
    assert sorted(data.split(b"\n")) == [b"", b"err", b"got hello"]
    assert close == struct.pack(">H", 1000)


def test_websockets_of_old_clients_have_every_stream(engine, api):
    api("POST", "/containers/create?name=web", {"Image": "busybox", "Cmd": ["sh", "-c", "echo err >&2"]})
    client = WebSocket(engine, "/v1.41/containers/web/attach/ws?stream=1")
    api("POST", "/containers/web/start")
    assert client.all()[0] == b"err\n"


def test_websocket_refusals(engine, api):
    assert api("GET", "/containers/none/attach/ws").status == 404
    api("POST", "/containers/create?name=box", {"Image": "busybox", "Cmd": ["true"]})
    answer = api("GET", "/containers/box/attach/ws")
    assert answer.status == 400 and answer.message
    assert WebSocket(engine, "/containers/none/attach/ws?stream=1").head.startswith("HTTP/1.1 404")


# Robustness

def threads_and_files(engine):
    process = pathlib.Path(f"/proc/{engine.process.pid}")
    return len(list((process / "task").iterdir())), len(list((process / "fd").iterdir()))


def wait_until_back_at(engine, before, patience=15):
    deadline = time.monotonic() + patience
    while True:
        now = threads_and_files(engine)
        if now[0] <= before[0] + 3 and now[1] <= before[1] + 3:
            return
        assert time.monotonic() < deadline, f"before {before}, now {now}"
        time.sleep(0.1)


def test_clients_that_vanish_leave_nothing(engine, api):
    api("POST", "/containers/create?name=stays", {"Image": "busybox", "OpenStdin": True, "Cmd": ["sleep", "1000"]})
    api("POST", "/containers/stays/start")
    exec_id = [api("POST", "/containers/stays/exec", {"Cmd": ["sleep", "0.2"], "AttachStdout": True}).json["Id"]
               for _ in range(10)]
    upgrade = "Connection: Upgrade\r\nUpgrade: tcp\r\n"
    kinds = [("GET", "/events", ""), ("GET", "/containers/stays/logs?stdout=1&follow=1", ""),
             ("GET", "/containers/stays/stats", ""), ("POST", "/containers/stays/wait?condition=next-exit", ""),
             ("POST", "/containers/stays/attach?stream=1&stdout=1&stdin=1", upgrade),
             ("GET", "/containers/stays/attach/ws?stream=1&stdout=1",
              "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n"),
             ("POST", "/images/load", "Content-Length: 1000\r\n"), ("POST", "/containers/create", "")]
    time.sleep(0.5)
    before = threads_and_files(engine)
    clients = []
    for i in range(200):
        method, path, headers = kinds[i % len(kinds)]
        client = socket.socket(socket.AF_UNIX)
        client.connect(str(engine.socket))
        request = f"{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode()
        client.sendall(request[:-10] if i % 13 == 0 else request)
        clients.append(client)
    for identity in exec_id:
        client = socket.socket(socket.AF_UNIX)
        client.connect(str(engine.socket))
        body = b'{"Detach": false}'
        client.sendall(f"POST /exec/{identity}/start HTTP/1.1\r\nHost: x\r\n{upgrade}Content-Type: application/json\r\n"
                       f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        clients.append(client)
    time.sleep(0.5)
    for client in clients:
        client.close()
    wait_until_back_at(engine, before)
    assert api("GET", "/_ping").status == 200


def test_idle_connections_cost_no_threads(engine, api):
    before = threads_and_files(engine)
    clients = []
    try:
        for _ in range(3000):
            client = socket.socket(socket.AF_UNIX)
            client.connect(str(engine.socket))
            clients.append(client)
        begin = time.monotonic()
        assert api("GET", "/_ping").status == 200
        assert time.monotonic() - begin < 2
        deadline = time.monotonic() + 15
        while threads_and_files(engine)[0] > before[0] + 10:
            assert time.monotonic() < deadline, threads_and_files(engine)
            time.sleep(0.1)
        # They are served when they want something.
        for client in clients[::500]:
            client.settimeout(10)
            client.sendall(get("/_ping"))
            assert client.recv(1000).startswith(b"HTTP/1.1 200 OK")
    finally:
        for client in clients:
            client.close()
    wait_until_back_at(engine, before)


def test_the_end_of_the_engine_is_quick_with_clients(own_engine):
    own_engine.docker("run", "-d", "--name", "cc", "busybox", "sleep", "1000")
    followers = [own_engine.popen("docker", *words) for words in
                 (("logs", "-f", "cc"), ("events",), ("wait", "cc"))]
    idle = [socket.socket(socket.AF_UNIX) for _ in range(50)]
    for client in idle:
        client.connect(str(own_engine.socket))
    time.sleep(0.5)
    begin = time.monotonic()
    own_engine.stop()
    assert time.monotonic() - begin < 3
    for follower in followers:
        follower.wait(10)
    for client in idle:
        client.close()
    own_engine.start()
    assert own_engine.inspect("cc", "{{.State.Status}}") == "running"
