# SPDX-License-Identifier: Apache-2.0
"""docker push to Debian's docker-registry, and what others find there."""
import base64
import json
import os
import stat
import subprocess
import time
import urllib.error

import pytest

from registry_peers import DOCKER_MANIFEST, OCI_LAYER, OCI_MANIFEST, DebianRegistry, FakeRegistry, Image, digest_of, layer_tar


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    debian = DebianRegistry(tmp_path_factory.mktemp("registry")).start()
    yield debian
    debian.close()


@pytest.fixture(autouse=True)
def only_busybox(engine):
    yield
    engine.remove_containers()
    ids = set(engine.docker("images", "-aq", "--no-trunc").stdout.split()) - {engine.inspect("busybox", "{{.Id}}")}
    if ids:
        engine.docker("rmi", "-f", *ids)
    references = [line for line in engine.docker("images", "--digests", "--format", "{{.Repository}}@{{.Digest}} {{.Repository}}:{{.Tag}}").stdout.split()
                  if "127.0.0.1" in line and "<none>" not in line]
    for reference in references:
        engine.docker("rmi", reference, check=False)


def built(engine, name, content=b"pushed"):
    """An image of two layers that were never compressed."""
    engine.docker("run", "--name", "made", "busybox", "sh", "-c", f"echo {content.decode()} >/made; rm /bin/false")
    engine.docker("commit", "made", name)
    engine.docker("rm", "made")
    return name


def manifest_of(registry, path, reference):
    body, headers = registry.get(f"/v2/{path}/manifests/{reference}")
    assert headers["Docker-Content-Digest"] == digest_of(body)
    return json.loads(body), digest_of(body)


def test_an_image_is_pushed_and_comes_back(cli, registry):
    engine, path = cli.engine, f"made/{cli.name}"
    name = built(engine, f"{registry.host}/{path}:v1", os.urandom(8).hex().encode())
    output = cli("push", name).stdout
    manifest, digest = manifest_of(registry, path, "v1")
    assert f"The push refers to repository [{registry.host}/{path}]" in output
    assert f"v1: digest: {digest} size: " in output and output.count(": Pushed") + output.count("Layer already exists") + output.count("Mounted from") == 2
    assert manifest["mediaType"] == DOCKER_MANIFEST and len(manifest["layers"]) == 2
    assert manifest["config"]["digest"] == engine.inspect(name, "{{.Id}}")
    assert engine.inspect(name, "{{.RepoDigests}}") == f"[{registry.host}/{path}@{digest}]"
    # A second push finds everything.
    again = cli("push", name).stdout
    assert again.count("Layer already exists") == 2 and digest in again
    engine.docker("rmi", name)
    assert digest in cli("pull", name).stdout
    assert cli("run", "--rm", name, "sh", "-c", "test -s /made && ! test -e /bin/false").returncode == 0
    # What came from a registry goes to another place as the same bytes, under the same digest.
    elsewhere = f"{registry.host}/other/{cli.name}:v2"
    engine.docker("tag", name, elsewhere)
    moved = cli("push", elsewhere).stdout
    assert digest in moved and moved.count("Mounted from ") == 2
    assert cli("push", "-q", elsewhere).stdout.strip().endswith(elsewhere)


def test_the_same_layers_give_the_same_blobs(engine, registry, tmp_path):
    name = built(engine, f"{registry.host}/same:1")
    engine.docker("push", name)
    first = manifest_of(registry, "same", 1)
    other = DebianRegistry(tmp_path / "other").start()
    try:
        engine.docker("tag", name, f"{other.host}/same:1")
        engine.docker("push", f"{other.host}/same:1")
        assert manifest_of(other, "same", 1) == first
    finally:
        other.close()


