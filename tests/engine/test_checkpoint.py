# SPDX-License-Identifier: Apache-2.0
"""Checkpoints: what is refused, and that a container is none the worse for a criu that cannot. (That it works is shown
in tests/vm/test_checkpoint_vm.py, under a kernel that criu knows.)"""
import json
import shutil
import subprocess

import pytest

from conftest import Hulld, wait_until


@pytest.fixture(scope="module")
def engine(busybox):
    hulld = Hulld()
    try:
        hulld.start("--experimental")  # docker's own command wants to see that
        hulld.docker("import", busybox, "busybox")
        yield hulld
    finally:
        hulld.close()


def request(engine, method, path, body=None):
    command = ["curl", "-s", "-X", method, "--unix-socket", str(engine.socket), "-w", "\n%{http_code}",
               f"http://localhost{path}"]
    if body is not None:
        command += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
    text, _, code = subprocess.run(command, capture_output=True, text=True, check=True).stdout.rpartition("\n")
    return int(code), json.loads(text) if text.strip() else None


def test_what_cannot_be_checkpointed(cli):
    cli("create", "--name", "idle", "busybox", "sleep", "1000")
    cli("run", "-dt", "--name", "screen", "busybox", "sleep", "1000")
    cli("run", "-d", "--name", "works", "busybox", "sleep", "1000")
    for container, name, words in (("idle", "one", "is not running"), ("screen", "one", "not support on containers with tty"),
                                   ("works", "../one", "invalid checkpoint ID"), ("none", "one", "No such container")):
        refused = cli("checkpoint", "create", container, name, check=False)
        assert refused.returncode == 1 and words in refused.stderr
    cli("pause", "works")
    assert "is paused" in cli("checkpoint", "create", "works", "one", check=False).stderr
    cli("unpause", "works")
    assert cli("checkpoint", "ls", "works").stdout.split() == ["CHECKPOINT", "NAME"]
    missing = cli("checkpoint", "rm", "works", "one", check=False)
    assert missing.returncode == 1 and "checkpoint one does not exist for container works" in missing.stderr
    missing = cli("start", "--checkpoint", "one", "idle", check=False)
    assert missing.returncode == 1 and "checkpoint one does not exist for container idle" in missing.stderr
    assert cli.engine.inspect("idle", "{{.State.Status}}") == "created"


def test_statuses_of_the_api(engine):
    engine.hull("run", "-d", "--name", "works", "busybox", "sleep", "1000")
    assert request(engine, "GET", "/containers/works/checkpoints") == (200, [])
    assert request(engine, "GET", "/containers/none/checkpoints")[0] == 404
    assert request(engine, "DELETE", "/containers/works/checkpoints/a%20b")[0] == 400
    assert request(engine, "DELETE", "/containers/works/checkpoints/one")[0] == 404
    assert request(engine, "POST", "/containers/works/checkpoints", {"CheckpointID": "a b"})[0] == 400
    assert request(engine, "POST", "/containers/works/checkpoints", {"CheckpointID": "one", "CheckpointDir": "x"})[0] == 400
    assert request(engine, "POST", "/containers/works/checkpoints", {"CheckpointID": 1})[0] == 400
    engine.hull("stop", "-t", "0", "works")
    assert request(engine, "POST", "/containers/works/checkpoints", {"CheckpointID": "one"})[0] == 409


def test_a_checkpoint_that_criu_cannot_make_leaves_the_container_alone(cli):
    if not shutil.which("criu", path="/usr/sbin:/usr/bin"):
        pytest.skip("criu is not installed")
    engine = cli.engine
    cli("run", "-d", "--name", "counts", "--restart", "always", "busybox", "sh", "-c",
        "i=0; while :; do echo $i; i=$((i+1)); sleep 0.05; done")
    pid = engine.inspect("counts", "{{.State.Pid}}")
    failed = cli("checkpoint", "create", "counts", "one", check=False)
    if failed.returncode == 0:
        pytest.skip("criu works with this kernel")
    message = failed.stderr.strip().splitlines()[-1]
    assert "Cannot checkpoint container counts: criu: " in message and message.count("\n") == 0
    assert engine.inspect("counts", "{{.State.Status}} {{.State.Pid}}") == f"running {pid}"
    lines = len(engine.docker("logs", "counts").stdout.splitlines())
    wait_until(lambda: len(engine.docker("logs", "counts").stdout.splitlines()) > lines)
    directory = engine.data / "containers" / engine.inspect("counts", "{{.Id}}") / "checkpoints"
    assert not list(directory.iterdir())
    engine.docker("exec", "counts", "kill", "-9", "1", check=False)  # its restart policy holds as before
    engine.docker("kill", "counts")
