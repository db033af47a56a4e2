# SPDX-License-Identifier: Apache-2.0
"""docker pull from real and from faulty registries."""
import base64
import contextlib
import gzip
import io
import json
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import tarfile
import threading
import time

import pytest

from registry_peers import (DOCKER_LAYER, OCI_LAYER, DebianRegistry, FakeRegistry, Image, digest_of, layer_tar)

RANDOM = random.Random(7).randbytes(3 << 20)  # does not compress: its blobs are large; the same in every run


@pytest.fixture
def registry():
    fake = FakeRegistry()
    yield fake
    fake.close()


@pytest.fixture(scope="module")
def busybox_layer(busybox):
    """A layer that runs, and is not the one of the engine's own busybox."""
    return busybox.read_bytes()[:-1024] + layer_tar({"pulled": b"x"})


@pytest.fixture(autouse=True)
def no_images_left(engine):
    """Every test begins and ends with busybox alone, and after it nothing of an image is left in the data root."""
    yield
    ids = set(engine.docker("images", "-aq", "--no-trunc").stdout.split()) - {engine.inspect("busybox", "{{.Id}}")}
    engine.remove_containers()
    if ids:
        engine.docker("rmi", "-f", *ids)
    deadline = time.monotonic() + 10
    while left := leftovers(engine, 1):
        assert time.monotonic() < deadline, (left, [(p, p.read_bytes()[:300]) for p in left if p.is_file()], engine.docker("images", "-a").stdout)
        time.sleep(0.05)


def leftovers(engine, layers):
    incoming = [p for p in (engine.data / "incoming").iterdir() if (p.name != "trash" or list(p.iterdir())) and not p.name.startswith("ready-")]
    blobs, kept = list((engine.data / "blobs/sha256").iterdir()), list((engine.data / "layers").iterdir())
    return [*incoming, *blobs[layers:], *kept[layers:]] if incoming or len(blobs) > layers or len(kept) > layers else []


def progress(engine, path, **headers):
    """POST with curl: the status, and the JSON objects of the answer."""
    arguments = ["curl", "-s", "--unix-socket", engine.socket, "-X", "POST", "-w", "\n%{http_code}", f"http://x/v1.47{path}"]
    for name, value in headers.items():
        arguments += ["-H", f"{name.replace('_', '-')}: {value}"]
    output = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=120).stdout
    body, _, status = output.rpartition("\n")
    return int(status), [json.loads(line) for line in body.splitlines() if line.strip()]


def test_an_image_is_pulled_and_runs(cli, registry, busybox_layer):
    top = layer_tar({"hello": b"from the registry\n", "bin/.wh.false": b""})
    image = Image([busybox_layer, top])
    name = registry.add("some/image", "v1", image)
    output = cli("pull", name).stdout
    assert f"Digest: {image.digest}" in output and f"Status: Downloaded newer image for {name}" in output
    assert cli("run", "--rm", name, "sh", "-c", "cat /hello; ls /bin/false", check=False).stdout == "from the registry\n"
    inspected = json.loads(cli.engine.docker("inspect", name).stdout)[0]
    assert inspected["Id"] == image.id
    assert inspected["RepoTags"] == [name]
    assert inspected["RepoDigests"] == [f"{name.rpartition(':')[0]}@{image.digest}"]
    blobs = registry.count("GET", "/blobs/")
    assert f"Status: Image is up to date for {name}" in cli("pull", name).stdout
    assert registry.count("GET", "/blobs/") == blobs
    assert cli("pull", "-q", name).stdout.strip() == name
    # By digest; and the layers that two images share come once.
    cli("pull", f"{registry.host}/some/image@{image.digest}")
    other = Image([busybox_layer, layer_tar({"other": b"x"})])
    cli("pull", registry.add("other", "latest", other))
    assert registry.count("GET", image.layers[0]["digest"]) == 1


