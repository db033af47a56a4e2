# SPDX-License-Identifier: Apache-2.0
"""The engine is killed, and steps fail, at every place of a build. Afterwards: what was finished is cached, the same build gives
its image, nothing is left."""
import http.server
import os
import subprocess
import threading

import pytest

from conftest import Hulld
from fault_points import faults  # noqa: F401

STEP = ["build.snapshot", "build.changed", "build.hashed", "build.moved", "build.committed"]
MOUNT = ["build.cache-made", "build.cache-moved"]
LINK = ["build.linked"]
REMOTE = ["build.downloaded", "build.remote-moved"]
REPOSITORY = ["build.checked-out"]
IMPORT = ["build.imported"]
END = ["build.executed", "build.stored"]

DOCKERFILE = """
FROM busybox
RUN date +%s%N > /first
RUN --mount=type=cache,target=/cache date +%s%N > /second && touch /cache/x
COPY --link file /file
ADD {web}/data /data
RUN --mount=type=secret,id=word cat /run/secrets/word | md5sum > /third
"""


class Quiet(http.server.BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"data")


@pytest.fixture(scope="module")
def web():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def faulty_engine(busybox, faults):
    hulld = Hulld()
    hulld.variables = {"HULL_FAULTS": str(faults.directory)}
    try:
        hulld.start()
        hulld.docker("import", busybox, "busybox")
        yield hulld
    finally:
        faults.withdraw()
        hulld.close()


@pytest.fixture
def hulld(faulty_engine, faults):
    yield faulty_engine
    faults.withdraw()
    faulty_engine.assert_clean()
    assert_nothing_half_done(faulty_engine)
    faulty_engine.docker("rmi", "-f", "crash", check=False)
    faulty_engine.hull("builder", "prune", "-af")


def assert_nothing_half_done(hulld):
    left = [path.name for path in (hulld.data / "incoming").iterdir() if not path.name.startswith(("ready-", "trash"))]
    assert left == []
    assert not (hulld.exec / "build").exists() or not list((hulld.exec / "build").iterdir())
    assert not list((hulld.data / "build").glob("cache/new-*"))


@pytest.fixture
def project(tmp_path, web):
    (tmp_path / "file").write_text("file")
    (tmp_path / "word").write_text("w0rd-" + os.urandom(12).hex())
    (tmp_path / "Dockerfile").write_text(DOCKERFILE.format(web=web))
    return tmp_path


def build(hulld, project, *flags, check=True):
    return hulld.hull("build", "--progress=plain", "-t", "crash", "--secret", f"id=word,src={project / 'word'}", *flags, project,
                      check=check)


def stamps(hulld):
    return hulld.docker("run", "--rm", "crash", "cat", "/first", "/second", "/file", "/data", "/third").stdout


def test_every_place_is_in_a_table_here(hulld, faults, project):
    faults.record()
    build(hulld, project)
    passed = [place for place in faults.passed() if place.startswith("build.")]
    assert sorted(passed) == sorted(STEP + MOUNT + LINK + REMOTE + END)


@pytest.mark.parametrize("place", [*(f"{place} {number}" for place in STEP for number in (1, 2, 4)), *MOUNT, *LINK, *REMOTE, *END])
def test_the_engine_is_killed(hulld, faults, project, place):
    place, _, number = place.partition(" ")
    faults.order(place, f"kill {number}" if number else "kill")
    failed = build(hulld, project, check=False)
    assert failed.returncode != 0 and faults.hit(place)
    hulld.process.wait(20)
    hulld.start()
    hulld.assert_clean()
    assert_nothing_half_done(hulld)
    secret = (project / "word").read_text()
    found = subprocess.run(["grep", "-rl", secret, hulld.data, hulld.exec, hulld.log], capture_output=True, text=True).stdout
    assert found == ""
    again = build(hulld, project).stderr
    # Whatever was finished before is not done again.
    finished = (place in END or (place in STEP and number in ("2", "4")) or place in MOUNT + LINK + REMOTE)
    first = [line for line in again.splitlines() if line.startswith("#") and "RUN date +%s%N > /first" in line][0].split()[0]
    assert (f"{first} CACHED" in again) == (finished or place == "build.committed")
    before = stamps(hulld)
    build(hulld, project)
    assert stamps(hulld) == before


@pytest.mark.parametrize("place", STEP + MOUNT + LINK + REMOTE + END)
def test_a_step_fails(hulld, faults, project, place):
    faults.order(place, "fail ENOSPC")
    failed = build(hulld, project, check=False)
    assert failed.returncode == 1 and faults.hit(place) and "No space left" in failed.stderr
    hulld.assert_clean()
    assert_nothing_half_done(hulld)
    build(hulld, project)
    assert stamps(hulld).count("\n") >= 2


def test_the_engine_is_killed_while_a_cache_comes_in(hulld, faults, project, tmp_path):
    build(hulld, project, "--cache-to", f"type=local,dest={tmp_path / 'taken'},mode=max")
    before = stamps(hulld)
    hulld.docker("rmi", "-f", "crash")
    hulld.hull("builder", "prune", "-af")
    faults.order("build.imported", "kill")
    assert build(hulld, project, "--cache-from", f"type=local,src={tmp_path / 'taken'}", check=False).returncode != 0
    hulld.process.wait(20)
    hulld.start()
    assert_nothing_half_done(hulld)
    build(hulld, project, "--cache-from", f"type=local,src={tmp_path / 'taken'}")
    assert stamps(hulld) == before


@pytest.mark.parametrize("place", REPOSITORY + ["build.committed"])
def test_the_engine_is_killed_with_a_repository(hulld, faults, tmp_path, place):
    repository = tmp_path / "r"
    repository.mkdir()
    run = lambda *words: subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *words], cwd=repository, check=True,
                                        capture_output=True)
    run("init", "-q", ".")
    (repository / "f").write_text("of git")
    run("add", "f")
    run("commit", "-q", "-m", "f")
    run("update-server-info")
    class Files(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(tmp_path / "served"))

        def log_message(self, *arguments):
            pass
    (tmp_path / "served").mkdir()
    (repository / ".git").rename(tmp_path / "served" / "r.git")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    context = tmp_path / "context"
    context.mkdir()
    # A plain web server cannot leave history out: everything is fetched.
    (context / "Dockerfile").write_text(f"FROM busybox\nADD http://127.0.0.1:{server.server_port}/r.git /r\n")
    try:
        faults.order(place, "kill")
        assert hulld.hull("build", "-t", "crash", context, check=False).returncode != 0
        hulld.process.wait(20)
        hulld.start()
        assert_nothing_half_done(hulld)
        hulld.hull("build", "-t", "crash", context)
        assert hulld.docker("run", "--rm", "crash", "cat", "/r/f").stdout == "of git"
    finally:
        server.shutdown()
        server.server_close()
