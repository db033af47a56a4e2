# SPDX-License-Identifier: Apache-2.0
"""Either end of every transfer of an image is killed in the middle of it: nothing is left, and the next one succeeds.
(Pulls whose engine is killed are in tests/engine/test_pull.py, deliveries between engines in test_deliver.py, the registry
itself in test_registry_crashes.py.)"""
import contextlib
import os
import subprocess
import tarfile

import pytest

from conftest import running_engine, wait_until
from hull_registry import new_registry  # noqa: F401

SIZE = 24 << 20


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """Bytes that do not compress."""
    path = tmp_path_factory.mktemp("content") / "random"
    path.write_bytes(os.urandom(SIZE))
    return path


@pytest.fixture(scope="module")
def root_tar(content, busybox):
    path = content.parent / "root.tar"
    path.write_bytes(busybox.read_bytes())
    with tarfile.open(path, "a") as tar:
        tar.add(content, "random")
    return path


@pytest.fixture(scope="module")
def killed(busybox):
    with running_engine(busybox) as hulld:
        yield hulld


@pytest.fixture
def engine_with_image(killed, root_tar):
    killed.docker("import", root_tar, "big")
    yield killed
    killed.docker("rmi", "-f", "big", check=False)


@pytest.fixture(scope="module")
def archive(killed, root_tar):
    """What `docker save` gives of an image with a large layer."""
    path = root_tar.parent / "archive.tar"
    killed.docker("import", root_tar, "archived")
    killed.docker("save", "-o", path, "archived")
    killed.docker("rmi", "archived")
    return path


def left_in(engine):
    return [p for p in (engine.data / "incoming").iterdir() if not p.name.startswith("ready-") and (p.name != "trash" or list(p.iterdir()))]


def kill_and_restart(engine):
    engine.crash()
    engine.start()


@pytest.mark.parametrize("victim", ["engine", "client"])
@pytest.mark.parametrize("verb", ["load", "import"])
@pytest.mark.parametrize("part", [0.01, 0.5, 0.99])
def test_what_comes_in_is_there_whole_or_not_at_all(killed, archive, root_tar, verb, victim, part):
    source = archive if verb == "load" else root_tar
    arguments = ["load"] if verb == "load" else ["import", "-", "archived"]
    client = killed.popen("docker", *arguments, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    data = source.read_bytes()
    client.stdin.write(data[:int(len(data) * part)])
    client.stdin.flush()
    wait_until(lambda: [p for p in left_in(killed) if p.name.startswith(verb)])
    client.kill() if victim == "client" else kill_and_restart(killed)
    with contextlib.suppress(BrokenPipeError):
        client.stdin.close()
    client.wait()
    wait_until(lambda: not left_in(killed))
    assert killed.docker("images", "-q", "archived").stdout == ""
    killed.docker(*arguments, input=data, text=False)
    assert killed.docker("run", "--rm", "archived", "stat", "-c", "%s", "/random").stdout == f"{SIZE}\n"
    killed.docker("rmi", "archived")


@pytest.mark.parametrize("victim", ["engine", "client"])
def test_what_goes_out_changes_nothing(engine_with_image, archive, tmp_path, victim):
    engine = engine_with_image
    client = engine.popen("docker", "save", "big", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert len(client.stdout.read(SIZE // 2)) == SIZE // 2
    client.kill() if victim == "client" else kill_and_restart(engine)
    client.stdout.close()
    client.wait()
    # A file appears when it is whole.
    save = engine.popen("hull", "save", "-o", tmp_path / "file.tar", "big", stderr=subprocess.DEVNULL)
    wait_until(lambda: save.poll() is not None or list(tmp_path.iterdir()))
    save.kill() if victim == "client" else kill_and_restart(engine)
    save.wait()
    if save.returncode != 0:
        assert not (tmp_path / "file.tar").exists()
    engine.docker("save", "-o", tmp_path / "file.tar", "big")
    with tarfile.open(tmp_path / "file.tar") as tar:
        assert sum(member.size for member in tar) > SIZE
    wait_until(lambda: not left_in(engine))


@pytest.mark.parametrize("victim", ["engine", "client", "registry"])
def test_a_push_is_repeated_and_finds_what_it_left(engine_with_image, new_registry, victim):
    engine, server = engine_with_image, new_registry()
    name = f"{server.address}/killed/push:1"
    engine.docker("tag", "big", name)
    push = engine.popen("docker", "push", name, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_until(lambda: push.poll() is not None or any(p.stat().st_size > 1 << 20 for p in server.root.glob("repositories/killed/push/_uploads/**/*") if p.is_file()))
    if victim == "registry":
        server.kill()
        server.start()  # at the same port: the engine tries again
        output = push.communicate(timeout=120)[0]
        assert push.returncode == 0, output
    else:
        push.kill() if victim == "client" else kill_and_restart(engine)
        push.communicate()
        engine.docker("push", name)
    assert server.request("GET", "/v2/killed/push/manifests/1", headers={"Accept": "*/*"}).status == 200
    engine.docker("rmi", name)
    engine.docker("pull", name)
    assert engine.docker("run", "--rm", name, "stat", "-c", "%s", "/random").stdout == f"{SIZE}\n"
    engine.docker("rmi", "-f", name)


def test_a_pull_outlives_its_registry(engine_with_image, new_registry):
    engine, server = engine_with_image, new_registry()
    name = f"{server.address}/killed/pull:1"
    engine.docker("tag", "big", name)
    engine.docker("push", name)
    engine.docker("rmi", name, "big")
    pull = engine.popen("docker", "pull", name, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_until(lambda: pull.poll() is not None or any(p.stat().st_size > 0 for p in (engine.data / "incoming").glob("fetch-*/blob")))
    server.kill()
    server.start()
    output = pull.communicate(timeout=120)[0]
    assert pull.returncode == 0, output
    assert engine.docker("run", "--rm", name, "stat", "-c", "%s", "/random").stdout == f"{SIZE}\n"
    engine.docker("rmi", name)
    wait_until(lambda: not left_in(engine))
