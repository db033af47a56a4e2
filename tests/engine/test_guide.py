# SPDX-License-Identifier: Apache-2.0
"""The user's guide does what it says: every command in a block of docs/guide that begins with ```sh is run, page by page."""
import os
import pathlib
import re
import subprocess

import pytest

from conftest import BIN, Hulld, docker_cli
from registry_peers import free_port

GUIDE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "guide"
PAGES = sorted(path for path in GUIDE.glob("*.md") if "\n```sh\n" in path.read_text())


def commands(page):
    return [line for block in re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.M | re.S) for line in block.splitlines()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_commands_of_a_page(page, busybox, tmp_path):
    hulld = Hulld()
    try:
        hulld.start()
        hulld.docker("import", busybox, "busybox")
        programs = tmp_path / "programs"
        programs.mkdir()
        for name in ("hull", "hulld"):
            (programs / name).symlink_to(BIN / name)
        (programs / "docker").symlink_to(docker_cli())
        ports = {"8080": free_port(), "5000": free_port()}
        script = ["set -ex"]
        for line in commands(page):
            for port, mine in ports.items():
                line = re.sub(rf"\b{port}\b", str(mine), line)
            line = line.replace("/run/hull/hull.sock", str(hulld.socket))
            if " -it " in line:  # as in a terminal
                line = f"echo exit | script -qec {line!r} /dev/null"
            script.append(line)
        work = tmp_path / "work"
        work.mkdir()
        environment = {**hulld.environment(), "PATH": f"{programs}:{os.environ['PATH']}", "PS4": "+ "}
        del environment["DOCKER_HOST"]
        done = subprocess.run(["bash", "-c", "\n".join(script)], cwd=work, env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout[-3000:]
        for line in done.stdout.splitlines():
            assert not re.match(r"(hull|docker): |Error|template", line), done.stdout[-3000:]
    finally:
        hulld.close()
