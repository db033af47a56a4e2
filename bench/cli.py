# SPDX-License-Identifier: Apache-2.0
"""`make bench-cli`: hull's command line beside the docker CLI, both given to the same hulld with many containers and images, so
that what differs is the command line alone. Medians of interleaved rounds, in milliseconds."""
import argparse
import http.client
import json
import os
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

import peers

# title, arguments, most milliseconds that hull may take
COMMANDS = [
    ("--version", ["--version"], 3),
    ("ps -a", ["ps", "-a"], 20),
    ("ps -aq", ["ps", "-aq"], None),
    ("ps -a --format json", ["ps", "-a", "--format", "json"], None),
    ("inspect", ["inspect", "c5"], None),
    ("inspect --format", ["inspect", "--format", "{{.State.Status}}", "c5"], None),
    ("images", ["images"], None),
    ("completion of a name", ["__complete", "rm", "c99"], None),
    ("completion of a flag", ["__complete", "run", "--pu"], None),
    ("run --help", ["run", "--help"], None),
]


class Api(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("engine")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)

    def post(self, path, body=None):
        self.request("POST", f"/v1.51{path}", json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
        answer = self.getresponse()
        answer.read()
        assert answer.status < 300, answer.status


def fill(engine, containers, images):
    """Containers that are only created, and names for the one image."""
    api = Api(engine.socket)
    for number in range(containers):
        api.post(f"/containers/create?name=c{number}", {"Image": "busybox", "Cmd": ["sleep", "100"], "Labels": {"app": "bench", "number": str(number)},
                                                       "HostConfig": {"NetworkMode": "none"}})
    for number in range(images):
        api.post(f"/images/busybox/tag?repo=bench/image{number}&tag=latest")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--json")
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--containers", type=int, default=1000)
    parser.add_argument("--images", type=int, default=100)
    options = parser.parse_args()
    docker = shutil.which("docker")
    results = []
    with tempfile.TemporaryDirectory(prefix="hull-bench-cli-") as directory:
        engine = peers.Hull(directory, os.path.abspath(options.build))
        try:
            tar = os.path.join(directory, "busybox.tar")
            peers.make_busybox_tar(tar)
            engine.call("import", tar, "busybox")
            fill(engine, options.containers, options.images)
            programs = {"hull": engine.cli()[0], **({"docker": docker} if docker else {})}
            environment = {**engine.environment(), "DOCKER_CONFIG": directory}
            print(f"{options.containers} containers, {options.images} names of images; milliseconds (median, and the least)")
            print(f"{'':24}{'hull':>16}{'docker':>16}{'docker/hull':>14}")
            for title, arguments, most in COMMANDS:
                times = {name: [] for name in programs}
                for _ in range(options.rounds):
                    for name, program in programs.items():
                        begin = time.perf_counter()
                        subprocess.run([program, *arguments], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
                        times[name].append((time.perf_counter() - begin) * 1000)
                entry = {"title": title, "most": most, **{name: {"median": statistics.median(values), "least": min(values)} for name, values in times.items()}}
                results.append(entry)
                ratio = f"{entry['docker']['median'] / entry['hull']['median']:.1f}" if "docker" in entry else "-"
                cells = "".join(f"{entry[name]['median']:>9.1f} ({entry[name]['least']:.1f})" if name in entry else f"{'-':>16}" for name in ("hull", "docker"))
                missed = f"   more than {most} ms" if most and entry["hull"]["least"] > most else ""
                print(f"{title:24}{cells}{ratio:>14}{missed}")
            sizes = {name: os.path.getsize(os.path.realpath(program)) / 1e6 for name, program in programs.items()}
            print("size of the program, MB   " + "   ".join(f"{name} {size:.1f}" for name, size in sizes.items()))
            results.append({"title": "size", **sizes})
        finally:
            engine.close()
    if options.json:
        peers.write_json(options.json, results)


if __name__ == "__main__":
    main()
