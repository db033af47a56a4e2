# SPDX-License-Identifier: Apache-2.0
"""The network part of `make bench`: packets between containers, published ports, the name server, and how long networks
take to make, beside the bare kernel (two namespaces on a bridge of our own, made with ip(8)) and the other engines.

Traffic stays between namespaces of this machine. iperf3 and dnsperf are Debian's; they run here, inside the network
namespaces of the containers.
"""
import argparse
import concurrent.futures
import http.client
import json
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

SECONDS = 3
PING_PONG = """
import socket, sys, time
mode, host, port, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
if mode == "serve":
    s = socket.create_server((host, port))
    print("ready", flush=True)
    while True:
        c, _ = s.accept()
        c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while (d := c.recv(64)):
            c.sendall(d)
c = socket.create_connection((host, port), 5)
c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
for _ in range(100):
    c.sendall(b"x" * 64); c.recv(64)
begin = time.perf_counter()
for _ in range(count):
    c.sendall(b"x" * 64); c.recv(64)
print((time.perf_counter() - begin) / count * 1e6)
"""


class Place:
    """A network namespace to run programs in: that of a process, one of ip-netns(8), or the machine's own."""

    def __init__(self, address, pid=None, netns=None):
        self.address = address
        self.prefix = ["nsenter", "-n", "-t", str(pid)] if pid else ["ip", "netns", "exec", netns] if netns else []

    def popen(self, *command):
        return subprocess.Popen([*self.prefix, *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def run(self, *command):
        return subprocess.run([*self.prefix, *command], capture_output=True, text=True, timeout=120)


def throughput(client, server, host, port, inside_port):
    """Gbit/s of one TCP stream."""
    serving = server.popen("iperf3", "-s", "-1", "-p", str(inside_port))
    time.sleep(0.3)
    shown = client.run("iperf3", "-c", host, "-p", str(port), "-t", str(SECONDS), "-J")
    serving.kill()
    serving.wait()
    return json.loads(shown.stdout)["end"]["sum_received"]["bits_per_second"] / 1e9


def latency(client, server, host, port, inside_port, count=3000):
    """Microseconds of a round trip of 64 bytes over TCP."""
    serving = server.popen(sys.executable, "-c", PING_PONG, "serve", server.address, str(inside_port), "0")
    serving.stdout.readline()
    shown = client.run(sys.executable, "-c", PING_PONG, "ask", host, str(port), str(count))
    serving.kill()
    serving.wait()
    return float(shown.stdout)


class BareKernel:
    """Two namespaces on a bridge, as an engine would have them, with nothing else."""

    def __init__(self):
        tag = os.getpid() % 10000
        self.bridge, self.names = f"hbk{tag}", [f"hbk{tag}a", f"hbk{tag}b"]
        run = lambda *words: subprocess.run(["ip", *words], check=True)
        run("link", "add", self.bridge, "type", "bridge")
        run("addr", "add", "10.217.0.1/24", "dev", self.bridge)
        run("link", "set", self.bridge, "up")
        self.places = []
        for number, name in enumerate(self.names, 2):
            run("netns", "add", name)
            run("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
            run("link", "set", name, "master", self.bridge, "up")
            for words in (["link", "set", "lo", "up"], ["addr", "add", f"10.217.0.{number}/24", "dev", "eth0"],
                          ["link", "set", "eth0", "up"]):
                run("-n", name, *words)
            self.places.append(Place(f"10.217.0.{number}", netns=name))

    def close(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)
        subprocess.run(["ip", "link", "del", self.bridge], capture_output=True)


def place_of(engine, name):
    pid = engine.call("inspect", "-f", "{{.State.Pid}}", name).stdout.strip()
    address = engine.call("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name).stdout.strip()
    return Place(address, pid=pid)


def between(measure, rounds, engines, bare):
    """`measure` from one container to the next, for each engine; bare kernel and loopback beside it."""
    places = {}
    for engine in engines:
        for name in ("left", "right"):
            engine.call("run", "-d", "--name", name, "busybox", "sleep", "1000")
        places[engine.name] = [place_of(engine, name) for name in ("left", "right")]
    places["floor"] = bare.places
    local = Place("127.0.0.1")
    values = {name: [] for name in [*places, "loopback"]}
    for _ in range(rounds):
        for name, (left, right) in places.items():
            values[name].append(measure(left, right, right.address, 5201, 5201))
        values["loopback"].append(measure(local, local, "127.0.0.1", 5299, 5299))
    for engine in engines:
        engine.remove_all()
    return {name: statistics.median(list_) for name, list_ in values.items()}


def published(measure, rounds, engines, more_ports=0):
    """From the host to a published port at 127.0.0.1; and, as the floor, to hull's container itself. All in turns: the load
    of a machine changes from one second to the next."""
    host, sides = Place("127.0.0.1"), {}
    more = ["-p", f"127.0.0.2:20000-{20000 + more_ports - 1}:20000-{20000 + more_ports - 1}/udp"] if more_ports else []
    for number, engine in enumerate(engines):
        port = 15201 + number
        engine.call("run", "-d", "--name", "web", "-p", f"127.0.0.1:{port}:5201", *more, "busybox", "sleep", "1000")
        inside = place_of(engine, "web")
        sides[engine.name] = lambda inside=inside, port=port: measure(host, inside, "127.0.0.1", port, 5201)
        if engine.name == "hull":
            sides["floor"] = lambda inside=inside: measure(host, inside, inside.address, 5201, 5201)
    values = {name: [] for name in sides}
    for _ in range(rounds):
        for name, take in sides.items():
            values[name].append(take())
    for engine in engines:
        engine.remove_all()
    return {name: statistics.median(taken) for name, taken in values.items()}


def bridge_by_hand():
    """What the kernel asks for a network: a bridge with an address, up, and gone again."""
    script = "link add hbkx type bridge\naddr add 10.216.0.1/24 dev hbkx\nlink set hbkx up\nlink del hbkx\n"
    begin = time.perf_counter()
    subprocess.run(["ip", "-batch", "-"], input=script, text=True, check=True)
    return time.perf_counter() - begin


def make_network(engine):
    begin = time.perf_counter()
    engine.call("network", "create", "made")
    engine.call("network", "rm", "made")
    return time.perf_counter() - begin


def through_the_api(engine):
    """The same without the command lines: two requests on one connection."""
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(engine.socket)
    body = json.dumps({"Name": "made", "Driver": "bridge"})
    begin = time.perf_counter()
    for method, path, content in (("POST", "/networks/create", body), ("DELETE", "/networks/made", None)):
        connection.request(method, path, content, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status < 300, f"{engine.name}: {method} {path}: {answer.status}"
    seconds = time.perf_counter() - begin
    connection.close()
    return seconds


def connect_and_disconnect(engines, rounds):
    for engine in engines:
        engine.call("network", "create", "second")
        engine.call("run", "-d", "--name", "one", "busybox", "sleep", "1000")

    def sample(engine):
        begin = time.perf_counter()
        engine.call("network", "connect", "second", "one")
        engine.call("network", "disconnect", "second", "one")
        return time.perf_counter() - begin
    times = bench.interleaved(engines, rounds, sample)
    for engine in engines:
        engine.remove_all()
        engine.call("network", "rm", "second")
    return times


def many_on_one_network(engines, count):
    rates = {}
    for engine in engines:
        engine.call("network", "create", "crowd")
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            begin = time.perf_counter()
            list(pool.map(lambda _: engine.call("run", "-d", "--network", "crowd", "busybox", "sleep", "1000"), range(count)))
            rates[engine.name] = count / (time.perf_counter() - begin)
        engine.remove_all()
        engine.call("network", "rm", "crowd")
    return rates


def port_range(engines, count):
    """Seconds by which a container with `count` published ports takes longer to start than one without."""
    times = {}
    for engine in engines:
        if engine.name != "hull":
            continue  # a process for each port, or a rule for each: minutes
        extra = ["-p", f"127.0.0.2:20000-{20000 + count - 1}:20000-{20000 + count - 1}/udp"]
        def start(*options):
            begin = time.perf_counter()
            engine.call("run", "-d", *options, "busybox", "sleep", "1000")
            return time.perf_counter() - begin
        pairs = []
        for _ in range(5):
            without, with_range = start(), start(*extra)
            pairs.append(with_range - without)
            engine.remove_all()
        times[engine.name] = statistics.median(pairs)
    return times


def name_rate(engines, directory):
    """Answers a second for names of containers, asked from one of them."""
    questions = os.path.join(directory, "questions")
    with open(questions, "w") as file:
        file.write("one A\ntwo A\n")
    rates = {}
    for engine in engines:
        engine.call("network", "create", "named")
        for name in ("one", "two"):
            engine.call("run", "-d", "--name", name, "--network", "named", "busybox", "sleep", "1000")
        server = "127.0.0.11" if engine.name != "podman" else None
        if server:
            shown = place_of(engine, "one").run("dnsperf", "-s", server, "-d", questions, "-l", str(SECONDS), "-q", "100", "-c", "4")
            rates[engine.name] = next(float(line.split()[-1]) for line in shown.stdout.splitlines() if "Queries per second" in line)
        engine.remove_all()
        engine.call("network", "rm", "named")
    return rates


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    parser.add_argument("--json")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=200, help="containers on one network")
    parser.add_argument("--only", help="comma-separated engines: hull,docker,podman")
    options = parser.parse_args()
    wanted = options.only.split(",") if options.only else ["hull", "docker"]
    missing = [program for program in ("iperf3", "dnsperf") if not shutil.which(program)]
    if missing:
        print(f"not installed: {', '.join(missing)} (scripts/install-dependencies peers)", file=sys.stderr)
        return 1

    directory = tempfile.mkdtemp(prefix="hull-bench-")
    engines, results, bare = [], [], BareKernel()
    try:
        engines.append(peers.Hull(directory, os.path.abspath(options.build)))
        if "docker" in wanted and os.path.exists("/usr/sbin/dockerd"):
            engines.append(peers.Docker(directory))
        if "podman" in wanted and shutil.which("podman"):
            engines.append(peers.Podman(directory))
        tar = os.path.join(directory, "busybox.tar")
        peers.make_busybox_tar(tar)
        for engine in engines:
            engine.call("import", tar, "busybox")
        row, rounds = bench.row, options.rounds
        results.append(row("container to container, one TCP stream", "Gbit/s", between(throughput, rounds, engines, bare), True,
                           [("floor", 0.95)]))
        results.append(row("container to container, round trip", "us", between(latency, rounds, engines, bare),
                           targets=[("floor", 1.05)]))
        results.append(row("host to published port, one TCP stream", "Gbit/s", published(throughput, rounds, engines), True,
                           [("floor", 0.95)]))
        results.append(row("host to published port, round trip", "us", published(latency, rounds, engines),
                           targets=[("floor", 1.05)]))
        results.append(row("the same beside 10,000 published ports", "us", published(latency, rounds, engines[:1], 10000),
                           targets=[("floor", 1.05)]))
        results.append(row("10,000 ports at a start, more than without", "ms", bench.milliseconds(port_range(engines, 10000)),
                           targets=[("absolute", 200)]))
        results.append(row("network create and rm", "ms", bench.milliseconds(
            bench.interleaved(engines, rounds, make_network, bridge_by_hand)), targets=[("floor", 1.3)]))
        floor, api_peers = peers.Floor(os.path.abspath(options.build)), [one for one in engines if one.name != "podman"]
        results.append(row("the same by two requests", "ms", bench.milliseconds(bench.interleaved(
            api_peers, rounds, through_the_api, lambda: floor.sample("networks", 2)[1])), targets=[("floor", 1.3)]))
        results.append(row("network connect and disconnect", "ms", bench.milliseconds(connect_and_disconnect(engines, rounds))))
        results.append(row(f"run -d × {options.count} on one network, 8 at a time", "per s",
                           many_on_one_network(engines, options.count), True, [("docker", 10)]))
        results.append(row("names answered", "per s", name_rate(engines, directory), True, [("docker", 1)]))
    finally:
        for engine in engines:
            engine.close()
        bare.close()
        subprocess.run(["rm", "-rf", "--one-file-system", directory])
    bench.print_table(results)
    if options.json:
        peers.write_json(options.json, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
