# SPDX-License-Identifier: Apache-2.0
"""What hull-runtime asks of criu, and gives it, with a program that stands in for criu: Debian's does not know every kernel.
The real one works in tests/vm."""
import json
import re
import subprocess
import textwrap

import pytest

from conftest import wait_until
from runtime_bundles import cgroup_mounts, runtime  # noqa: F401 (runtime is a fixture)

# It writes its words down. A dump ends the process, a restore leaves one that writes to the pipes it was given.
STAND_IN = """\
    #!/usr/bin/python3
    import json, os, signal, sys
    words = sys.argv[1:]
    def all_of(option):
        return [words[i + 1] for i, word in enumerate(words) if word == option]
    with open("@/" + words[0], "w") as file:
        json.dump(words, file)
    if words[0] == "dump" and "--leave-running" not in words:
        os.kill(int(all_of("--tree")[0]), signal.SIGKILL)
    if words[0] == "restore":
        child = os.fork()
        if child == 0:
            os.setsid()
            for inherited in all_of("--inherit-fd"):
                number, name = inherited[3:].split("]:", 1)
                if name.startswith("pipe:"):
                    os.write(int(number), b"back\\n")
            os.execv("/bin/sleep", ["sleep", "1000"])
        with open(all_of("--work-dir")[0] + "/criu.pid", "w") as file:
            file.write(str(child))
"""


@pytest.fixture
def criu(runtime):
    """The stand-in; called with a verb, it gives the words of its last call."""
    path = runtime.directory / "criu"
    path.write_text(textwrap.dedent(STAND_IN).replace("@", str(runtime.directory)))
    path.chmod(0o755)

    def words(verb):
        return json.loads((runtime.directory / verb).read_text())
    words.path = path
    return words


def values(words, option):
    return [words[i + 1] for i, word in enumerate(words) if word == option]


def checkpoint(runtime, criu, bundle, *flags, name="images"):
    images = runtime.directory / name
    runtime("--criu", criu.path, "checkpoint", "--image-path", images, *flags, bundle.name)
    return images, criu("dump")


def create_with_pipes(runtime, bundle):
    """The container's standard streams are pipes, as those of an engine's containers."""
    process = subprocess.Popen(runtime.command("create", "--bundle", bundle.path, bundle.name), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.wait(30) == 0
    bundle.start()
    return process


def restore(runtime, criu, bundle, images):
    """What the container writes into the new pipe."""
    with subprocess.Popen(runtime.command("--criu", criu.path, "restore", "--detach", "--image-path", images, "--bundle", bundle.path,
                                          bundle.name), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.wait(30) == 0, process.stdout.read()
        wait_until(lambda: bundle.state()["status"] == "running")
        bundle.delete("--force")
        return process.stdout.read().decode(), criu("restore")


def test_what_comes_back_writes_to_the_pipes_of_who_has_asked(runtime, criu):
    bundle = runtime.bundle("sleep", "1000")
    before = create_with_pipes(runtime, bundle)
    images, _ = checkpoint(runtime, criu, bundle)
    before.stdout.close()
    assert runtime("state", bundle.name, check=False).returncode == 1
    text, words = restore(runtime, criu, bundle, images)
    assert text == "back\n" * 2
    assert sum("pipe:" in one for one in values(words, "--inherit-fd")) == 2


def test_a_paused_container_is_thawed_by_criu(runtime, criu):
    """containerd pauses before it asks for a checkpoint, and resumes afterwards."""
    bundle = runtime.bundle("sleep", "1000").begin()
    runtime("pause", bundle.name)
    _, words = checkpoint(runtime, criu, bundle, "--leave-running")
    (group,) = values(words, "--freeze-cgroup")
    assert group.startswith(tuple(cgroup_mounts())) and group.endswith(bundle.config["linux"]["cgroupsPath"])
    runtime("resume", bundle.name)
    assert bundle.state()["status"] == "running"


def test_mount_points_are_made_in_a_root_file_system_that_has_none(runtime, criu):
    outside = runtime.directory / "outside"
    outside.mkdir()
    bundle = runtime.bundle("sleep", "1000", mounts=[
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/new/directory", "type": "bind", "source": str(outside), "options": ["bind"]},
        {"destination": "/new/directory/deep/file", "type": "bind", "source": "/etc/hostname", "options": ["bind", "ro"]},
        {"destination": "/new/file", "type": "bind", "source": "/etc/hostname", "options": ["bind", "ro"]},
        {"destination": "/scratch", "type": "tmpfs", "source": "tmpfs"},
        {"destination": "/scratch/below", "type": "bind", "source": str(outside), "options": ["bind"]}]).begin()
    images, words = checkpoint(runtime, criu, bundle)
    assert "mnt[/new/file]:/new/file" in values(words, "--external")
    for path in ("new/directory", "new/file", "new", "scratch"):
        path = runtime.rootfs / path
        path.unlink() if path.is_file() else path.rmdir()
    subprocess.run(["rm", "-r", outside / "deep"], check=True)
    _, words = restore(runtime, criu, bundle, images)
    assert f"mnt[/new/directory]:{outside}" in values(words, "--external")
    assert (runtime.rootfs / "new/directory").is_dir() and (runtime.rootfs / "new/file").is_file() and (outside / "deep/file").is_file()
    # That is in the checkpoint, with the file system that it is in.
    assert list((runtime.rootfs / "scratch").iterdir()) == []


@pytest.mark.parametrize("annotated", [True, False])
def test_options_of_criu_from_a_file_that_an_annotation_names(runtime, criu, annotated):
    file = runtime.directory / "criu.conf"
    file.write_text("ghost-limit 5M\n")
    bundle = runtime.bundle("sleep", "1000", annotations={"org.criu.config": str(file) if annotated else ""}).begin()
    images, words = checkpoint(runtime, criu, bundle)
    assert values(words, "--config") == [str(file)] * annotated
    _, words = restore(runtime, criu, bundle, images)
    assert values(words, "--config") == [str(file)] * annotated
    # A file that is not there is as none.
    missing = runtime.bundle("sleep", "1000", annotations={"org.criu.config": "/no/such/file"}).begin()
    assert values(checkpoint(runtime, criu, missing, name="more")[1], "--config") == []


def test_what_criu_says_is_passed_on(runtime, criu):
    criu.path.write_text("#!/bin/sh\nwhile [ $# -gt 0 ]; do [ $1 != --images-dir ] || echo '(00.1) Error (criu/a.c:1): it is full' >$2/dump.log; "
                         "shift; done\nexit 1\n")
    bundle = runtime.bundle("sleep", "1000").begin()
    done = runtime("--criu", criu.path, "checkpoint", "--image-path", runtime.directory / "images", bundle.name, check=False)
    assert done.returncode == 1 and re.search(r"criu failed: it is full \(log file: \S+/images/dump\.log\)", done.stderr)
    assert bundle.state()["status"] == "running"
