# SPDX-License-Identifier: Apache-2.0
"""What builds leave for later ones: caches that are taken to another engine, reasons, limits, layers that lie on other layers."""
import contextlib
import io
import json
import os
import sqlite3
import subprocess
import tarfile
import time

import pytest

from conftest import Hulld, running_engine, wait_until, write_files
from hull_registry import new_registry, registry  # noqa: F401


def output(engine, image, *command):
    return engine.docker("run", "--rm", image, *command).stdout


def build(engine, context, *flags, check=True):
    return engine.hull("build", "--progress=plain", *flags, context, check=check).stderr


@pytest.fixture
def other(busybox):
    """A second machine, as far as builds are concerned."""
    with running_engine(busybox, clean=True) as hulld:
        yield hulld


STAGES = """
FROM busybox AS compile
COPY a /a
RUN sleep 0.1; date +%s%N > /compiled
FROM busybox
WORKDIR /app
COPY --from=compile /compiled /app/
RUN date +%s%N > /when
ENV X=1
"""


@pytest.fixture
def project(tmp_path):
    write_files(tmp_path / "context", {"Dockerfile": STAGES, "a": "a"})
    return tmp_path / "context"


def base_of(engine, other):
    """Imports have times of their own: the other machine has to have the same base."""
    tar = subprocess.run(engine.command("docker", "save", "busybox"), env=engine.environment(), capture_output=True, check=True).stdout
    other.run("docker", "load", input=tar, text=False)


@pytest.mark.parametrize("mode", ["min", "max"])
def test_a_cache_in_a_directory(engine, other, project, tmp_path, mode):
    base_of(engine, other)
    directory = tmp_path / "cache"
    build(engine, project, "-t", "one", "--cache-to", f"type=local,dest={directory},mode={mode}")
    index = json.loads((directory / "index.json").read_text())
    assert len(index["manifests"]) == 1 and (directory / "oci-layout").exists()
    said = build(other, project, "-t", "one", "--cache-from", f"type=local,src={directory}")
    steps = {line.split("] ")[1]: number for line in said.splitlines() if line.startswith("#") and "] " in line
             for number in [line.split()[0]]}
    cached = {line.split()[0] for line in said.splitlines() if line.endswith(" CACHED")}
    compiled = steps["RUN sleep 0.1; date +%s%N > /compiled"] in cached
    assert compiled == (mode == "max")
    # Without the first stage's layers the second stage's COPY has another source.
    if mode == "max":
        assert other.inspect("one", "{{.Id}}") == engine.inspect("one", "{{.Id}}")
        assert output(other, "one", "cat", "/when") == output(engine, "one", "cat", "/when")
    missing = build(other, project, "--cache-from", f"type=local,src={tmp_path / 'nowhere'}")
    assert "there is no cache" in missing


@pytest.mark.parametrize("mode", ["min", "max"])
def test_a_cache_in_a_registry(engine, other, project, registry, mode):
    base_of(engine, other)
    reference = f"{registry.address}/cache/{mode}:v1"
    (project / "a").write_text(f"registry {mode}")
    build(engine, project, "-t", "two", "--cache-to", f"type=registry,ref={reference},mode={mode}")
    build(other, project, "-t", "two", "--cache-from", reference)
    if mode == "max":
        assert other.inspect("two", "{{.Id}}") == engine.inspect("two", "{{.Id}}")
    said = build(other, project, "--cache-from", f"{registry.address}/cache/none:v1")
    assert "failed to import cache" in said  # and the build goes on


