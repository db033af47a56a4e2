#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Images beside Docker and Podman: pull, load, save, push of one realistic image, with Debian's docker-registry on
loopback, and `images` with 1,000 of them. Everything lies on a fresh ext4 with a journal on a loop device: on others the
figures are about the file system's history. Needs root, and about 12 GiB under --directory."""
import argparse
import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from peers import Docker, Hull, Podman, write_json  # noqa: E402

# What the layers are made of: this machine's own programs, libraries and texts, up to a size each.
LAYERS = [(["/usr/lib/x86_64-linux-gnu", "/usr/bin"], 220 << 20), (["/usr/share"], 130 << 20),
          (["/usr/lib/python3", "/usr/lib/python3.11", "/usr/include"], 90 << 20)]


def run(*command, **options):
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, **options)


class Disk:
    """A fresh ext4 on a loop device."""

    def __init__(self, directory, gigabytes=12):
        self.image, self.path = directory / "disk.img", directory / "disk"
        with open(self.image, "wb") as file:
            file.truncate(gigabytes << 30)
        run("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", self.image)
        self.path.mkdir()
        run("mount", "-o", "loop", self.image, self.path)

    def close(self):
        for _ in range(20):
            if subprocess.run(["umount", self.path], capture_output=True).returncode == 0:
                break
            time.sleep(0.5)
        self.image.unlink()


def make_layer(path, sources, limit):
    total = 0
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for source in sources:
            for base, directories, names in os.walk(source):
                directories.sort()
                for name in sorted(names):
                    full = os.path.join(base, name)
                    info = tar.gettarinfo(full, full.lstrip("/"))
                    if not info or not (info.isfile() or info.issym()) or info.size > 20 << 20:
                        continue
                    info.type = tarfile.REGTYPE if info.islnk() else info.type
                    if info.isfile():
                        info.size = os.path.getsize(full)
                        with open(full, "rb") as content:
                            tar.addfile(info, content)
                    else:
                        tar.addfile(info)
                    total += info.size
                    if total > limit:
                        return


def make_archive(directory):
    """A docker-archive with plain layers."""
    tars = []
    for number, (sources, limit) in enumerate(LAYERS):
        tars.append(directory / f"layer{number}.tar")
        make_layer(tars[-1], sources, limit)
    diff_ids = []
    for tar in tars:
        with open(tar, "rb") as file:
            diff_ids.append("sha256:" + hashlib.file_digest(file, "sha256").hexdigest())
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/usr/bin/true"]},
                         "rootfs": {"type": "layers", "diff_ids": diff_ids}}).encode()
    name = hashlib.sha256(config).hexdigest() + ".json"
    (directory / name).write_bytes(config)
    (directory / "manifest.json").write_text(json.dumps([{"Config": name, "RepoTags": ["bench:1"], "Layers": [t.name for t in tars]}]))
    archive = directory / "bench.tar"
    run("tar", "-C", directory, "-cf", archive, name, "manifest.json", *[t.name for t in tars])
    return archive, tars


