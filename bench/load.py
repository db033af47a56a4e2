# SPDX-License-Identifier: Apache-2.0
"""`make bench-load`: the engines under load, one after the other: verbs, 64 runs at once, a gigabyte of log, hundreds of
running containers, a thousand attached clients, two hundred followers of a log. Medians; a measure that an engine cannot
do is left out."""
import argparse
import concurrent.futures
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import bench
import peers

SLEEP = ("busybox", "sleep", "100000")


def verbs(engine, rounds):
    """{verb: median seconds} of the commands that people and scripts use, with ten other containers running."""
    times = {verb: [] for verb in ("create", "start", "exec", "ps", "inspect", "logs", "stop -t 0", "rm")}
    for number in range(10):
        engine.call("run", "-d", "--name", f"other{number}", *SLEEP)
    for number in range(rounds + 1):
        name = f"verb{number}"
        commands = {"create": ["create", "--name", name, *SLEEP], "start": ["start", name], "exec": ["exec", name, "true"],
                    "ps": ["ps"], "inspect": ["inspect", name], "logs": ["logs", name],
                    "stop -t 0": ["stop", "-t", "0", name], "rm": ["rm", name]}
        for verb, command in commands.items():
            seconds = bench.timed(engine, *command)
            if number:  # the first round warms up
                times[verb].append(seconds)
    engine.remove_all()
    return {verb: statistics.median(values) for verb, values in times.items()}


def runs_at_once(engine, count):
    """(seconds until all are answered, containers per second) of `run -d` that are all sent at once."""
    begin = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        list(pool.map(lambda _: engine.call("run", "-d", "--network", "none", *SLEEP, check=False), range(count)))
    seconds = time.perf_counter() - begin
    running = len(engine.call("ps", "-q").stdout.split())
    engine.remove_all()
    return seconds, running / seconds


def spread_of_runs(engine, count):
    """(first, last) answer of `run --rm` that are all sent at once, in seconds after the beginning."""
    begin, moments = time.perf_counter(), []

    def one(_):
        engine.call("run", "--rm", "--network", "none", "busybox", "true", check=False)
        moments.append(time.perf_counter() - begin)
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        list(pool.map(one, range(count)))
    return min(moments), max(moments)


def log_of_a_gigabyte(engine, megabytes):
    """(seconds to write, seconds to read back) a log of lines of 1,000 characters."""
    line = "x" * 999
    options = ["--log-opt", "max-size=-1"] if engine.name == "hull" else []
    begin = time.perf_counter()
    process = subprocess.run(engine.cli("run", "-d", "--name", "talks", "--network", "none", *options, "busybox", "sh", "-c",
                                        f"yes {line} | head -n {megabytes * 1000}"), env=engine.environment(),
                             capture_output=True, check=True)
    engine.call("wait", "talks")
    written = time.perf_counter() - begin
    begin = time.perf_counter()
    read = subprocess.Popen(engine.cli("logs", "talks"), env=engine.environment(), stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL)
    size = 0
    while piece := read.stdout.read(1 << 20):
        size += len(piece)
    read.wait()
    seconds = time.perf_counter() - begin
    engine.remove_all()
    if size < megabytes * 1_000_000:
        raise RuntimeError(f"{engine.name} gave back {size} bytes of a log of {megabytes} MB ({process.stdout!r})")
    return written, seconds


def many_running(engine, count, rounds):
    """Memory per container (KiB), and seconds of `ps` and `stats --no-stream` with `count` running ones."""
    own_before = sum(map(peers.pss_kib, engine.processes()))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: engine.call("run", "-d", "--network", "none", *SLEEP), range(count)))
    time.sleep(2)
    supervisors = set(engine.container_processes())
    own = set(engine.processes()) - supervisors
    memory = (sum(map(peers.pss_kib, supervisors)) + sum(map(peers.pss_kib, own)) - own_before) / count
    result = {"memory": memory,
              "ps": statistics.median(bench.timed(engine, "ps") for _ in range(rounds)),
              "stats": bench.timed(engine, "stats", "--no-stream")}
    begin = time.perf_counter()
    engine.remove_all()
    result["rm -f all"] = time.perf_counter() - begin
    return result


class Stream:
    """One client of a stream of the Engine API, over a plain socket."""

    def __init__(self, engine, request, upgrade):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(engine.socket)
        extra = "Connection: Upgrade\r\nUpgrade: tcp\r\n" if upgrade else ""
        self.socket.sendall(f"{request} HTTP/1.1\r\nHost: x\r\n{extra}\r\n".encode())
        self.data = b""

    def wait_for(self, text):
        while text not in self.data:
            piece = self.socket.recv(65536)
            if not piece:
                raise RuntimeError("the engine closed the stream")
            self.data = (self.data + piece)[-65536:]

    def close(self):
        self.socket.close()