@pytest.mark.parametrize("cli", ["docker", "hull"])
def test_a_cache_inside_of_the_image(engine, other, tmp_path, registry, cli):
    base_of(engine, other)
    context = tmp_path / "context"
    write_files(context, {"Dockerfile": f"FROM busybox\nRUN echo {cli}; date +%s%N > /when\nRUN date +%s%N > /then\nLABEL a=b\n"})
    name = f"{registry.address}/inline/{cli}:v1"
    flags = ["--build-arg", "BUILDKIT_INLINE_CACHE=1"] if cli == "docker" else ["--cache-to", "type=inline"]
    engine.run(cli, "build", "-t", name, *flags, context)
    engine.docker("push", name)
    other.run(cli, "build", "-t", "here", "--cache-from", name, *flags, context)
    assert output(other, "here", "cat", "/when", "/then") == output(engine, name, "cat", "/when", "/then")
    assert other.inspect("here", "{{.Id}}") == engine.inspect(name, "{{.Id}}")
    # An image that is here already brings its cache, too.
    other.docker("rmi", "here")
    other.hull("builder", "prune", "-af")
    other.docker("pull", name)
    other.run(cli, "build", "-t", "again", "--cache-from", name, *flags, context)
    assert other.inspect("again", "{{.Id}}") == engine.inspect(name, "{{.Id}}")


def test_two_machines_make_the_same_image_with_a_date(engine, other, tmp_path):
    base_of(engine, other)
    ids = []
    for number, machine in enumerate((engine, other)):
        context = tmp_path / f"context{number}"
        write_files(context, {"Dockerfile": "FROM busybox AS a\nWORKDIR /made/here\nCOPY --link d d\nRUN echo run > /r && mkdir /empty\n"
                                      "FROM busybox\nCOPY --from=a /r /made /empty /all/\nADD d/f <<E /deep/er/\ntext\nE\nENV A=b\n",
                        "d/f": "same"})
        os.utime(context / "d" / "f", (1.7e9 + number, 1.7e9 + number))
        environment = {**machine.environment(), "SOURCE_DATE_EPOCH": "1600000000"}
        subprocess.run(machine.command("hull", "build", "-q", "-o", "type=image,name=dated,rewrite-timestamp=true", context),
                       env=environment, check=True, capture_output=True)
        ids.append(machine.inspect("dated", "{{.Id}} {{.Created}}"))
        time.sleep(1.1)
    assert ids[0] == ids[1] and ids[0].endswith("2020-09-13T12:26:40Z")
    assert output(engine, "dated", "stat", "-c", "%Y", "/all/r", "/all/here", "/deep/er/E", "/all").split() == ["1600000000"] * 4


def test_a_damaged_cache_is_not_used(engine, other, project, tmp_path):
    base_of(engine, other)
    directory = tmp_path / "cache"
    build(engine, project, "--cache-to", f"type=local,dest={directory},mode=max")
    blobs = sorted((directory / "blobs" / "sha256").iterdir(), key=lambda blob: blob.stat().st_size)
    for blob in blobs:
        if blob.read_bytes()[:2] == b"\x1f\x8b":
            blob.write_bytes(blob.read_bytes()[:-20])
    result = other.hull("build", "--cache-from", f"type=local,src={directory}", project, check=False)
    assert result.returncode == 1 and "Error" not in result.stdout
    other.hull("build", project)
    other.assert_clean()
    assert not list((other.data / "incoming").glob("cache*"))


def reasons(said):
    return [line.split("not cached: ")[1] for line in said.splitlines() if "not cached: " in line]


def test_why_a_step_was_not_cached(engine, tmp_path):
    context = tmp_path / "why"
    dockerfile = "FROM busybox\nARG V=1\nCOPY src /src\nRUN echo $V\nWORKDIR /x\nRUN true\n"
    write_files(context, {"Dockerfile": dockerfile, "src/a": "a", "src/b": "b", "src/c": "c"})
    assert reasons(build(engine, context, "--why")) == ["no earlier build of this context and Dockerfile is known"] * 4
    assert reasons(build(engine, context, "--why")) == []
    write_files(context, {"src/b": "other", "src/new": "n"})
    (context / "src" / "a").chmod(0o600)
    (context / "src" / "c").unlink()
    said = reasons(build(engine, context, "--why"))
    assert "the mode of src/a changed, src/b changed, src/new is new and 1 more" in said[0]
    assert said[1:] == [f"it stands on another result of {name}" for name in
                        ("[3/6] COPY src /src", "[4/6] RUN echo $V", "[5/6] WORKDIR /x")]
    said = reasons(build(engine, context, "--why", "--build-arg", "V=2"))
    assert said[0] == 'V was "1" and is "2"'
    write_files(context, {"Dockerfile": dockerfile.replace("RUN true", "RUN false || true")})
    said = reasons(build(engine, context, "--why", "--build-arg", "V=2"))
    assert said == ['the instruction changed: it was "RUN true"']
    assert set(reasons(build(engine, context, "--why", "--no-cache", "--build-arg", "V=2"))) == {"--no-cache or --no-cache-filter says so"}
    engine.hull("builder", "prune", "-af", "--filter", "type=regular")
    said = reasons(build(engine, context, "--why", "--build-arg", "V=2"))
    assert said[:3] == ["its result is not in the cache any more"] * 3
    classic = engine.docker("build", "--no-cache", context).stdout
    assert "Not cached" not in classic  # nobody asked