def test_run_pulls_what_is_missing(cli, registry, busybox_layer):
    name = registry.add("run", "latest", Image([busybox_layer]))
    result = cli("run", "--rm", name, "echo", "here")
    assert result.stdout == "here\n" and f"Unable to find image '{name}' locally" in result.stderr
    cli("rmi", name)
    assert cli("run", "--rm", "--pull", "never", name, "true", check=False).returncode == 125
    cli("run", "--rm", "--pull", "missing", name, "true")
    newer = registry.add("run", "latest", Image([busybox_layer], config={"Env": ["A=newer"]}))
    assert cli("run", "--rm", name, "sh", "-c", "echo $A").stdout == "\n"
    assert cli("run", "--rm", "--pull", "always", newer, "sh", "-c", "echo $A").stdout.endswith("newer\n")


def test_messages_and_statuses_are_dockers(engine, registry, busybox_layer):
    image = Image([busybox_layer, layer_tar({"a": b"a"})])
    registry.add("m", "t", image)
    status, objects = progress(engine, f"/images/create?fromImage={registry.host}%2Fm&tag=t")
    assert status == 200
    assert objects[0] == {"status": "Pulling from m", "progressDetail": {}, "id": "t"}
    for layer in image.layers:
        states = [o["status"] for o in objects if o.get("id") == layer["digest"][7:19]]
        assert states[0] == "Pulling fs layer" and states[-1] == "Pull complete" and "Download complete" in states
    assert [o["status"] for o in objects[-2:]] == [f"Digest: {image.digest}", f"Status: Downloaded newer image for {registry.host}/m:t"]
    # Nothing was sent before these errors, so they have a status; docker-py reads the text.
    status, objects = progress(engine, f"/images/create?fromImage={registry.host}%2Fm&tag=none")
    assert status == 404 and objects[0]["message"] == f"manifest for {registry.host}/m:none not found: manifest unknown: manifest unknown"
    assert progress(engine, "/images/create?fromImage=UPPER&tag=x")[0] == 400
    assert progress(engine, f"/images/create?fromImage=m&tag=t&platform=a/b/c/d")[0] == 400
    # This one comes in the middle.
    del registry.blobs[image.layers[1]["digest"]]
    engine.docker("rmi", f"{registry.host}/m:t")
    status, objects = progress(engine, f"/images/create?fromImage={registry.host}%2Fm&tag=t")
    assert status == 200 and "blob unknown" in objects[-1]["error"] and objects[-1]["errorDetail"]["message"] == objects[-1]["error"]


@pytest.mark.parametrize("compress,layer_type", [
    (lambda tar: tar, OCI_LAYER), (lambda tar: subprocess.run(["zstd", "-q"], input=tar, capture_output=True, check=True).stdout, OCI_LAYER + "+zstd"),
    (lambda tar: gzip.compress(tar[:5000]) + gzip.compress(tar[5000:]), DOCKER_LAYER),
    (lambda tar: b"\x50\x2a\x4d\x18\x04\x00\x00\x00skip" + subprocess.run(["zstd", "-q"], input=tar, capture_output=True, check=True).stdout
     + b"\x51\x2a\x4d\x18\x02\x00\x00\x00ok", OCI_LAYER + "+zstd")])
def test_every_compression(engine, registry, busybox_layer, compress, layer_type):
    image = Image([busybox_layer, layer_tar({"x": b"x"})], compress=compress, layer_type=layer_type)
    name = registry.add("c", "latest", image)
    engine.docker("pull", name)
    assert engine.docker("run", "--rm", name, "cat", "/x").stdout == "x"


