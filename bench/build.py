# SPDX-License-Identifier: Apache-2.0
"""`make bench-build`: builds by hull, by Docker's classic builder, by BuildKit and by Buildah, in turn, as bench.py does it."""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import bench
import peers
from buildkit import BuildKit

TEN_STEPS = "FROM busybox\n" + "".join(f"RUN echo {n} > /file{n}\n" for n in range(9))
STAGES = ("FROM busybox AS left\nRUN sleep 0.2; echo l > /l\nFROM busybox AS right\nRUN sleep 0.2; echo r > /r\n"
          "FROM busybox\nCOPY --from=left /l /\nCOPY --from=right /r /\n")


class Buildah(peers.Engine):
    """Has its own store; speaks of layers only when asked."""
    name = "buildah"

    def __init__(self, directory, tar):
        super().__init__(directory)
        container = self.call("from", "scratch").stdout.strip()
        self.call("add", container, tar, "/")
        self.call("commit", "-q", container, "busybox")
        self.call("rm", container)

    def cli(self, *arguments):
        verb, *rest = arguments
        if verb == "build":
            verb, rest = "build", ["--layers", "--isolation", "oci", "--runtime", "runc", "--network", "private", *rest]
        return ["buildah", "--root", os.path.join(self.directory, "root"), "--runroot", os.path.join(self.directory, "run"),
                "--storage-driver", "overlay", verb, *rest]

    def remove_all(self):
        self.call("rmi", "-a", "-f", check=False)

    def close(self):
        self.remove_all()


def build(engine, context, *flags):
    begin = time.perf_counter()
    if engine.name == "buildkit":
        engine.build(context, *flags)
    else:
        engine.call("build", "-q", *flags, "-t", "bench", str(context))
    return time.perf_counter() - begin


def directory(base, name, dockerfile):
    path = pathlib.Path(base) / name
    path.mkdir()
    (path / "Dockerfile").write_text(dockerfile)
    return path


def many_files(base, count):
    path = directory(base, "many", "FROM busybox\nCOPY . /app\n")
    for number in range(count):
        folder = path / f"d{number // 100}"
        folder.mkdir(exist_ok=True)
        (folder / f"f{number}").write_text(f"{number} " * 200)
    time.sleep(1.1)  # files that have just changed are read again
    return path


def changed(engine, path, numbers={}):
    numbers[engine.name] = numbers.get(engine.name, 0) + 1
    (path / "d0" / "f0").write_text(f"{engine.name} {numbers[engine.name]}")
    return build(engine, path)


def large(base, megabytes):
    """One layer that gzip has something to do with: half of it is noise."""
    path = directory(base, "large", "FROM busybox\nCOPY big /big\n")
    noise = os.urandom(1 << 20)
    with open(path / "big", "wb") as file:
        for number in range(megabytes):
            file.write(noise if number % 2 else bytes([number % 256]) * (1 << 20))
    return path


def export(engine, path):
    """The image of one large layer as an archive; the build before it is cached."""
    target = os.path.join(engine.directory, "export.tar")
    begin = time.perf_counter()
    if engine.name == "hull":
        engine.call("build", "-q", "-t", "large", "-o", f"type=docker,dest={target}", str(path))
    elif engine.name == "docker":
        engine.call("build", "-q", "-t", "large", str(path))
        engine.call("save", "-o", target, "large")
    elif engine.name == "buildkit":
        engine.build(path, output=f"type=docker,name=large,dest={target}")
    else:
        engine.call("build", "-q", "-t", "large", str(path))
        engine.call("push", "-q", "large", f"docker-archive:{target}")
    spent = time.perf_counter() - begin
    os.unlink(target)
    return spent


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    parser.add_argument("--json")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--files", type=int, default=20000)
    parser.add_argument("--megabytes", type=int, default=1024, help="of the layer that is exported")
    parser.add_argument("--only", help="comma-separated engines: hull,docker,buildkit,buildah")
    options = parser.parse_args()
    wanted = options.only.split(",") if options.only else ["hull", "docker", "buildkit", "buildah"]
    os.environ["DOCKER_BUILDKIT"] = "0"
    base = tempfile.mkdtemp(prefix="hull-bench-")
    engines, results = [], []
    try:
        tar = os.path.join(base, "busybox.tar")
        peers.make_busybox_tar(tar)
        engines.append(peers.Hull(base, os.path.abspath(options.build)))
        if "docker" in wanted and os.path.exists("/usr/sbin/dockerd"):
            engines.append(peers.Docker(base))
        for engine in engines:
            engine.call("import", tar, "busybox")
        programs = os.path.join(os.path.abspath(options.build), "buildkit")
        if "buildkit" in wanted and os.path.exists(os.path.join(programs, "version")):
            engines.append(BuildKit(base, programs, tar))
        if "buildah" in wanted and shutil.which("buildah"):
            engines.append(Buildah(base, tar))
        ten, stages = directory(base, "ten", TEN_STEPS), directory(base, "stages", STAGES)

        def measure(title, sample, targets=()):
            values = bench.interleaved(engines, options.rounds, sample)
            results.append(bench.row(title, "ms", bench.milliseconds(values), targets=targets))
        measure("build, ten steps, no cache", lambda e: build(e, ten, "--no-cache"), [("best", 3)])
        measure("build, ten steps, all cached", lambda e: build(e, ten), [("absolute", 25), ("best", 10)])
        measure("build, two stages of 0.2 s, no cache", lambda e: build(e, stages, "--no-cache"))
        many = many_files(base, options.files)
        measure(f"build, {options.files} files, all cached", lambda e: build(e, many), [("best", 5)])
        measure(f"build, {options.files} files, one changed", lambda e: changed(e, many), [("best", 5)])
        big = large(base, options.megabytes)
        for engine in engines:
            build(engine, big)
        measure(f"export, one layer of {options.megabytes} MiB", lambda e: export(e, big), [("best", 2)])
    finally:
        for engine in engines:
            engine.close()
        subprocess.run(["rm", "-rf", "--one-file-system", base])
    bench.print_table(results, ("hull", "docker", "buildkit", "buildah"))
    if options.json:
        peers.write_json(options.json, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