def test_others_can_read_it(engine, registry, tmp_path):
    name = built(engine, f"{registry.host}/read:1")
    engine.docker("push", name)
    target = tmp_path / "oci"
    subprocess.run(["skopeo", "--insecure-policy", "copy", "-q", "--src-tls-verify=false", f"docker://{name}", f"oci:{target}:x"], check=True)
    subprocess.run(["umoci", "raw", "unpack", "--image", f"{target}:x", tmp_path / "files"], check=True, capture_output=True)
    assert (tmp_path / "files/made").read_bytes() == b"pushed\n"
    assert not (tmp_path / "files/bin/false").exists() and (tmp_path / "files/bin/true").is_symlink()


def test_all_tags(cli, registry):
    for tag in ("a", "b"):
        cli.engine.docker("tag", "busybox", f"{registry.host}/many-{cli.name}:{tag}")
    cli("push", "-a", f"{registry.host}/many-{cli.name}")
    tags = json.loads(registry.get(f"/v2/many-{cli.name}/tags/list")[0])["tags"]
    assert sorted(tags) == ["a", "b"]
    missing = cli("push", f"{registry.host}/nothing:here", check=False)
    assert missing.returncode == 1 and "An image does not exist locally with the tag" in missing.stderr


@pytest.mark.parametrize("compress,layer_type", [
    (lambda tar: tar, OCI_LAYER),
    (lambda tar: subprocess.run(["zstd", "-q"], input=tar, capture_output=True, check=True).stdout, OCI_LAYER + "+zstd")])
def test_a_pulled_image_keeps_its_digest(engine, registry, compress, layer_type):
    source = FakeRegistry()
    try:
        image = Image([layer_tar({"a": b"a" * 100000}), layer_tar({"b": b"b"})], compress=compress, layer_type=layer_type)
        name = source.add("kept", "1", image)
        engine.docker("pull", name)
        engine.docker("tag", name, f"{registry.host}/kept:1")
        assert image.digest in engine.docker("push", f"{registry.host}/kept:1").stdout
        body, headers = registry.get("/v2/kept/manifests/1")
        assert body == image.manifest and headers["Content-Type"] == OCI_MANIFEST
    finally:
        source.close()


def test_the_end_of_the_stream_tells_what_was_pushed(engine, registry):
    engine.docker("tag", "busybox", f"{registry.host}/aux:1")
    output = subprocess.run(["curl", "-s", "--unix-socket", engine.socket, "-X", "POST", "-H", "X-Registry-Auth: e30=",
                             f"http://x/v1.47/images/{registry.host}%2Faux/push?tag=1"], capture_output=True, text=True, check=True).stdout
    objects = [json.loads(line) for line in output.splitlines()]
    manifest, digest = manifest_of(registry, "aux", 1)
    assert objects[0] == {"status": f"The push refers to repository [{registry.host}/aux]"}
    assert objects[-1]["aux"]["Tag"] == "1" and objects[-1]["aux"]["Digest"] == digest and objects[-1]["aux"]["Size"] > 100


@pytest.fixture(scope="module")
def locked(tmp_path_factory):
    """A registry that wants to know who asks; its user is me, with the password secret."""
    directory = tmp_path_factory.mktemp("locked")
    crypted = subprocess.run([sys_python(), "-c", "import crypt; print(crypt.crypt('secret', crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)))"],
                             capture_output=True, text=True, check=True).stdout.strip()
    (directory / "htpasswd").write_text(f"me:{crypted}\n")
    debian = DebianRegistry(directory, f"auth: {{htpasswd: {{realm: here, path: {directory}/htpasswd}}}}").start()
    yield debian
    debian.close()


def sys_python():
    return "/usr/bin/python3"


def test_a_push_needs_a_login(cli, locked):
    name = f"{locked.host}/private-{cli.name}:1"
    cli.engine.docker("tag", "busybox", name)
    refused = cli("push", name, check=False)
    assert refused.returncode == 1 and "no basic auth credentials" in refused.stderr + refused.stdout or "authentication required" in refused.stderr
    cli("login", "-u", "me", "--password-stdin", locked.host, input="secret\n")
    cli("push", name)
    # The other command line reads the same login.
    other = "hull" if cli.name == "docker" else "docker"
    cli.engine.run(other, "push", name)
    assert "Removing login credentials" in cli("logout", locked.host).stdout
    assert cli("push", name, check=False).returncode == 1