@pytest.mark.parametrize("docker", [False, True])
def test_the_platform_that_fits_best_is_taken(engine, registry, busybox_layer, docker):
    platforms = [("s390x", None), ("arm", "v6"), ("arm", "v7"), ("arm64", None), ("amd64", None), ("386", None)]
    images = [(Image([busybox_layer], architecture=a, variant=v, docker=docker),
               {"os": "linux", "architecture": a, **({"variant": v} if v else {})}) for a, v in platforms]
    images.append((Image([busybox_layer]), {"os": "unknown", "architecture": "unknown"}))
    name = registry.add_index("p", "latest", images, docker)
    by_platform = {p: image.id for p, (image, _) in zip(platforms, images)}
    for asked, got in [(None, ("amd64", None)), ("linux/arm/v7", ("arm", "v7")), ("linux/arm/v6", ("arm", "v6")),
                       ("linux/arm/v8", ("arm", "v7")), ("linux/arm64/v8", ("arm64", None)), ("amd64", ("amd64", None))]:
        engine.docker("pull", *(["--platform", asked] if asked else []), name)
        assert engine.inspect(name, "{{.Id}}") == by_platform[got], asked
        index = registry.tags["p"]["latest"]
        assert engine.inspect(name, "{{.RepoDigests}}") == f"[{registry.host}/p@{index}]"
    refused = engine.docker("pull", "--platform", "linux/arm/v5", name, check=False)
    assert "no matching manifest for linux/arm/v5 in the manifest list entries" in refused.stderr


def test_all_tags(cli, registry, busybox_layer):
    for tag in ("one", "two"):
        registry.add("all", tag, Image([busybox_layer], config={"Env": [f"T={tag}"]}))
    cli("pull", "-a", f"{registry.host}/all")
    tags = cli.engine.docker("images", "--format", "{{.Tag}}", f"{registry.host}/all").stdout.split()
    assert sorted(tags) == ["one", "two"]


def cut_off(registry, at, times):
    """The first answers with a blob end after `at` bytes."""
    left = [times]

    def fault(request):
        digest = request.path.rsplit("/", 1)[1]
        blob = registry.blobs.get(digest, b"")
        if "/blobs/" not in request.path or len(blob) < 1 << 20 or not left[0]:
            return False
        left[0] -= 1
        wanted = request.headers.get("Range")
        start = int(wanted.removeprefix("bytes=").split("-")[0]) if wanted and registry.ranges else 0
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(blob) - 1}/{len(blob)}")
        request.send_header("Content-Length", str(len(blob) - start))
        request.end_headers()
        request.wfile.write(blob[start:start + at])
        request.wfile.flush()
        request.connection.shutdown(1)
        request.close_connection = True
        return True
    registry.fault = fault


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_download_goes_on_where_it_broke(engine, registry, busybox_layer, ranges):
    image = Image([busybox_layer, layer_tar({"big": RANDOM})])
    name = registry.add("cut", "latest", image)
    registry.ranges = ranges
    cut_off(registry, 1 << 20, 2)
    engine.docker("pull", name)
    assert engine.docker("run", "--rm", name, "sha256sum", "/big").stdout.split()[0] == digest_of(RANDOM)[7:]
    with registry.lock:
        starts = [h["Range"] for h in registry.headers_seen if "Range" in h]
    # The end of what was sent before a connection broke can be lost with it.
    assert starts and "bytes=0-" not in starts and starts == sorted(starts, key=lambda text: int(text[6:-1]))


def test_a_registry_that_is_busy_is_asked_again(engine, registry, busybox_layer):
    name = registry.add("busy", "latest", Image([busybox_layer]))
    statuses = [429, 503, 500, 429]

    def fault(request):
        if not statuses:
            return False
        request.refuse(statuses.pop(), "TOOMANYREQUESTS", "slow down", Retry_After="0")
        return True
    registry.fault = fault
    engine.docker("pull", name)
    assert not statuses


