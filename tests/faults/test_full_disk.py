# SPDX-License-Identifier: Apache-2.0
"""A data root with no room left: errors say so, nothing is left of what failed, what runs goes on, and everything can be
stopped and removed, which makes room again."""
import pathlib
import subprocess

import pytest

from conftest import Hulld, wait_until


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory):
    directory = tmp_path_factory.mktemp("small")
    image, place = directory / "disk.img", directory / "disk"
    place.mkdir()
    subprocess.run(["truncate", "-s", "48M", image], check=True)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, place], check=True)
    yield place
    subprocess.run(["umount", "-l", place], check=True)


@pytest.fixture(scope="module")
def full_engine(busybox, small_disk, tmp_path_factory):
    hulld = Hulld(parent=small_disk)
    hulld.exec = tmp_path_factory.mktemp("exec")  # /run is another file system, everywhere
    hulld.pidfile = tmp_path_factory.mktemp("run") / "pid"
    hulld.log = tmp_path_factory.mktemp("log") / "hulld.log"
    try:
        hulld.start()
        hulld.docker("import", busybox, "busybox")
        yield hulld
    finally:
        (small_disk / "ballast").unlink(missing_ok=True)
        hulld.close()


@pytest.fixture
def hulld(full_engine, small_disk):
    full_engine.disk = small_disk
    yield full_engine
    (small_disk / "ballast").unlink(missing_ok=True)
    full_engine.remove_containers()
    full_engine.assert_clean()


def fill(place):
    """To the last byte, and to the last small file."""
    with open(place / "ballast", "wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError:
                continue


def test_create_says_so_and_leaves_nothing(hulld):
    hulld.hull("run", "--rm", "busybox", "true")
    fill(hulld.disk)
    before = sorted(p.name for p in (hulld.data / "containers").iterdir())
    for cli in ("hull", "docker"):
        failed = hulld.run(cli, "create", "--name", "none", "-v", "/volume", "busybox", "true", check=False)
        assert failed.returncode != 0
        assert "no space left on device" in failed.stderr.lower() or "disk is full" in failed.stderr, failed.stderr
    assert sorted(p.name for p in (hulld.data / "containers").iterdir()) == before
    assert hulld.docker("ps", "-aq").stdout == "" and hulld.docker("volume", "ls", "-q").stdout == ""
    (hulld.disk / "ballast").unlink()
    assert hulld.hull("run", "--rm", "--name", "none", "busybox", "echo", "room").stdout == "room\n"


def test_what_runs_goes_on_and_can_be_stopped_and_removed(hulld):
    hulld.hull("run", "-d", "--name", "talks", "busybox", "sh", "-c",
               "trap 'exit 3' TERM; while :; do echo some words to fill the log with; sleep 0.01; done")
    hulld.hull("run", "-d", "--name", "writes", "busybox", "sleep", "1000")
    fill(hulld.disk)
    failed = hulld.hull("exec", "writes", "sh", "-c", "echo text >/file", check=False)
    assert failed.returncode == 1 and "No space left on device" in failed.stderr
    assert hulld.hull("exec", "talks", "echo", "well").stdout == "well\n"
    hulld.hull("stop", "talks")
    assert hulld.inspect("talks", "{{.State.Status}} {{.State.ExitCode}}") == "exited 3"
    hulld.crash()
    hulld.start()
    assert hulld.inspect("talks", "{{.State.Status}} {{.State.ExitCode}}") == "exited 3"
    assert hulld.inspect("writes", "{{.State.Status}}") == "running"
    hulld.docker("rm", "-f", "talks", "writes")
    assert hulld.docker("ps", "-aq").stdout == ""


def test_a_container_that_fills_the_disk_does_not_take_the_others_along(hulld):
    hulld.hull("run", "-d", "--name", "other", "busybox", "sleep", "1000")
    hulld.hull("run", "-d", "--name", "fills", "busybox", "sh", "-c", "cat </dev/zero >/fill; exec sleep 1000")
    wait_until(lambda: "cat" not in hulld.hull("top", "fills").stdout, patience=30)
    started = hulld.hull("restart", "-t", "0", "other", check=False)
    assert started.returncode == 0 or "no space left" in started.stderr.lower()
    hulld.hull("rm", "-f", "fills")
    wait_until(lambda: hulld.hull("run", "--rm", "busybox", "sh", "-c", "dd if=/dev/zero of=/file bs=1M count=8 2>/dev/null",
                             check=False).returncode == 0)


def test_the_engine_starts_on_a_full_disk(hulld):
    hulld.hull("run", "-d", "--name", "stays", "busybox", "sleep", "1000")
    fill(hulld.disk)
    hulld.stop()
    hulld.start()
    assert hulld.inspect("stays", "{{.State.Status}}") == "running"
    assert hulld.hull("exec", "stays", "echo", "well").stdout == "well\n"


def test_an_image_that_does_not_fit_is_refused_and_leaves_nothing(hulld, tmp_path):
    big = tmp_path / "big"
    (big / "etc").mkdir(parents=True)
    with open(big / "etc" / "file", "wb") as file:
        subprocess.run(["head", "-c", "60M", "/dev/urandom"], stdout=file, check=True)
    subprocess.run(["tar", "-C", big, "-cf", tmp_path / "big.tar", "."], check=True)
    used = lambda: int(subprocess.run(["df", "--output=used", "-k", hulld.disk], capture_output=True, text=True)
                       .stdout.split()[1])
    before = used()
    failed = hulld.docker("import", tmp_path / "big.tar", "big", check=False)
    assert failed.returncode != 0 and "no space left on device" in failed.stderr.lower()
    assert "big" not in hulld.docker("images").stdout
    wait_until(lambda: used() <= before + 512)