class Registry:
    def __init__(self, directory):
        directory.mkdir(parents=True)
        self.directory = directory
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.host = f"127.0.0.1:{probe.getsockname()[1]}"
        (directory / "config.yml").write_text(f'version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {directory}/data}}}}\n'
                                              f'http: {{addr: "{self.host}"}}\n')
        self.process = subprocess.Popen(["docker-registry", "serve", directory / "config.yml"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1)

    def close(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.directory)


def insecure(engine, *words):
    """Podman has to be told that the loopback may speak HTTP."""
    return [words[0], "--tls-verify=false", *words[1:]] if engine.name == "podman" else list(words)


def timed(act):
    begin = time.monotonic()
    act()
    return time.monotonic() - begin


def settle():
    os.sync()
    time.sleep(1)


def compressed(tars):
    """The layers as a registry has them, for the bare way of a pull."""
    for tar in tars:
        with open(f"{tar}.gz", "wb") as out:
            subprocess.run(["gzip", "-6", "-c", tar], stdout=out, check=True)
    return [f"{tar}.gz" for tar in tars]


def side_by_side(commands):
    for process in [subprocess.Popen(["bash", "-c", command] if isinstance(command, str) else command) for command in commands]:
        process.wait()


def bare(disk, tars, blobs, results):
    """The cheapest ways to put the same files there: unpack the plain tars side by side, or copy the trees; and, of the
    compressed layers that a pull gets, decompress, hash and unpack them side by side."""
    target = disk.path / "bare"
    unpacked = [target / f"t{n}" for n in range(len(tars))]
    for one in unpacked:
        one.mkdir(parents=True)

    def note(what, commands):
        seconds = timed(lambda: side_by_side(commands))
        results.setdefault(what, {}).setdefault("bare", []).append(seconds)
        print(f"  bare    {what:24} {seconds:6.2f} s", flush=True)
        settle()

    note("files from plain tars", [["tar", "-xf", tar, "-C", one] for tar, one in zip(tars, unpacked)])
    note("files copied", [["cp", "-a", one, f"{one}.copy"] for one in unpacked])
    shutil.rmtree(target)
    settle()
    for one in unpacked:
        one.mkdir(parents=True)
    program = "igzip" if shutil.which("igzip") else "gzip"
    note("files from gzipped tars", [f"tee >(sha256sum >/dev/null) <{blob} | {program} -dc | tee >(sha256sum >/dev/null) | tar -xf - -C {one}"
                                     for blob, one in zip(blobs, unpacked)])
    shutil.rmtree(target)
    settle()


def round_of(engine, registry, scratch, archive, results):
    name = f"{registry.host}/bench:1"

    def note(what, seconds):
        results.setdefault(what, {}).setdefault(engine.name, []).append(seconds)
        print(f"  {engine.name:7} {what:5} {seconds:6.2f} s", flush=True)

    note("pull", timed(lambda: engine.call(*insecure(engine, "pull", name))))
    engine.call("rmi", "-f", name)
    settle()
    note("load", timed(lambda: engine.call("load", "-i", str(archive))))
    settle()
    saved = scratch / "saved.tar"
    note("save", timed(lambda: engine.call("save", "-o", str(saved), "bench:1")))
    saved.unlink()
    settle()
    empty = Registry(scratch / "empty")
    engine.call("tag", "bench:1", f"{empty.host}/bench:1")
    note("push", timed(lambda: engine.call(*insecure(engine, "push", f"{empty.host}/bench:1"))))
    empty.close()
    engine.call("rmi", "-f", "bench:1", f"{empty.host}/bench:1", check=False)
    settle()


def peak_memory(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def list_many(hull, count=1000):
    with tempfile.TemporaryDirectory() as directory:
        tar = pathlib.Path(directory) / "one.tar"
        with tarfile.open(tar, "w") as archive:
            archive.addfile(tarfile.TarInfo("x"))
        for number in range(count):
            hull.call("import", "-c", f"LABEL n={number}", str(tar), f"many{number}:1")
    return [timed(lambda: hull.call("images")) for _ in range(11)]


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--build", default="build")
    options.add_argument("--directory", default="/var/tmp")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--json")
    options.add_argument("--engines", default="hull,docker,podman")
    arguments = options.parse_args()
    results = {}
    with contextlib.ExitStack() as stack:
        directory = pathlib.Path(tempfile.mkdtemp(prefix="hull-bench-images-", dir=arguments.directory))
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        disk = Disk(directory)
        stack.callback(disk.close)
        archive, tars = make_archive(directory)
        registry = Registry(directory / "registry")
        stack.callback(registry.close)
        run("skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false", f"docker-archive:{archive}", f"docker://{registry.host}/bench:1")
        blobs = compressed(tars)
        print(f"image: {sum(t.stat().st_size for t in tars) >> 20} MiB in {len(tars)} layers, as plain tars", flush=True)
        kinds = {"hull": lambda: Hull(disk.path, os.path.abspath(arguments.build)), "docker": lambda: Docker(disk.path), "podman": lambda: Podman(disk.path)}
        engines = []
        for name in arguments.engines.split(","):
            engines.append(kinds[name]())
            stack.callback(engines[-1].close)
        for number in range(arguments.rounds):
            print(f"round {number + 1}", flush=True)
            bare(disk, tars, blobs, results)
            for engine in engines:
                round_of(engine, registry, directory, archive, results)
        if engines[0].name == "hull":
            results["peak memory of hulld, MiB"] = {"hull": [peak_memory(engines[0].daemon.pid) / 1024]}
            results["images, 1,000"] = {"hull": list_many(engines[0])}
    print(f"\n{'':26}" + "".join(f"{name:>10}" for name in ("hull", "docker", "podman", "bare")) + "   docker/hull")
    for what, by_engine in results.items():
        medians = {name: statistics.median(values) for name, values in by_engine.items()}
        ratio = f"{medians['docker'] / medians['hull']:8.1f}" if "docker" in medians and "hull" in medians else ""
        shown = [medians.get(name) for name in ("hull", "docker", "podman", "bare")]
        print(f"{what:26}" + "".join(f"{value:10.3f}" if value is not None else f"{'':10}" for value in shown) + f"   {ratio}")
    if arguments.json:
        write_json(arguments.json, results)


if __name__ == "__main__":
    main()