def test_what_is_not_what_the_manifest_says_is_refused(engine, registry, busybox_layer):
    image = Image([busybox_layer, layer_tar({"big": RANDOM})])
    name = registry.add("bad", "latest", image)
    digest = image.layers[1]["digest"]
    good = registry.blobs[digest]
    damaged = good[:2000000] + bytes([good[2000000] ^ 1]) + good[2000001:]
    for content, words in [(damaged, "verification failed"), (good + b"more", "more than"), (good[:-5], "sends")]:
        registry.blobs[digest] = content
        refused = engine.docker("pull", name, check=False)
        assert refused.returncode == 1 and words in refused.stderr, refused.stderr
        assert engine.docker("images", "-q", name).stdout == ""
    # The right blob, but not the content that the configuration speaks of.
    registry.blobs[digest] = good
    lying = Image([busybox_layer, layer_tar({"big": RANDOM})])
    lying.manifest = lying.manifest.replace(digest.encode(), image.layers[0]["digest"].encode()).replace(
        b'"size": %d}]' % len(good), b'"size": %d}]' % len(registry.blobs[image.layers[0]["digest"]]))
    lying.digest = digest_of(lying.manifest)
    refused = engine.docker("pull", registry.add("lying", "latest", lying), check=False)
    assert "layers from manifest don't match image configuration" in refused.stderr
    # A manifest that is not the one of its digest.
    registry.manifests[image.digest] = (image.media_type, image.manifest + b" ")
    refused = engine.docker("pull", f"{registry.host}/bad@{image.digest}", check=False)
    assert "manifest verification failed" in refused.stderr


def test_redirects_do_not_get_the_credential(engine, registry, busybox_layer):
    image = Image([busybox_layer])
    storage = FakeRegistry("127.0.0.2")
    try:
        storage.blobs.update(image.blobs)
        registry.add("r", "latest", image)
        registry.users = {"me": "secret"}

        def fault(request):
            if "/blobs/" not in request.path or not registry.allowed(request):
                return False
            request.answer(307, Location=f"http://{storage.host}{request.path}")
            return True
        registry.fault = fault
        auth = base64.urlsafe_b64encode(json.dumps({"username": "me", "password": "secret"}).encode()).decode()
        status, objects = progress(engine, f"/images/create?fromImage={registry.host}%2Fr&tag=latest", X_Registry_Auth=auth)
        assert status == 200 and "Downloaded" in objects[-1]["status"], objects
        assert storage.headers_seen and not any("Authorization" in h for h in storage.headers_seen)
    finally:
        storage.close()


@pytest.mark.parametrize("tokens", [False, True])
def test_a_login_opens_a_registry(cli, registry, busybox_layer, tokens):
    registry.users, registry.tokens = {"me": "secret"}, tokens
    name = registry.add("private", "latest", Image([busybox_layer]))
    denied = cli("pull", name, check=False)
    assert denied.returncode == 1 and "pull access denied" in denied.stderr and "docker login" in denied.stderr
    wrong = cli("login", "-u", "me", "--password-stdin", registry.host, input="wrong", check=False)
    assert wrong.returncode == 1
    if tokens:
        assert "unauthorized: " in wrong.stderr
    else:
        assert "no basic auth credentials" in denied.stderr and "/v2/ failed with status: 401 Unauthorized" in wrong.stderr
    assert "Login Succeeded" in cli("login", "-u", "me", "--password-stdin", registry.host, input="secret").stdout
    cli("pull", name)
    cli("logout", registry.host)
    cli("rmi", name)
    assert cli("pull", name, check=False).returncode == 1


@pytest.mark.parametrize("status, body, expected", [
    (401, b'{"errors":[{"code":"UNAUTHORIZED","message":"not you","detail":null}]}', "unauthorized: not you"),
    (401, b'{"error":"unauthorized"}', "unauthorized: authentication required"),
    (429, b'{"errors":[{"code":"TOOMANYREQUESTS","message":"out of tokens"}]}', "toomanyrequests: out of tokens"),
    (403, b"no way", "error parsing HTTP 403 response body: "),
    (200, b'{"something":"wrong"}', "authorization server did not include a token in the response")])
