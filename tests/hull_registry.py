# SPDX-License-Identifier: Apache-2.0
"""A private `hull registry serve` for black-box tests, and a small client that says exactly what is meant."""
import base64
import functools
import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import tempfile
import time
import urllib.parse
import warnings

import pytest

from conftest import wait_until

BUILD = pathlib.Path(os.environ.get("HULL_BUILD", pathlib.Path(__file__).parent.parent / "build"))
HULL = str(BUILD / "bin" / "hull")
GO_TOOLS = {
    "conformance": "github.com/opencontainers/distribution-spec/conformance@v0.0.0-20260831232431-97274622c111",
    "crane": "github.com/google/go-containerregistry/cmd/crane@v0.22.1",
    "oras": "oras.land/oras/cmd/oras@v1.3.6",
}
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


@functools.cache
def _built_go_tool(name):
    """The path of the program, or "" and why there is none: nobody waits twice for a proxy that cannot be reached."""
    script = pathlib.Path(__file__).parent.parent / "scripts" / "fetch-go-tool"
    try:
        result = subprocess.run([script, BUILD / "go-tools", GO_TOOLS[name]], capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired:
        return "", "five minutes were not enough"
    if result.returncode != 0:
        return "", (result.stderr.strip().splitlines() or ["no reason given"])[-1]
    return result.stdout.strip(), ""


def go_tool(name):
    """The path of a program built from the Go module proxy; skips the test when it cannot be had."""
    path, reason = _built_go_tool(name)
    if not path:
        pytest.skip(f"{name} cannot be built: {reason}")
    return path


def digest_of(data, algorithm="sha256"):
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    def json(self):
        return json.loads(self.body)

    def code(self):
        """The code of the first error."""
        return self.json()["errors"][0]["code"]


class Registry:
    def __init__(self, *arguments, root=None, tls=None, user=None):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="hull-registry-"))
        self.root = pathlib.Path(root or self.directory / "root")
        self.log = self.directory / "log"
        self.arguments = arguments
        self.tls, self.user = tls, user
        self.process, self.port = None, 0

    def start(self):
        begin = self.log.stat().st_size if self.log.exists() else 0
        log = open(self.log, "ab")
        tls = ["--tls-cert", self.tls[0], "--tls-key", self.tls[1]] if self.tls else []
        self.process = subprocess.Popen(
            [BUILD / "bin" / "hull-registry", "serve", "--root", self.root, "--listen", f"127.0.0.1:{self.port}", *tls,
             *self.arguments], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while True:
            text = self.log.read_bytes()[begin:].decode()
            found = re.search(r"listens at https?://127\.0\.0\.1:(\d+)", text)
            if found and " serves " in text:
                self.port = int(found[1])
                return self
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("hull registry did not start:\n" + text[-4000:])
            time.sleep(0.01)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def connect(self, timeout=60):
        if self.tls:
            context = ssl.create_default_context(cafile=self.tls[0])
            context.check_hostname = False
            return http.client.HTTPSConnection(self.address, timeout=timeout, context=context)
        return http.client.HTTPConnection(self.address, timeout=timeout)

    def request(self, method, path, body=None, headers=None):
        """One request on a connection of its own. `path` may be a Location, with or without a host."""
        split = urllib.parse.urlsplit(path)
        target = split.path + ("?" + split.query if split.query else "")
        headers = dict(headers or {})
        if self.user and "Authorization" not in headers:
            headers["Authorization"] = "Basic " + base64.b64encode(":".join(self.user).encode()).decode()
        connection = self.connect()
        try:
            connection.request(method, target, body=body, headers=headers)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def begin(self, name, query=""):
        answer = self.request("POST", f"/v2/{name}/blobs/uploads/{query}")
        assert answer.status == 202, answer.body
        return answer.headers["Location"]

    def received(self, location):
        """How many bytes of an upload are there."""
        answer = self.request("GET", location)
        assert answer.status == 204
        return int(answer.headers["Range"].split("-")[1]) + 1

    def stuck_patch(self, location, data, size):
        """A PATCH of `data` whose client stops after `size` bytes: its connection, when nearly all of them have arrived."""
        connection = self.connect()
        connection.putrequest("PATCH", location)
        connection.putheader("Content-Length", str(len(data)))
        connection.endheaders()
        connection.send(data[:size])
        wait_until(lambda: self.received(location) >= size * 4 // 5)
        return connection

    def push_blob(self, name, data, algorithm="sha256"):
        digest = digest_of(data, algorithm)
        location = self.begin(name)
        answer = self.request("PUT", with_query(location, digest=digest), data)
        assert answer.status == 201, answer.body
        return digest

    def push_manifest(self, name, reference, manifest, media_type=MANIFEST):
        text = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
        answer = self.request("PUT", f"/v2/{name}/manifests/{reference}", text, {"Content-Type": media_type})
        assert answer.status == 201, answer.body
        return answer.headers["Docker-Content-Digest"]

    def push_image(self, name, tag, layer=b"layer", **more):
        """A small image; gives the digest of its manifest."""
        return self.push_manifest(name, tag, self.image(name, layer, **more))

    def image(self, name, layer=b"layer", **more):
        config = json.dumps({"architecture": "amd64", "os": "linux", "of": name}).encode()
        return {"schemaVersion": 2, "mediaType": MANIFEST,
                "config": descriptor("application/vnd.oci.image.config.v1+json", config, self.push_blob(name, config)),
                "layers": [descriptor("application/vnd.oci.image.layer.v1.tar", layer, self.push_blob(name, layer))],
                **more}

    def hull(self, *arguments, check=True):
        """`hull registry VERB --root <ours> …`"""
        verb, *rest = arguments
        result = subprocess.run([HULL, "registry", verb, "--root", self.root, *rest], capture_output=True, text=True)
        assert not check or result.returncode == 0, result.stderr
        return result

    def wait_for_log(self, pattern):
        """Requests are logged after they are answered."""
        wait_until(lambda: re.search(pattern, self.log.read_text()))

    def blobs_on_disk(self):
        return sorted(p.name for p in (self.root / "blobs").glob("*/*/*"))

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        assert self.process.wait(20) == 0, self.log.read_text()[-4000:]

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


def descriptor(media_type, data, digest=None):
    return {"mediaType": media_type, "size": len(data), "digest": digest or digest_of(data)}


def with_query(location, **parameters):
    return location + ("&" if "?" in location else "?") + urllib.parse.urlencode(parameters, safe=":")


def make_certificate(directory):
    """A self-signed certificate for 127.0.0.1: paths of certificate and key."""
    certificate, key = directory / "server.crt", directory / "server.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


def make_password_file(path, **users):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import crypt
    path.write_text("".join(f"{name}:{crypt.crypt(password, '$2y$05$' + 'abcdefghijklmnopqrstuu')}\n"
                            for name, password in users.items()))
    return path


@pytest.fixture(scope="module")
def registry():
    """A running registry, shared by the tests of one module: each uses repositories of its own."""
    server = Registry()
    try:
        yield server.start()
    finally:
        server.close()


@pytest.fixture
def new_registry():
    """Makes registries of this test alone: `new_registry("--read-only")`; not started when `started` is false."""
    made = []

    def make(*arguments, started=True, **options):
        server = Registry(*arguments, **options)
        made.append(server)
        return server.start() if started else server

    yield make
    for server in made:
        server.close()
