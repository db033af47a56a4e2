# SPDX-License-Identifier: Apache-2.0
"""`hull registry serve --mirror`: a pull-through cache, with another hull registry (or one that lies) as the upstream."""
import concurrent.futures
import hashlib
import http.client
import http.server
import os
import threading
import time

import pytest

from hull_registry import MANIFEST, digest_of, make_password_file, new_registry, with_query  # noqa: F401


@pytest.fixture
def pair(new_registry):
    upstream = new_registry()
    return upstream, new_registry("--mirror", f"http://{upstream.address}")


def counted(server, text):
    return sum(text in line for line in server.log.read_text().splitlines())


def pull(server, name, tag):
    """What a client does; gives the manifest's text and all layers."""
    manifest = server.request("GET", f"/v2/{name}/manifests/{tag}")
    assert manifest.status == 200, manifest.body
    layers = [server.request("GET", f"/v2/{name}/blobs/{layer['digest']}") for layer in manifest.json()["layers"]]
    assert all(layer.status == 200 for layer in layers)
    return manifest.body, [layer.body for layer in layers]


def test_what_was_pulled_once_needs_no_upstream(pair):
    upstream, mirror = pair
    layer = os.urandom(3_000_000)
    digest = upstream.push_image("library/app", "1", layer=layer)
    first = pull(mirror, "library/app", "1")
    assert digest_of(first[0]) == digest and first[1] == [layer]
    assert pull(mirror, "library/app", "1") == first
    assert counted(upstream, f'GET "/v2/library/app/blobs/{digest_of(layer)}"') == 1
    upstream.stop()
    assert pull(mirror, "library/app", "1") == first
    assert pull(mirror, "library/app", digest) == first
    assert mirror.request("GET", "/v2/library/app/tags/list").json()["tags"] == ["1"]
    unknown = mirror.request("GET", "/v2/library/app/manifests/2")
    assert unknown.status == 502 and unknown.code() == "UNKNOWN"


def test_a_tag_that_moves_is_followed(pair):
    upstream, mirror = pair
    upstream.push_image("moving", "latest", layer=b"old")
    assert pull(mirror, "moving", "latest")[1] == [b"old"]
    upstream.push_image("moving", "latest", layer=b"new")
    upstream.push_image("moving", "other", layer=b"new")
    assert pull(mirror, "moving", "latest")[1] == [b"new"]
    assert mirror.request("GET", "/v2/moving/tags/list").json()["tags"] == ["latest", "other"]
    upstream.request("DELETE", "/v2/moving/manifests/latest")
    gone = mirror.request("GET", "/v2/moving/manifests/latest")
    assert gone.status == 404 and gone.code() == "MANIFEST_UNKNOWN"


def test_heads_and_ranges_of_what_is_not_here_yet(pair):
    upstream, mirror = pair
    data = os.urandom(2_000_000)
    digest = upstream.push_blob("a/b", data)
    head = mirror.request("HEAD", f"/v2/a/b/blobs/{digest}")
    assert head.status == 200 and head.headers["Content-Length"] == str(len(data)) and head.headers["Docker-Content-Digest"] == digest
    assert mirror.blobs_on_disk() == []
    part = mirror.request("GET", f"/v2/a/b/blobs/{digest}", headers={"Range": "bytes=1000000-1000099"})
    assert part.status == 206 and part.body == data[1_000_000:1_000_100]
    assert mirror.request("GET", f"/v2/a/b/blobs/{digest}").body == data
    missing = mirror.request("GET", "/v2/a/b/blobs/sha256:" + "0" * 64)
    assert missing.status == 404


def test_many_clients_want_one_blob_and_it_comes_once(pair):
    upstream, mirror = pair
    data = os.urandom(20_000_000)
    digest = upstream.push_blob("wanted", data)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: mirror.request("GET", f"/v2/wanted/blobs/{digest}"), range(16)))
    assert all(hashlib.sha256(answer.body).hexdigest() == digest[7:] for answer in answers)
    assert counted(upstream, f'GET "/v2/wanted/blobs/{digest}"') == 1
    assert list(mirror.root.glob("repositories/wanted/_uploads/*")) == []


def test_nobody_pushes_to_a_mirror(pair):
    _, mirror = pair
    for method, path in [("POST", "/v2/a/blobs/uploads/"), ("PUT", "/v2/a/manifests/1"), ("DELETE", "/v2/a/manifests/1")]:
        answer = mirror.request(method, path, b"{}")
        assert (answer.status, answer.code()) == (405, "UNSUPPORTED")


def test_credentials_for_the_upstream(new_registry, tmp_path):
    upstream = new_registry("--htpasswd", make_password_file(tmp_path / "htpasswd", alice="secret"), user=("alice", "secret"))
    upstream.push_image("private", "1", layer=b"secret layer")
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text("alice:secret\n")
    wrong.write_text("alice:no\n")
    mirror = new_registry("--mirror", f"http://{upstream.address}", "--mirror-auth", right)
    assert pull(mirror, "private", "1")[1] == [b"secret layer"]
    refused = new_registry("--mirror", f"http://{upstream.address}", "--mirror-auth", wrong)
    answer = refused.request("GET", "/v2/private/manifests/1")
    assert (answer.status, answer.code()) == (403, "DENIED")


def test_cached_images_go_when_nobody_asks_for_them(new_registry):
    upstream = new_registry()
    upstream.push_image("seldom", "1", layer=b"seldom layer")
    mirror = new_registry("--mirror", f"http://{upstream.address}", "--mirror-keep", "1s", "--gc-grace", "1s",
                          "--gc-interval", "300ms")
    pull(mirror, "seldom", "1")
    assert mirror.blobs_on_disk()
    deadline = time.monotonic() + 15
    while mirror.blobs_on_disk() or list(mirror.root.glob("repositories/*")):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert pull(mirror, "seldom", "1")[1] == [b"seldom layer"]


class Liar(http.server.BaseHTTPRequestHandler):
    """An upstream whose blobs have the right length and the wrong content."""
    protocol_version = "HTTP/1.1"
    size = 500_000

    def do_GET(self):
        body = b"{}" if self.path == "/v2/" else b"x" * self.size
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


def test_a_wrong_content_is_never_complete_and_never_kept(new_registry):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Liar)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        mirror = new_registry("--mirror", f"http://127.0.0.1:{server.server_port}")
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            mirror.request("GET", f"/v2/a/blobs/{digest_of(b'truth')}")
        assert mirror.blobs_on_disk() == []
        assert list(mirror.root.glob("repositories/a/_uploads/*")) == []
        mirror.wait_for_log("does not come from the upstream")
    finally:
        server.shutdown()
        server.server_close()
