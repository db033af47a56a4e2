# SPDX-License-Identifier: Apache-2.0
"""Images straight from engine to engine: `hull push IMAGE ssh://…`, `hull pull ssh://…/IMAGE`. `ssh` is a script that runs
the command here, against a second engine."""
import io
import json
import os
import subprocess
import sys
import tarfile
import threading
import time

import pytest

from conftest import BIN, Hulld, wait_until
from hull_registry import new_registry, registry  # noqa: F401

SIZE = 6 << 20  # of what does not compress


@pytest.fixture(scope="module")
def far():
    hulld = Hulld()
    try:
        yield hulld.start()
    finally:
        hulld.close()


class Ssh:
    """How the near engine's command line reaches the far one."""

    def __init__(self, directory, near, far):
        self.directory, self.near, self.far = directory, near, far
        (directory / "ssh").write_text(f"""#!{sys.executable}
import os, pathlib, subprocess, sys
words = sys.argv[1:]
host, command = words[words.index("--") + 1], words[words.index("--") + 2:]
with open({str(directory / "asked")!r}, "a") as asked:
    asked.write(" ".join(words) + "\\n")
environment = dict(os.environ, HULL_HOST="unix://{far.socket}", DOCKER_HOST="", PATH="{BIN}:" + os.environ["PATH"])
# "up 100000 2": the next two connections break, when they get there, after so many bytes to the far side.
# "hold 100000 2": they let so many bytes through and then nothing more, until the near side gives up.
cut = pathlib.Path({str(directory / "cut")!r})
way, limit, count = (cut.read_text() if cut.exists() else "none 0 0").split()
if int(count) > 0:
    cut.write_text(f"{{way}} {{limit}} {{int(count) - 1}}")
    near, far = (1, "stdout") if way == "down" else (0, "stdin")
    child = subprocess.Popen(command, env=environment, **{{far: subprocess.PIPE}})
    pipe, left = getattr(child, far).fileno(), int(limit)
    while left > 0 and (piece := os.read(pipe if way == "down" else near, min(left, 65536))):
        left -= len(piece)
        os.write(near if way == "down" else pipe, piece)
    if way == "hold" and left == 0:
        pathlib.Path({str(directory / "held")!r}).touch()
        while os.read(near, 65536):
            pass
    child.kill()
    sys.exit(255)
os.execvpe(command[0], command, environment)
""")
        (directory / "ssh").chmod(0o755)

    def cut(self, way, limit, count):
        (self.directory / "cut").write_text(f"{way} {limit} {count}")

    def start_and_hold(self, limit, *arguments):
        """A push whose connections stand still after so many bytes, when the first of them does and the far engine has half of it."""
        held = self.directory / "held"
        held.unlink(missing_ok=True)
        self.cut("hold", limit, 100)
        push = self.start(*arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        arrived = self.far.data / "incoming"
        wait_until(lambda: held.exists() and any(p.stat().st_size > limit // 2 for p in arrived.glob("delivery-*/blob")), patience=60)
        self.cut("none", 0, 0)
        return push

    def environment(self):
        return {**self.near.environment(), "PATH": f"{self.directory}:{os.environ['PATH']}"}

    def start(self, *arguments, **options):
        return subprocess.Popen([BIN / "hull", *map(str, arguments)], env=self.environment(), **options)

    def hull(self, *arguments, check=True):
        result = subprocess.run([BIN / "hull", *map(str, arguments)], env=self.environment(), capture_output=True, text=True, timeout=120)
        assert not check or result.returncode == 0, result.stdout + result.stderr
        return result


@pytest.fixture
def ssh(engine, far, tmp_path):
    yield Ssh(tmp_path, engine, far)
    for hulld, keep in ((engine, {engine.inspect("busybox", "{{.Id}}")}), (far, set())):
        hulld.remove_containers()
        if ids := set(hulld.docker("images", "-aq", "--no-trunc").stdout.split()) - keep:
            hulld.docker("rmi", "-f", *ids)


def add_random(engine, name, base="busybox", size=SIZE):
    """An image with a layer more, which does not compress."""
    engine.docker("run", "--name", "maker", base, "sh", "-c", f"head -c {size} /dev/urandom >/random")
    engine.docker("commit", "maker", name)
    engine.docker("rm", "maker")
    return engine.docker("run", "--rm", name, "sha256sum", "/random").stdout


def test_a_push_sends_what_is_missing(ssh, engine, far):
    digest = add_random(engine, "sent:1")
    output = ssh.hull("push", "sent:1", "ssh://me@far:2222").stdout
    assert output.count(": Pushing\n") == 2 and output.count(": Pushed\n") == 2 and output.splitlines()[-1] == "sent:1"
    assert "-l me -p 2222 -- far hull system dial-stdio" in (ssh.directory / "asked").read_text()
    assert far.inspect("sent:1", "{{.Id}}") == engine.inspect("sent:1", "{{.Id}}")
    assert far.docker("run", "--rm", "sent:1", "sha256sum", "/random").stdout == digest
    add_random(engine, "sent:2", base="sent:1", size=1000)
    output = ssh.hull("push", "sent:2", "ssh://far").stdout
    assert output.count("Layer already exists") == 2 and output.count(": Pushed\n") == 1
    # Everything is there: nothing but the name is new.
    engine.docker("tag", "sent:2", "renamed:3")
    assert ssh.hull("push", "renamed:3", "ssh://far").stdout.count("Layer already exists") == 3
    assert far.inspect("renamed:3", "{{.Id}}") == engine.inspect("sent:2", "{{.Id}}")
    assert ssh.hull("push", "-q", "renamed:3", "ssh://far").stdout == "renamed:3\n"


def test_a_pull_is_the_same_the_other_way_round(ssh, engine, far):
    add_random(engine, "x/there:1")
    ssh.hull("push", "x/there:1", "ssh://far")
    identifier, expected = engine.inspect("x/there:1", "{{.Id}}"), engine.docker("run", "--rm", "x/there:1", "sha256sum", "/random").stdout
    engine.docker("rmi", "x/there:1")
    output = ssh.hull("pull", "ssh://me@far/x/there:1").stdout
    assert output.count("Layer already exists") == 1 and output.count(": Pull complete\n") == 1  # busybox is here
    assert engine.inspect("x/there:1", "{{.Id}}") == identifier
    assert engine.docker("run", "--rm", "x/there:1", "sha256sum", "/random").stdout == expected
    # By its id it has no name.
    engine.docker("rmi", "x/there:1")
    ssh.hull("pull", f"ssh://far/{identifier}")
    assert engine.inspect(identifier, "{{.RepoTags}}") == "[]"


def test_blobs_and_the_manifest_stay_what_they_were(ssh, engine, far, registry):
    """What came from a registry has the same digest there when the far engine pushes it."""
    name = f"{registry.address}/same/digest:1"
    engine.docker("tag", "busybox", name)
    engine.docker("push", name)
    engine.docker("rmi", name)
    add_random(engine, "other")
    engine.docker("pull", name)
    digest = registry.request("GET", "/v2/same/digest/manifests/1").headers["Docker-Content-Digest"]
    ssh.hull("push", name, "ssh://far")
    moved = f"{registry.address}/moved/here:1"
    far.docker("tag", name, moved)
    assert f"digest: {digest}" in far.docker("push", moved).stdout


@pytest.mark.parametrize("way", ["push", "pull"])
def test_a_connection_that_breaks_is_made_again_and_goes_on(ssh, engine, far, way):
    digest = add_random(engine, "broken:1")
    if way == "pull":
        ssh.hull("push", "broken:1", "ssh://far")
        engine.docker("rmi", "broken:1")
    # The first connections are for questions and, of the push, for the lower layer, which is small.
    ssh.cut(*("up", SIZE // 2, 4) if way == "push" else ("down", SIZE // 2, 3))
    output = ssh.hull("push", "broken:1", "ssh://far") if way == "push" else ssh.hull("pull", "ssh://far/broken:1")
    assert "ing goes on" in output.stdout
    receiver = far if way == "push" else engine
    assert receiver.docker("run", "--rm", "broken:1", "sha256sum", "/random").stdout == digest


def test_a_push_that_was_given_up_goes_on_later(ssh, engine, far):
    digest = add_random(engine, "later:1", size=4 * SIZE)
    push = ssh.start_and_hold(2 * SIZE, "push", "later:1", "ssh://far")
    push.kill()
    push.wait()
    assert far.docker("images", "-q", "later").stdout == ""
    wait_until(lambda: "is coming in already" not in ssh.hull("push", "later:1", "ssh://far").stderr)
    assert far.docker("run", "--rm", "later:1", "sha256sum", "/random").stdout == digest
    assert not list((far.data / "incoming").glob("delivery-*"))


def test_several_pushes_at_once_of_the_same_image(ssh, engine, far):
    digest = add_random(engine, "same:1")
    pushes = [ssh.start("push", "same:1", "ssh://far", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(3)]
    for push in pushes:
        output = push.communicate(timeout=120)[0]
        assert push.returncode == 0, output
    assert far.docker("run", "--rm", "same:1", "sha256sum", "/random").stdout == digest
    assert not list((far.data / "incoming").glob("delivery-*"))


@pytest.mark.parametrize("arguments, expected", [
    (("push", "nothing:1", "ssh://far"), "No such image: nothing:1"),
    (("pull", "ssh://far/nothing:1"), "No such image: nothing:1"),
    (("push", "busybox", "far"), "only ssh://[user@]host is understood"),
    (("push", "-a", "busybox", "ssh://far"), "all tags cannot be pushed to another engine"),
    (("pull", "ssh://far"), "it has to be ssh://[user@]host[:port]/image"),
    (("pull", "ssh:///busybox"), "it has to be ssh://[user@]host[:port]/image"),
    (("push", "busybox", "ssh://-oProxyCommand=true"), "unable to parse docker host"),
])
def test_refusals(ssh, arguments, expected):
    result = ssh.hull(*arguments, check=False)
    assert result.returncode == 1 and expected in result.stderr, result.stderr


def call(engine, method, path, body=None):
    """(status, JSON or text) of hull's own part of the API."""
    arguments = ["curl", "-s", "--unix-socket", engine.socket, "-X", method, "-w", "\n%{http_code}", f"http://x{path}"]
    if body is not None:
        arguments += ["-H", "Content-Type: application/json", "--data-binary", "@-"]
    output = subprocess.run(arguments, input=body if body is not None else b"", capture_output=True, check=True, timeout=60).stdout
    text, _, status = output.rpartition(b"\n")
    return int(status), json.loads(text) if text.strip().startswith(b"{") else text


def test_what_is_not_the_layer_is_refused_and_leaves_nothing(ssh, engine, far):
    add_random(engine, "checked:1", size=1000)
    status, offer = call(engine, "GET", "/hull/images/checked:1/offer")
    assert status == 200
    status, answer = call(far, "POST", "/hull/images", json.dumps(offer).encode())
    assert status == 200 and len(answer["Missing"]) == 2
    low, high = answer["Missing"]
    where = f"/hull/layers/{low['Chain']}?parent=&diff={low['Diff']}&type=x"
    _, other = call(engine, "GET", f"/hull/layers/{high['Chain']}")
    for content, expected in ((other, "contains sha256:"), (b"no tar", "invalid tar archive"), (other[:-20], "unexpected EOF")):
        status, refusal = call(far, "POST", where + "&offset=0", content)
        assert status == 400 and expected in refusal["message"], refusal
    assert call(far, "POST", where + "&offset=7", other)[0] == 409
    assert call(far, "POST", f"/hull/layers/{low['Chain']}?parent=&diff={high['Diff']}", other)[0] == 400
    assert call(far, "POST", where + "&offset=-1", other)[0] == 400
    assert call(engine, "GET", "/hull/layers/sha256:none")[0] == 404
    assert call(engine, "GET", f"/hull/layers/{low['Chain']}?offset=999999999")[0] == 409
    assert call(far, "POST", "/hull/images", b'{"Config":"***"}')[0] == 400
    assert not list((far.data / "incoming").glob("delivery-*")) and far.docker("images", "-q").stdout == ""


def test_an_engine_that_is_killed_while_it_receives_has_all_or_nothing(ssh, engine, own_engine):
    """The receiver is killed with kill -9 at several moments, at last when all has been sent; the next push brings the image."""
    digest = add_random(engine, "killed:1", size=4 * SIZE)
    ssh = Ssh(ssh.directory, engine, own_engine)

    def kill(push):
        own_engine.crash()
        push.kill()
        push.wait()
        own_engine.start()
        assert not list((own_engine.data / "incoming").glob("delivery-*"))
        return own_engine.docker("images", "-q", "killed").stdout

    for at in (100_000, SIZE, 3 * SIZE):
        assert kill(ssh.start_and_hold(at, "push", "killed:1", "ssh://far")) == ""
    push = ssh.start("push", "killed:1", "ssh://far", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    blobs = own_engine.data / "incoming"
    wait_until(lambda: push.poll() is not None or any(p.stat().st_size >= 4 * SIZE for p in blobs.glob("delivery-*/blob")), patience=60)
    if kill(push):
        assert own_engine.docker("run", "--rm", "killed:1", "sha256sum", "/random").stdout == digest
    ssh.hull("push", "killed:1", "ssh://far")
    assert own_engine.docker("run", "--rm", "killed:1", "sha256sum", "/random").stdout == digest
    own_engine.docker("rmi", "killed:1")