def test_linked_layers_are_used_again(engine, tmp_path):
    context = tmp_path / "link"
    write_files(context, {"f": "f" * 100, "deep/g": "g"})
    def dockerfile(base):
        return f"""
FROM busybox
RUN mkdir -p /usr/share/{base} && echo {base} > /usr/share/{base}/x
COPY --link f /usr/share/data/
COPY --link --chown=1001:1002 --chmod=u=rw,g=r,o=,+X deep /usr/share/data/deep
RUN stat -c '%U %a' /usr/share/data/deep/g > /owner
"""
    write_files(context, {"Dockerfile": dockerfile("one")})
    build(engine, context, "-t", "one")
    write_files(context, {"Dockerfile": dockerfile("two")})
    build(engine, context, "-t", "two")
    layers = [json.loads(engine.inspect(name, "{{json .RootFS.Layers}}")) for name in ("one", "two")]
    assert layers[0][2:4] == layers[1][2:4] and layers[0][1] != layers[1][1]  # the same layers on different ones
    for name in ("one", "two"):
        # What is below shows: a linked layer hides nothing.
        assert output(engine, name, "sh", "-c", f"cat /usr/share/{name}/x /owner; ls /usr/share/data; ls /bin/sh") == \
            f"{name}\nweb 640\ndeep\nf\n/bin/sh\n"
    files = [p for p in (engine.data / "layers").glob("*/diff/usr/share/data/f")]
    assert len(files) >= 2 and len({p.stat().st_ino for p in files}) == 1  # one file, however many layers have it
    # It goes into an archive and comes back as what it was.
    tar = subprocess.run(engine.command("docker", "save", "two"), env=engine.environment(), capture_output=True, check=True).stdout
    engine.docker("rmi", "two")
    engine.run("docker", "load", input=tar, text=False)
    assert output(engine, "two", "cat", "/usr/share/two/x") == "two\n"


def test_large_files_of_stages_are_not_copied(engine, tmp_path):
    write_files(tmp_path, {"Dockerfile": """
FROM busybox AS made
RUN mkdir -p /out/sub && dd if=/dev/urandom of=/out/sub/big bs=1M count=4 && echo s > /out/small && chmod 640 /out/sub/big
FROM busybox
COPY --from=made /out /as/it/is
COPY --from=made --chmod=600 /out /changed
RUN echo more >> /as/it/is/sub/big
"""})
    build(engine, tmp_path, "-t", "shared")
    files = {str(p.relative_to(p.parents[-1])): p.stat() for p in (engine.data / "layers").glob("*/diff/*/**/big")}
    of = lambda end: [info for path, info in files.items() if path.endswith(end)]
    stage = of("diff/out/sub/big")[0]
    inodes = {info.st_ino for info in of("diff/as/it/is/sub/big")}
    assert stage.st_ino in inodes and len(inodes) == 2  # one file in two layers, and the one that RUN has changed
    assert of("diff/changed/sub/big")[0].st_ino != stage.st_ino
    assert stage.st_size == 4 << 20 and stage.st_nlink == 2
    assert output(engine, "shared", "stat", "-c", "%a %s", "/changed/sub/big", "/as/it/is/sub/big").split() == \
        ["600", str(4 << 20), "640", str((4 << 20) + 5)]
    tar = subprocess.run(engine.command("docker", "save", "shared"), env=engine.environment(), capture_output=True, check=True).stdout
    engine.docker("rmi", "shared")
    engine.run("docker", "load", input=tar, text=False)
    assert output(engine, "shared", "cat", "/as/it/is/small") == "s\n"