def streams(engine, count, request, upgrade):
    """`count` clients of one container's output: (seconds to connect all, seconds until a line has reached all, KiB of the
    engine and supervisors per client)."""
    engine.call("run", "-d", "-i", "--name", "talks", "--network", "none", "busybox", "sh", "-c",
                "while read line; do echo $line; done")
    processes = lambda: set(engine.processes()) | set(engine.container_processes())
    before = sum(map(peers.pss_kib, processes()))
    begin = time.perf_counter()
    clients = []
    for _ in range(count):
        clients.append(Stream(engine, request, upgrade))
        clients[-1].wait_for(b"\r\n\r\n")
    connected = time.perf_counter() - begin
    memory = (sum(map(peers.pss_kib, processes())) - before) / count
    writer = Stream(engine, "POST /containers/talks/attach?stream=1&stdin=1", True)
    writer.wait_for(b"\r\n\r\n")
    begin = time.perf_counter()
    writer.socket.sendall(b"to-everybody\n")
    for client in clients:
        client.wait_for(b"to-everybody")
    reached = time.perf_counter() - begin
    for client in [*clients, writer]:
        client.close()
    engine.remove_all()
    return connected, reached, memory


def measures(options):
    """(titles and units, function of an engine that gives the values) of everything."""
    milliseconds = lambda values: [value * 1000 for value in values]
    attach = "POST /containers/talks/attach?stream=1&stdout=1"
    follow = "GET /containers/talks/logs?follow=1&stdout=1"
    many, attached, followers = options.running, options.attached, options.followers
    sessions = lambda what, count: [(f"{count} {what}: connect all", "ms"), (f"{count} {what}: a line reaches all", "ms"),
                                    (f"{count} {what}: memory of each", "KiB")]

    def streamed(engine, count, request, upgrade):
        connected, reached, memory = streams(engine, count, request, upgrade)
        return [connected * 1000, reached * 1000, memory]

    def crowded(engine):
        result = many_running(engine, many, 5)
        return [result["memory"], result["ps"] * 1000, result["stats"] * 1000, result["rm -f all"]]

    return {
        "verbs": ([(verb, "ms") for verb in ("create", "start", "exec", "ps", "inspect", "logs", "stop -t 0", "rm")],
                  lambda engine: milliseconds(verbs(engine, options.rounds).values())),
        "at-once": ([("64 × run --rm at once: first answer", "ms"), ("64 × run --rm at once: last answer", "ms")],
                    lambda engine: milliseconds(spread_of_runs(engine, 64))),
        "rate": ([("64 × run -d at once: all answered", "s"), ("64 × run -d at once: rate", "per s")],
                 lambda engine: runs_at_once(engine, 64)),
        "log": ([(f"a log of {options.log} MB: written", "s"), (f"a log of {options.log} MB: read back", "s")],
                lambda engine: log_of_a_gigabyte(engine, options.log)),
        "running": ([(f"{many} running: memory of each", "KiB"), (f"{many} running: ps", "ms"),
                     (f"{many} running: stats --no-stream", "ms"), (f"{many} running: rm -f of all", "s")], crowded),
        "attach": (sessions("attached", attached), lambda engine: streamed(engine, attached, attach, True)),
        "follow": (sessions("followers of a log", followers), lambda engine: streamed(engine, followers, follow, False)),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    parser.add_argument("--json")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--log", type=int, default=1000, help="megabytes")
    parser.add_argument("--running", type=int, default=500)
    parser.add_argument("--attached", type=int, default=1000)
    parser.add_argument("--followers", type=int, default=200)
    parser.add_argument("--only", default="hull,docker,podman", help="comma-separated engines")
    parser.add_argument("--measures", help="comma-separated: verbs,at-once,rate,log,running,attach,follow")
    options = parser.parse_args()
    wanted = options.only.split(",")
    makers = {"hull": lambda d: peers.Hull(d, os.path.abspath(options.build))}
    if os.path.exists("/usr/sbin/dockerd"):
        makers["docker"] = peers.Docker
    if shutil.which("podman"):
        makers["podman"] = peers.Podman
    chosen = {name: work for name, work in measures(options).items()
              if not options.measures or name in options.measures.split(",")}
    values = {}  # (title, unit) -> {engine: value}
    for name in (name for name in makers if name in wanted):
        directory = tempfile.mkdtemp(prefix="hull-load-")
        engine = makers[name](directory)
        try:
            tar = os.path.join(directory, "busybox.tar")
            peers.make_busybox_tar(tar)
            engine.call("import", tar, "busybox")
            for measure, (titles, work) in chosen.items():
                if measure in ("attach", "follow") and not engine.daemon:
                    continue
                try:
                    for title, value in zip(titles, work(engine)):
                        values.setdefault(title, {})[name] = value
                except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
                    print(f"{name} cannot do {measure}: {error} {getattr(error, 'stderr', '')}", file=sys.stderr)
                    engine.remove_all()
        finally:
            engine.close()
            subprocess.run(["rm", "-rf", "--one-file-system", directory])
    results = [bench.row(title, unit, found, higher_is_better=unit == "per s") for (title, unit), found in values.items()]
    bench.print_table(results)
    if options.json:
        peers.write_json(options.json, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
