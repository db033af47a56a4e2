# SPDX-License-Identifier: Apache-2.0
"""--storage-opt size=…: how much a container may write, on a file system that keeps project quotas."""
import re
import subprocess

import pytest

from conftest import Hulld

SIZE = 512 << 20


@pytest.fixture(scope="module")
def quota_disk(tmp_path_factory):
    """A directory on ext4 with project quotas: an image file, mounted."""
    directory = tmp_path_factory.mktemp("disk")
    image, mounted = directory / "image", directory / "mounted"
    mounted.mkdir()
    with open(image, "wb") as file:
        file.truncate(SIZE)
    try:
        subprocess.run(["mkfs.ext4", "-q", "-O", "quota,project", "-E", "quotatype=prjquota", image], check=True, capture_output=True)
        subprocess.run(["mount", "-o", "loop,prjquota", image, mounted], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no file system with project quotas can be mounted here: {error}")
    yield mounted
    subprocess.run(["umount", mounted], check=True)


@pytest.fixture(scope="module")
def engine(busybox, quota_disk):
    hulld = Hulld(parent=quota_disk)
    try:
        hulld.start()
        hulld.docker("import", busybox, "busybox")
        yield hulld
    finally:
        hulld.close()


def limits(directory):
    """Projects with their limits in KiB; 0: none."""
    report = subprocess.run(["repquota", "-P", "-n", directory], capture_output=True, text=True)
    if report.returncode != 0:
        pytest.skip("repquota is not installed")
    return {int(m[1]): int(m[2]) for m in re.finditer(r"^#(\d+)\s+\S+\s+\d+\s+\d+\s+(\d+)", report.stdout, re.M) if m[1] != "0"}


FILL = "dd if=/dev/zero of=/big bs=1M count=40 2>&1; echo; stat -c %s /big"


def test_nobody_writes_more_than_the_size(cli):
    lines = cli("run", "--name", "box", "--storage-opt", "size=20M", "busybox", "sh", "-c", FILL).stdout.splitlines()
    assert any("No space left" in line or "quota exceeded" in line for line in lines), lines
    assert int(lines[-1]) <= 20 << 20
    assert cli.engine.inspect("box", "{{.HostConfig.StorageOpt}}") == "map[size:20M]"
    # It is a size of the container, not of a run.
    assert cli("start", "-a", "box").returncode == 0
    assert int(cli("logs", "box").stdout.splitlines()[-1]) <= 20 << 20
    # Others are not concerned.
    assert cli("run", "--rm", "busybox", "sh", "-c", FILL).stdout.splitlines()[-1] == str(40 << 20)


def test_the_size_is_what_the_container_sees(cli):
    line = cli("run", "--rm", "--storage-opt", "size=30M", "busybox", "df", "-k", "/").stdout.splitlines()[-1]
    assert int(line.split()[1]) == 30 << 10


def test_space_comes_back(cli):
    script = "dd if=/dev/zero of=/a bs=1M count=15 2>/dev/null && rm /a && dd if=/dev/zero of=/b bs=1M count=15 2>/dev/null && " \
             "rm -r /etc && mkdir /etc && mv /b /etc/c && echo fine"
    assert cli("run", "--rm", "--storage-opt", "size=20M", "busybox", "sh", "-c", script).stdout == "fine\n"
    for volume in ("/data", f"{cli.engine.directory}/host:/data"):
        script = "dd if=/dev/zero of=/data/x bs=1M count=30 2>/dev/null && echo fine"
        assert cli("run", "--rm", "-v", volume, "--storage-opt", "size=20M", "busybox", "sh", "-c", script).stdout == "fine\n"


def test_nothing_remains_of_a_limit(engine, quota_disk):
    engine.docker("run", "--name", "one", "--storage-opt", "size=20M", "busybox", "touch", "/file")
    engine.docker("run", "-d", "--name", "two", "--storage-opt", "size=1G", "busybox", "sleep", "100")
    assert sorted(limits(quota_disk).values()) == [20 << 10, 1 << 20]
    engine.docker("rm", "-f", "one", "two")
    assert not any(limits(quota_disk).values())


def test_a_limit_survives_a_new_engine(engine):
    engine.docker("run", "-d", "--name", "box", "--storage-opt", "size=20M", "busybox", "sleep", "100")
    engine.crash()
    engine.start()
    assert int(engine.docker("exec", "box", "sh", "-c", FILL, check=False).stdout.splitlines()[-1]) <= 20 << 20


def test_without_quotas_it_is_refused(busybox):
    hulld = Hulld()
    options = subprocess.run(["findmnt", "-no", "OPTIONS", "-T", hulld.directory], capture_output=True, text=True).stdout
    if "prjquota" in options or "pquota" in options:
        pytest.skip("the machine's own file system keeps project quotas")
    try:
        hulld.start()
        hulld.docker("import", busybox, "busybox")
        for cli in (hulld.docker, hulld.hull):
            for option, message in (("size=20M", "--storage-opt is supported only for overlay over xfs with 'pquota' mount option"),
                                    ("size=much", "invalid size: 'much'"), ("size=-5", "invalid size: '-5'"),
                                    ("inodes=5", "Unknown option inodes")):
                refused = cli("run", "--rm", "--storage-opt", option, "busybox", "true", check=False)
                assert refused.returncode == 125 and message in refused.stderr
        assert hulld.docker("ps", "-aq").stdout == ""
    finally:
        hulld.close()
