# SPDX-License-Identifier: Apache-2.0
"""Registries on loopback for the tests of pull and push: Debian's docker-registry, and one of our own that misbehaves as
it is told and counts what it is asked for."""
import base64
import collections
import gzip
import hashlib
import http.server
import io
import json
import socket
import subprocess
import tarfile
import threading
import time
import urllib.parse
import urllib.request

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def free_port(address="127.0.0.1"):
    with socket.socket() as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


class DebianRegistry:
    """docker-registry from Debian, private, on loopback (or another address of this machine)."""

    def __init__(self, directory, settings="", tls="", address="127.0.0.1"):
        self.directory, self.address, self.port, self.process = directory, address, free_port(address), None
        self.settings, self.tls = settings, f", tls: {{{tls}}}" if tls else ""
        directory.mkdir(parents=True, exist_ok=True)
        self.host = f"{address}:{self.port}"

    def start(self):
        configuration = self.directory / "config.yml"
        configuration.write_text(f"""version: 0.1
log: {{level: warn}}
storage:
  filesystem: {{rootdirectory: {self.directory}/data}}
  delete: {{enabled: true}}
http: {{addr: "{self.host}"{self.tls}}}
{self.settings}
""")
        log = open(self.directory / "log", "ab")
        self.process = subprocess.Popen(["docker-registry", "serve", configuration], stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection((self.address, self.port), 1).close()
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.directory / "log").read_text()[-2000:]) from None
                time.sleep(0.02)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def get(self, path, accept=OCI_MANIFEST + ", " + DOCKER_MANIFEST, **headers):
        request = urllib.request.Request(f"http://{self.host}{path}", headers={"Accept": accept, **headers})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.read(), dict(answer.headers)

    close = kill