def test_what_a_token_server_says_is_passed_on(engine, registry, busybox_layer, status, body, expected):
    registry.users, registry.tokens = {"me": "secret"}, True
    name = registry.add("private", "latest", Image([busybox_layer]))

    def fault(request):
        if not request.path.startswith("/token"):
            return False
        request.answer(status, body)
        return True
    registry.fault = fault
    result = engine.docker("pull", name, check=False)
    assert result.returncode == 1 and expected in result.stderr, result.stderr


def test_an_identity_token_is_turned_into_a_token(engine, registry, busybox_layer):
    registry.users, registry.tokens = {"me": "secret"}, True
    registry.add("private", "latest", Image([busybox_layer]))
    auth = base64.urlsafe_b64encode(json.dumps({"identitytoken": "an-identity"}).encode()).decode().rstrip("=")
    status, objects = progress(engine, f"/images/create?fromImage={registry.host}%2Fprivate&tag=latest", X_Registry_Auth=auth)
    assert status == 200 and "Downloaded" in objects[-1]["status"]
    assert progress(engine, f"/images/create?fromImage={registry.host}%2Fprivate&tag=latest", X_Registry_Auth="rubbish!")[0] == 404


def test_two_pulls_fetch_a_layer_once(engine, registry, busybox_layer):
    shared = layer_tar({"big": RANDOM})
    images = [Image([busybox_layer, shared, layer_tar({"n": b"%d" % n})]) for n in range(3)]
    names = [registry.add(f"two{n}", "latest", image) for n, image in enumerate(images)]
    slow = threading.Event()

    def fault(request):
        if request.path.endswith(images[0].layers[1]["digest"]):
            slow.wait(1)
        return False
    registry.fault = fault
    pulls = [engine.popen("docker", "pull", "-q", name, stdout=subprocess.PIPE) for name in names]
    assert [pull.wait(60) for pull in pulls] == [0, 0, 0]
    for pull in pulls:
        pull.stdout.close()
    for layer in images[0].layers[:2]:
        assert registry.count("GET", layer["digest"]) == 1
    for n, name in enumerate(names):
        assert engine.docker("run", "--rm", name, "cat", "/n").stdout == str(n)


def test_a_client_that_goes_away_ends_its_pull_but_not_that_of_others(engine, registry, busybox_layer):
    image = Image([busybox_layer, layer_tar({"big": RANDOM})])
    name = registry.add("gone", "latest", image)
    go_on, asked = threading.Event(), threading.Event()

    def fault(request):
        if request.path.endswith(image.layers[1]["digest"]):
            asked.set()
            go_on.wait(20)
        return False
    registry.fault = fault
    first = engine.popen("docker", "pull", name, stdout=subprocess.DEVNULL)
    assert asked.wait(20)
    second = engine.popen("docker", "pull", name, stdout=subprocess.DEVNULL)
    time.sleep(0.3)
    first.kill()
    first.wait()
    time.sleep(0.3)
    go_on.set()
    assert second.wait(60) == 0
    assert registry.count("GET", image.layers[1]["digest"]) == 1
    # The last one takes the download with it.
    engine.docker("rmi", name)
    asked.clear()
    go_on.clear()
    third = engine.popen("docker", "pull", name, stdout=subprocess.DEVNULL)
    assert asked.wait(20)
    third.kill()
    third.wait()
    deadline = time.monotonic() + 10
    while leftovers(engine, 1):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    go_on.set()


def test_events(engine, registry, busybox_layer):
    name = registry.add("events", "latest", Image([busybox_layer]))
    since = time.time()
    engine.docker("pull", name)
    events = [json.loads(line) for line in engine.docker("events", "--since", f"{since:.6f}", "--until", f"{time.time() + 0.5:.6f}", "--format", "{{json .}}").stdout.splitlines()]
    assert [(e["Action"], e["Actor"]["ID"], e["Actor"]["Attributes"]["name"]) for e in events if e["Type"] == "image"] == [
        ("pull", name, f"{registry.host}/events")]