def test_a_helper_keeps_the_login(engine, locked, tmp_path, monkeypatch):
    helper = tmp_path / "docker-credential-test"
    helper.write_text(f"""#!/bin/sh
echo "$1" >>{tmp_path}/verbs
case $1 in
store) cat >{tmp_path}/kept ;;
get) read server; [ -e {tmp_path}/kept ] && cat {tmp_path}/kept || {{ echo "credentials not found in native keychain"; exit 1; }} ;;
erase) rm -f {tmp_path}/kept ;;
esac
""")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    config = engine.directory / "config/config.json"
    config.parent.mkdir(exist_ok=True)
    config.write_text(json.dumps({"credHelpers": {locked.host: "test"}, "detachKeys": "ctrl-x"}))
    engine.hull("login", "-u", "me", "--password-stdin", locked.host, input="secret")
    kept = json.loads(config.read_text())
    assert kept["auths"] == {locked.host: {}} and kept["detachKeys"] == "ctrl-x"
    assert json.loads((tmp_path / "kept").read_text()) == {"ServerURL": locked.host, "Username": "me", "Secret": "secret"}
    name = f"{locked.host}/helped:1"
    engine.docker("tag", "busybox", name)
    for command_line in ("hull", "docker"):
        engine.run(command_line, "push", name)
    engine.hull("logout", locked.host)
    assert not (tmp_path / "kept").exists() and json.loads(config.read_text())["auths"] == {}
    config.unlink()


def test_config_json_is_what_docker_writes(engine, locked):
    config = engine.directory / "config/config.json"
    texts = []
    for command_line in ("docker", "hull"):
        config.unlink(missing_ok=True)
        engine.run(command_line, "login", "-u", "me", "--password-stdin", locked.host, input="secret")
        texts.append(config.read_text())
        assert stat.S_IMODE(config.stat().st_mode) == 0o600
        engine.run(command_line, "logout", locked.host)
    assert json.loads(texts[0]) == json.loads(texts[1]) == {"auths": {locked.host: {"auth": base64.b64encode(b"me:secret").decode()}}}


def test_distribution_tells_what_a_registry_has(engine, registry):
    engine.docker("tag", "busybox", f"{registry.host}/told:1")
    engine.docker("push", f"{registry.host}/told:1")
    _, digest = manifest_of(registry, "told", 1)
    found = json.loads(subprocess.run(["curl", "-s", "--unix-socket", engine.socket, f"http://x/v1.47/distribution/{registry.host}%2Ftold:1/json"],
                                      capture_output=True, text=True, check=True).stdout)
    assert found["Descriptor"]["digest"] == digest and found["Descriptor"]["mediaType"] == DOCKER_MANIFEST
    assert found["Platforms"] == [{"architecture": "amd64", "os": "linux"}]


def test_a_registry_that_dies_in_the_middle_is_pushed_to_again(engine, tmp_path):
    registry = DebianRegistry(tmp_path / "dies").start()
    try:
        name = built(engine, f"{registry.host}/dies:1")
        engine.docker("run", "--name", "made", "busybox", "sh", "-c", "head -c 60000000 /dev/urandom >/big")
        engine.docker("commit", "made", name)
        engine.docker("rm", "made")
        push = engine.popen("docker", "push", name, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        deadline = time.monotonic() + 20
        while not list((tmp_path / "dies/data").glob("**/_uploads/*/data")) and time.monotonic() < deadline and push.poll() is None:
            time.sleep(0.005)
        registry.kill()
        time.sleep(0.3)
        registry.start()
        output = push.communicate(timeout=60)[0]
        assert push.returncode == 0, output
        engine.docker("rmi", name)
        engine.docker("pull", name)
    finally:
        registry.close()