def layer_tar(files):
    """A tar of {name: content}; directories have the content None."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.mtime = 1600000000
            if content is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(info)
            else:
                info.size, info.mode = len(content), 0o755
                tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


class Image:
    """An image as a registry has it: blobs by digest, and the manifest."""

    def __init__(self, tars, compress=lambda tar: gzip.compress(tar, 1, mtime=0), architecture="amd64", variant=None,
                 docker=False, layer_type=None, config=None):
        self.blobs, layers = {}, []
        for tar in tars:
            blob = compress(tar)
            self.blobs[digest_of(blob)] = blob
            media_type = layer_type or (DOCKER_LAYER if docker else OCI_LAYER + "+gzip")
            layers.append({"mediaType": media_type, "digest": digest_of(blob), "size": len(blob)})
        fields = {"architecture": architecture, "os": "linux", "config": {"Cmd": ["/bin/sh"], **(config or {})},
                  "rootfs": {"type": "layers", "diff_ids": [digest_of(tar) for tar in tars]}}
        if variant:
            fields["variant"] = variant
        self.config = json.dumps(fields).encode()
        self.id = digest_of(self.config)
        self.blobs[self.id] = self.config
        self.media_type = DOCKER_MANIFEST if docker else OCI_MANIFEST
        self.layers = layers
        self.manifest = json.dumps({
            "schemaVersion": 2, "mediaType": self.media_type,
            "config": {"mediaType": DOCKER_CONFIG if docker else OCI_CONFIG, "digest": self.id, "size": len(self.config)},
            "layers": layers}).encode()
        self.digest = digest_of(self.manifest)


def index_of(entries, docker=False):
    """The index of [(image, platform)]."""
    return json.dumps({"schemaVersion": 2, "mediaType": DOCKER_LIST if docker else OCI_INDEX, "manifests": [
        {"mediaType": image.media_type, "digest": image.digest, "size": len(image.manifest), "platform": platform}
        for image, platform in entries]}).encode()


class FakeRegistry:
    """A registry in memory. `fault(request)` is asked before each answer; when it returns true it has answered itself."""

    def __init__(self, host="127.0.0.1"):
        self.blobs, self.manifests, self.tags = {}, {}, collections.defaultdict(dict)
        self.requests, self.lock = [], threading.Lock()
        self.fault = lambda request: False
        self.users = None           # {name: password}: asks for a login
        self.tokens = False         # by a token server (else basic)
        self.ranges = True
        self.headers_seen = []
        self.uploads = {}
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self, status, body=b"", **headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def refuse(self, status, code, message, **headers):
                self.answer(status, json.dumps({"errors": [{"code": code, "message": message}]}).encode(),
                            Content_Type="application/json", **headers)

            def do_GET(self):
                registry.handle(self)

            do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *_):
                pass

        self.server = Server((host, 0), Handler)
        self.port = self.server.server_address[1]
        self.host = f"{host}:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def add(self, name, tag, image):
        self.blobs.update(image.blobs)
        self.manifests[image.digest] = (image.media_type, image.manifest)
        if tag:
            self.tags[name][tag] = image.digest
        return f"{self.host}/{name}:{tag}"

    def add_index(self, name, tag, entries, docker=False):
        for image, _ in entries:
            self.add(name, None, image)
        text = index_of(entries, docker)
        self.manifests[digest_of(text)] = (DOCKER_LIST if docker else OCI_INDEX, text)
        self.tags[name][tag] = digest_of(text)
        return f"{self.host}/{name}:{tag}"

    def count(self, method, part):
        with self.lock:
            return sum(1 for m, path in self.requests if m == method and part in path)

    def allowed(self, request):
        if self.users is None:
            return True
        header = request.headers.get("Authorization", "")
        if self.tokens:
            return header == "Bearer a-token"
        name, _, password = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":") if header else ("", "", "")
        return self.users.get(name) == password and name != ""

    def handle(self, request):
        with self.lock:
            self.requests.append((request.command, request.path))
            self.headers_seen.append(dict(request.headers))
        if self.fault(request):
            return
        url = urllib.parse.urlsplit(request.path)
        parts = url.path.strip("/").split("/")
        if parts[0] == "token":
            return self.give_token(request)
        if not self.allowed(request):
            challenge = (f'Bearer realm="http://{self.host}/token",service="fake",scope="repository:x:pull"' if self.tokens
                         else 'Basic realm="fake"')
            return request.refuse(401, "UNAUTHORIZED", "authentication required", WWW_Authenticate=challenge)
        if parts == ["v2"]:
            return request.answer(200, b"{}")
        if parts[-2:] == ["tags", "list"]:
            name = "/".join(parts[1:-2])
            body = json.dumps({"name": name, "tags": sorted(self.tags[name])}).encode()
            return request.answer(200, body) if name in self.tags else request.refuse(404, "NAME_UNKNOWN", "unknown")
        if parts[-2] == "manifests":
            return self.give_manifest(request, "/".join(parts[1:-2]), parts[-1])
        if parts[-2] == "blobs" and request.command in ("GET", "HEAD"):
            return self.give_blob(request, parts[-1])
        return request.refuse(405, "UNSUPPORTED", "the operation is unsupported")

    def give_token(self, request):
        header = request.headers.get("Authorization", "")
        if request.command == "POST":
            form = urllib.parse.parse_qs(request.rfile.read(int(request.headers["Content-Length"])).decode())
            if form.get("refresh_token") == ["an-identity"]:
                return request.answer(200, b'{"access_token":"a-token","expires_in":300}')
            return request.answer(401, b"{}")
        given = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":") if header else ("", "", "")
        if self.users.get(given[0]) != given[2]:
            return request.answer(401, b"{}")
        return request.answer(200, b'{"token":"a-token","expires_in":300}')

    def give_manifest(self, request, name, reference):
        digest = reference if reference.startswith("sha256:") else self.tags[name].get(reference)
        if digest not in self.manifests:
            return request.refuse(404, "MANIFEST_UNKNOWN", "manifest unknown")
        media_type, text = self.manifests[digest]
        return request.answer(200, text, Content_Type=media_type, Docker_Content_Digest=digest)

    def give_blob(self, request, digest):
        if digest not in self.blobs:
            return request.refuse(404, "BLOB_UNKNOWN", "blob unknown to registry")
        blob, wanted = self.blobs[digest], request.headers.get("Range")
        if wanted and self.ranges:
            start = int(wanted.removeprefix("bytes=").split("-")[0])
            return request.answer(206, blob[start:], Content_Range=f"bytes {start}-{len(blob) - 1}/{len(blob)}")
        return request.answer(200, blob)