def test_debians_registry(cli, busybox, tmp_path):
    registry = DebianRegistry(tmp_path / "registry").start()
    try:
        cli("run", "--name", "made", "busybox", "touch", "/made")
        cli("commit", "made", "made:1")
        identifier = cli.engine.inspect("made:1", "{{.Id}}")
        cli("save", "-o", tmp_path / "busybox.tar", "made:1")
        cli("rm", "made")
        cli("rmi", "made:1")
        subprocess.run(["skopeo", "--insecure-policy", "copy", "-q", "--dest-tls-verify=false", f"docker-archive:{tmp_path}/busybox.tar",
                        f"docker://{registry.host}/a/busybox:1"], check=True, capture_output=True)
        cli("pull", f"{registry.host}/a/busybox:1")
        assert cli("run", "--rm", f"{registry.host}/a/busybox:1", "echo", "runs").stdout == "runs\n"
        assert cli.engine.inspect(f"{registry.host}/a/busybox:1", "{{.Id}}") == identifier
        missing = cli("pull", f"{registry.host}/nothing", check=False)
        assert missing.returncode == 1 and "not found" in missing.stderr
    finally:
        registry.close()
        cli("rmi", f"{registry.host}/a/busybox:1", check=False)


def test_an_engine_that_is_killed_leaves_nothing(own_engine, registry, busybox_layer):
    image = Image([busybox_layer, layer_tar({"big": RANDOM})])
    name = registry.add("killed", "latest", image)
    for at in (0, 100000, 2500000):
        asked, go_on = threading.Event(), threading.Event()

        def fault(request, at=at, asked=asked, go_on=go_on):
            if not request.path.endswith(image.layers[1]["digest"]):
                return False
            blob = registry.blobs[image.layers[1]["digest"]]
            request.send_response(200)
            request.send_header("Content-Length", str(len(blob)))
            request.end_headers()
            request.wfile.write(blob[:at])
            request.wfile.flush()
            asked.set()
            go_on.wait(20)
            request.close_connection = True
            return True
        registry.fault = fault
        pull = own_engine.popen("docker", "pull", name, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert asked.wait(20)
        time.sleep(0.1)
        own_engine.crash()
        go_on.set()
        pull.wait()
        own_engine.start()
        assert own_engine.docker("images", "-q", name).stdout == ""
        assert not leftovers(own_engine, 1)
    registry.fault = lambda request: False
    own_engine.docker("pull", name)
    assert own_engine.docker("run", "--rm", name, "sha256sum", "/big").stdout.split()[0] == digest_of(RANDOM)[7:]
    own_engine.docker("rmi", name)


def test_mirrors(own_engine, registry, busybox_layer):
    """A mirror of one registry by name; what it lacks comes from the registry, and the login is not for it."""
    mirror = FakeRegistry("127.0.0.3")
    try:
        here, both = Image([busybox_layer]), Image([busybox_layer, layer_tar({"b": b"b"})])
        mirror.add("x", "mirrored", here)
        registry.add("x", "only", both)
        hub = Image([busybox_layer], config={"Env": ["FROM=hub"]})
        mirror.add("library/nice", "latest", hub)
        own_engine.stop()
        own_engine.start("--registry-mirror", f"{registry.host}=http://{mirror.host}", "--registry-mirror", f"http://{mirror.host}/")
        own_engine.docker("pull", f"{registry.host}/x:mirrored")
        assert registry.count("GET", "/blobs/") == 0 and mirror.count("GET", f"ns=127.0.0.1%3A{registry.port}") >= 2
        own_engine.docker("pull", f"{registry.host}/x:only")
        assert own_engine.inspect(f"{registry.host}/x:only", "{{.Id}}") == both.id
        own_engine.docker("pull", "nice")
        assert own_engine.inspect("nice:latest", "{{.Id}}") == hub.id
        assert own_engine.inspect("nice:latest", "{{.RepoDigests}}") == f"[nice@{hub.digest}]"
    finally:
        mirror.close()
        own_engine.docker("rmi", "nice", f"{registry.host}/x:only", f"{registry.host}/x:mirrored", check=False)


def certificates(directory, address):
    """A private authority, and certificates of a server at this address and of a client."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=authority", "-days", "2", "-keyout", "ca.key", "-out", "ca.crt")
    for name, extension in (("server", f"subjectAltName=IP:{address}"), ("client", "extendedKeyUsage=clientAuth")):
        (directory / "ext").write_text(extension)
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "ext", "-out", f"{name}.crt")


def test_private_authority_and_client_certificate(own_engine, tmp_path):
    """certs.d of a registry that is not on the loopback: only with its authority and our key it opens."""
    address = own_engine.bip.split("/")[0]
    deadline = time.monotonic() + 10
    while address not in subprocess.run(["ip", "addr", "show", own_engine.bridge], capture_output=True, text=True).stdout:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    certificates(tmp_path, address)
    registry = DebianRegistry(tmp_path / "registry", address=address, tls=(
        f"certificate: {tmp_path}/server.crt, key: {tmp_path}/server.key, clientcas: [{tmp_path}/ca.crt]")).start()
    directory = pathlib.Path(f"/etc/hull/certs.d/{registry.host}")
    name = f"{registry.host}/x:1"
    try:
        own_engine.docker("tag", "busybox", name)
        refused = own_engine.docker("push", name, check=False)
        assert refused.returncode == 1 and "certificate" in refused.stderr, refused.stderr
        directory.mkdir(parents=True)
        shutil.copy(tmp_path / "ca.crt", directory / "ca.crt")
        assert own_engine.docker("push", name, check=False).returncode == 1
        shutil.copy(tmp_path / "client.crt", directory / "client.cert")
        assert "missing key" in own_engine.docker("push", name, check=False).stderr
        shutil.copy(tmp_path / "client.key", directory / "client.key")
        own_engine.docker("push", name)
    finally:
        registry.close()
        shutil.rmtree(directory, ignore_errors=True)
        for parent in (directory.parent, directory.parent.parent):  # only when they are empty
            with contextlib.suppress(OSError):
                parent.rmdir()
        own_engine.docker("rmi", name, check=False)


def test_bombs_and_hostile_names(engine, registry, busybox_layer):
    """What unpacks to thousands of times its size, and names that lead out, are refused; nothing of them is left."""
    header = tarfile.TarInfo("zeros")
    header.size = 4 << 30
    packer = subprocess.Popen(["zstd", "-q", "-3"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def feed():
        with packer.stdin as pipe:
            pipe.write(header.tobuf())
            for _ in range(4096 + 1):
                pipe.write(bytes(1 << 20))
    threading.Thread(target=feed).start()
    blob = packer.stdout.read()
    packer.wait()
    bomb = Image([b""], compress=lambda _: blob, layer_type=OCI_LAYER + "+zstd")
    refused = engine.docker("pull", registry.add("bomb", "latest", bomb), check=False)
    assert refused.returncode == 1 and "decompression bomb" in refused.stderr
    for name in ("../../escape", "a/../../escape"):
        refused = engine.docker("pull", registry.add("escape", "latest", Image([layer_tar({name: b"x"})])), check=False)
        assert refused.returncode == 1 and "leads out" in refused.stderr
    # Absolute names and links are confined: they stay inside of the layer.
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for link, target in (("out", "/etc"), ("up", "../../../../../..")):
            info = tarfile.TarInfo(link)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
        for name in ("out/hull-test-escape", "up/hull-test-escape", "/hull-test-escape"):
            info = tarfile.TarInfo(name)
            info.size = 1
            tar.addfile(info, io.BytesIO(b"x"))
    engine.docker("pull", registry.add("confined", "latest", Image([busybox_layer, buffer.getvalue()])))
    assert not os.path.exists("/etc/hull-test-escape") and not os.path.exists("/hull-test-escape")


def test_search(cli, registry):
    def fault(request):
        if not request.path.startswith("/v1/search"):
            return False
        request.answer(200, json.dumps({"results": [
            {"name": "me/nice", "description": "A nice image\nreally", "star_count": 7, "is_official": False},
            {"name": "other", "description": "", "star_count": 0, "is_official": True}]}).encode())
        return True
    registry.fault = fault
    output = cli("search", f"{registry.host}/nice", "--limit", "10").stdout
    assert "me/nice" in output and "A nice image really" in output and "other" in output
    assert registry.count("GET", "q=nice&n=10") == 1
    assert "me/nice" not in cli("search", "--filter", "is-official=true", f"{registry.host}/nice").stdout


def test_after_removing_everything_nothing_is_left(own_engine, registry, busybox_layer):
    for number in range(3):
        image = Image([busybox_layer, layer_tar({"n": b"%d" % number})], compress=[gzip.compress, lambda t: t, gzip.compress][number])
        own_engine.docker("pull", registry.add(f"all{number}", "latest", image))
    own_engine.docker("run", "--name", "made", f"{registry.host}/all1", "touch", "/x")
    own_engine.docker("commit", "made", f"{registry.host}/made:1")
    usage = own_engine.docker("system", "df", "--format", "{{.Type}} {{.TotalCount}} {{.Size}}").stdout
    assert "Images 5" in usage
    own_engine.docker("rm", "made")
    assert "Total reclaimed space" in own_engine.docker("image", "prune", "-af").stdout
    assert own_engine.docker("images", "-aq").stdout == ""
    deadline = time.monotonic() + 10
    while leftovers(own_engine, 0):
        assert time.monotonic() < deadline, leftovers(own_engine, 0)
        time.sleep(0.05)
    own_engine.stop()
    with contextlib.closing(sqlite3.connect(own_engine.data / "hull.db")) as database:
        for table in ("images", "image_layers", "image_references", "layers", "origins", "snapshots"):
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
    own_engine.start()


def test_after_a_power_cut_an_image_is_whole_or_absent(own_engine, registry, busybox_layer):
    names = [registry.add(f"cut{n}", "latest", Image([busybox_layer, layer_tar({"n": b"%d" % n, "data": RANDOM})])) for n in range(3)]
    for name in names:
        own_engine.docker("pull", name)
    ids = [own_engine.inspect(name, "{{.Id}}").removeprefix("sha256:") for name in names]
    digests = [own_engine.inspect(name, "{{index .RepoDigests 0}}").split("@")[1] for name in names]
    deadline = time.monotonic() + 30
    while list((own_engine.data / "unsynced").iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    own_engine.stop()
    # As if the machine had gone down before the files were written, and one of them had not been.
    for identifier in ids:
        (own_engine.data / "unsynced" / identifier).write_text("another boot\n")
    for path in (own_engine.data / "layers").glob("*/diff/n"):
        if path.read_bytes() == b"1":
            (path.parent / "data").write_bytes(bytes(len(RANDOM)))
    blobs = own_engine.data / "blobs/sha256"
    blob = json.loads(registry.manifests[digests[2]][1])["layers"][1]["digest"].removeprefix("sha256:")
    (blobs / blob).write_bytes(b"")
    for text in (ids[0], digests[0].removeprefix("sha256:")):  # configuration and manifest
        (blobs / text).write_bytes(b"")
    own_engine.start()
    assert own_engine.docker("images", "-q", names[0]).stdout
    assert not own_engine.docker("images", "-q", names[1]).stdout and not own_engine.docker("images", "-q", names[2]).stdout
    assert digest_of((blobs / ids[0]).read_bytes()) == f"sha256:{ids[0]}"
    assert not (blobs / digests[0].removeprefix("sha256:")).exists()
    assert not list((own_engine.data / "unsynced").iterdir())
    for name in names[1:]:
        own_engine.docker("pull", name)
        assert own_engine.docker("run", "--rm", name, "sha256sum", "/data").stdout.split()[0] == digest_of(RANDOM)[7:]
    own_engine.docker("rmi", *names)
