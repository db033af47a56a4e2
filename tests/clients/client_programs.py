# SPDX-License-Identifier: Apache-2.0
"""Programs that were written for Docker, as clients of hulld. What cannot be had here (no registry, no toolchain) is
skipped with the reason."""
import os
import pathlib
import subprocess

import pytest

from conftest import BUILD, Hulld, busybox_tar

HERE = pathlib.Path(__file__).parent
CLIENTS = BUILD / "clients"


def installed(client):
    """The directory of clients, with `client` in it."""
    try:
        result = subprocess.run([HERE / "install.sh", CLIENTS, client], capture_output=True, text=True, timeout=900)
    except subprocess.TimeoutExpired:
        pytest.skip(f"{client}: fetching and building takes longer than 15 minutes here")
    if result.returncode != 0:
        why = (result.stderr + result.stdout).strip().splitlines()
        pytest.skip(f"{client} cannot be had here: {why[-1] if why else 'no reason was given'}")
    return CLIENTS


def run(engine, arguments, timeout=120, **environment):
    """Runs a client against the engine to its end; its output goes into the failure."""
    result = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=timeout,
                            env={**engine.environment(), "HOME": str(engine.directory), **environment})
    assert result.returncode == 0, f"{arguments} ended with {result.returncode}:\n{result.stdout}{result.stderr}"
    return result.stdout


@pytest.fixture(scope="session")
def program_image(tmp_path_factory):
    """busybox with a command, environment and the places that suites of clients expect in an image."""
    path = tmp_path_factory.mktemp("images") / "program.tar"
    return busybox_tar(path)


@pytest.fixture(scope="module")
def client_engine(program_image):
    """An engine whose images are those that clients name: alpine, busybox, hello-world."""
    hulld = Hulld()
    try:
        hulld.start()
        for name in ("busybox:latest", "alpine:latest", "alpine:3.10"):
            hulld.docker("import", "--change", "CMD [\"sh\"]", "--change",
                         "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", program_image, name)
        yield hulld
    finally:
        hulld.close()