def test_what_has_not_changed_is_not_copied_again(engine, tmp_path):
    """A COPY that is done again gives files of the last build's layer another name, when they are the same in everything."""
    write_files(tmp_path, {"Dockerfile": "FROM busybox\nCOPY . /app\nCOPY one/x /single\n", "one/same": "1", "one/content": "1",
                           "one/mode": "1", "one/time": "1", "one/x": "1", "two/same": "2", "two/gone": "2"})
    def layer(value):
        """The directory of the layer that has it as the changed file's content."""
        return next(p.parent.parent for p in (engine.data / "layers").glob("*/diff/app/one/content") if p.read_text() == value)
    def built(value):
        build(engine, tmp_path, "-t", "again")
        found = layer(value)
        files = {str(p.relative_to(tmp_path)): p for top in ("one", "two") for p in (tmp_path / top).iterdir()}
        for name, file in files.items():
            copy, there = found / name, file.stat()
            assert copy.read_text() == file.read_text(), name
            assert (copy.stat().st_mode, copy.stat().st_mtime_ns) == (there.st_mode, there.st_mtime_ns), name
        assert {str(p.relative_to(found)) for top in ("one", "two") for p in (found / top).iterdir()} == set(files)
        return found
    first = built("1")
    # Digests are kept of what can be shared: not of a file that goes into a directory of the layers below.
    assert (first.parent.parent / "digests").is_file()
    (single,) = (p for p in (engine.data / "layers").glob("*/diff/single") if p.read_text() == "1")
    assert not (single.parent.parent / "digests").exists()
    os.chmod(tmp_path / "one/mode", 0o600)
    os.utime(tmp_path / "one/time", ns=(0, 10**18))
    (tmp_path / "one/content").write_text("3")
    (tmp_path / "two/gone").unlink()
    (tmp_path / "two/new").write_text("3")
    second = built("3")
    shared = {name for name in ("one/same", "one/content", "one/mode", "one/time", "one/x", "two/same")
              if (first / name).stat().st_ino == (second / name).stat().st_ino}
    assert shared == {"one/same", "one/x", "two/same"}
    # The same words, but what they copy is something else of the same name, size and time.
    write_files(tmp_path, {"Dockerfile": "ARG from=one\nFROM busybox\nARG from\nCOPY $from/same /to/\nCOPY $from /to\n"})
    for name in ("one/same", "two/same"):
        os.utime(tmp_path / name, ns=(0, 10**18))
    for name, content in (("one", "1"), ("two", "2")):
        build(engine, tmp_path, "-t", "again", "--build-arg", f"from={name}")
        assert output(engine, "again", "cat", "/to/same") == content
    # Two directories of one COPY have a file of the same name: the second one's is there, whichever has changed.
    write_files(tmp_path, {"Dockerfile": "FROM busybox\nCOPY one two /both/\n"})
    for name, content in (("one/content", "4"), ("two/same", "5"), ("one/content", "6")):
        write_files(tmp_path, {name: content})
        build(engine, tmp_path, "-t", "again")
        assert output(engine, "again", "cat", "/both/same") == (tmp_path / "two/same").read_text()
    # What an archive or a document puts over a file is not taken for that file.
    for step in ("COPY <<same /app/two/\nD\nsame\n", "ADD a.tar /app/\n"):
        with tarfile.open(tmp_path / "a.tar", "w") as tar:
            info = tarfile.TarInfo("two/same")
            info.size, info.mtime = 2, 10**9
            tar.addfile(info, io.BytesIO(b"T\n"))
        write_files(tmp_path, {"Dockerfile": f"FROM busybox\nCOPY . /app\n{step}", "counter": step})
        for counter in range(2):
            write_files(tmp_path, {"counter": f"{step} {counter}"})
            build(engine, tmp_path, "-t", "again")
            assert output(engine, "again", "cat", "/app/two/same") == ("D\n" if "<<" in step else "T\n")


def test_after_a_power_cut_a_build_is_whole_or_absent(own_engine, tmp_path):
    """An image is answered for before it is on the disk; until then neither it nor the steps of its build are trusted."""
    write_files(tmp_path, {"Dockerfile": "FROM busybox\nCOPY f /f\nRUN echo r > /r\n", "f": "f"})
    build(own_engine, tmp_path, "-t", "made")

    def records(change=None):
        with contextlib.closing(sqlite3.connect(own_engine.data / "hull.db")) as database, database:
            if change:
                database.execute(change)
            return database.execute("SELECT count(*) FROM build_records WHERE boot <> ''").fetchone()[0]

    def machine_goes_down():
        mark = own_engine.data / "unsynced" / own_engine.inspect("made", "{{.Id}}").removeprefix("sha256:")
        wait_until(lambda: not mark.exists())
        time.sleep(0.5)  # the records come after the mark
        own_engine.stop()
        assert records() == 0
        records("UPDATE build_records SET boot = 'another boot'")
        mark.write_text("another boot\n")
    machine_goes_down()
    own_engine.start()
    assert output(own_engine, "made", "cat", "/f", "/r") == "fr\n"
    assert "CACHED" not in build(own_engine, tmp_path, "-t", "made")
    machine_goes_down()
    for path in (own_engine.data / "layers").glob("*/diff/r"):
        path.write_bytes(b"")
    own_engine.start()
    assert not own_engine.docker("images", "-q", "made").stdout
    build(own_engine, tmp_path, "-t", "made")
    assert output(own_engine, "made", "cat", "/f", "/r") == "fr\n"


def test_the_cache_keeps_to_its_limits(busybox, tmp_path):
    config = tmp_path / "daemon.json"
    config.write_text(json.dumps({"builder": {"gc": {"policy": [{"all": True, "maxUsedSpace": "5MB"}]}}}))
    hulld = Hulld()
    try:
        hulld.start("--config-file", config)
        hulld.docker("import", busybox, "busybox")
        for number in range(4):
            write_files(tmp_path / "context", {"Dockerfile": f"FROM busybox\nRUN echo {number}; dd if=/dev/zero of=/big bs=1M count=3\n"})
            hulld.hull("build", "-o", "type=cacheonly", tmp_path / "context")
        def used():
            return sum(one["Size"] for one in json.loads(subprocess.run(
                ["curl", "-s", "--unix-socket", hulld.socket, "http://hull/system/df?type=build-cache"], capture_output=True).stdout)["BuildCache"])
        assert used() > 5e6  # garbage is collected now and then, not at once
        time.sleep(10)
        hulld.hull("build", "--no-cache", "-o", "type=cacheonly", tmp_path / "context")
        wait_until(lambda: used() <= 5e6)
        config.write_text(json.dumps({"builder": {"gc": {"policy": [{"maxUsedSpace": "much"}]}}}))
        refused = subprocess.run([hulld.program, "--validate", "--config-file", config], capture_output=True, text=True)
        assert refused.returncode != 0 and "builder.gc" in refused.stderr
    finally:
        hulld.close()


def test_prune_keeps_what_fits(own_engine, tmp_path):
    for number in range(3):
        write_files(tmp_path, {"Dockerfile": f"FROM busybox\nRUN echo {number}; dd if=/dev/zero of=/big bs=1M count=2\n"})
        own_engine.hull("build", "-o", "type=cacheonly", tmp_path)
        time.sleep(0.05)
    said = own_engine.hull("builder", "prune", "-f", "--max-used-space", "5m").stdout
    assert "Total reclaimed space: 2.097MB" in said
    said = own_engine.hull("builder", "prune", "-f", "--max-used-space", "1m", "--reserved-space", "3m").stdout
    assert "Total reclaimed space: 2.097MB" in said
