# SPDX-License-Identifier: Apache-2.0
"""hull's registry beside Debian's docker-registry: 32 clients pull one blob. Each server has one processor, the same one;
the clients have the others, and throw away what they get without looking at it, so that it is the server that counts."""
import argparse
import hashlib
import http.client
import os
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time

CLIENTS, BLOB = 32, 128 << 20


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    name = ""

    def __init__(self, directory, command):
        self.directory = os.path.join(directory, f"registry-{self.name}")
        os.makedirs(self.directory, exist_ok=True)
        self.log = open(os.path.join(self.directory, "log"), "wb")
        self.process = subprocess.Popen(["taskset", "-c", "0", *command], stdout=self.log, stderr=self.log)
        for _ in range(200):
            try:
                self.request("GET", "/v2/")
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"{self.name} did not start")

    def request(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            answer.read()
            return answer
        finally:
            connection.close()

    def push(self, data):
        location = self.request("POST", "/v2/bench/blobs/uploads/").headers["Location"]
        path = location[location.index("/v2/"):]
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        answer = self.request("PUT", path + ("&" if "?" in path else "?") + "digest=" + digest, data)
        assert answer.status == 201, answer.status
        return f"/v2/bench/blobs/{digest}"

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_kib(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

    def close(self):
        self.process.terminate()
        self.process.wait(30)


class HullRegistry(Server):
    name = "hull"

    def __init__(self, directory, build):
        self.port = free_port()
        super().__init__(directory, [os.path.join(build, "bin", "hull-registry"), "serve", "--quiet", "--root",
                                     os.path.join(directory, "registry-hull", "root"), "--listen", f"127.0.0.1:{self.port}"])


class DockerRegistry(Server):
    name = "docker"

    def __init__(self, directory):
        self.port = free_port()
        root = os.path.join(directory, "registry-docker")
        os.makedirs(root)
        config = os.path.join(root, "config.yml")
        with open(config, "w") as text:
            text.write(f"version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n"
                       f"storage: {{filesystem: {{rootdirectory: {root}/data}}}}\nhttp: {{addr: 127.0.0.1:{self.port}}}\n")
        super().__init__(directory, ["docker-registry", "serve", config])


def drain(port, path, size):
    with socket.create_connection(("127.0.0.1", port)) as client:
        # Woken for a quarter of a MiB at a time: what waking clients costs is not what is measured.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, min(256 << 10, size))
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n".encode())
        buffer, left = bytearray(1 << 20), size
        head = client.recv(65536)
        assert head.startswith(b"HTTP/1.1 200"), head[:200]
        left -= len(head) - head.index(b"\r\n\r\n") - 4
        while left > 0:
            got = client.recv_into(buffer, len(buffer), socket.MSG_TRUNC)  # tcp(7): thrown away, not copied
            assert got > 0, "the server ended the connection"
            left -= got


def pull_by_all(server, path):
    """Seconds, and the server's processor time, for all clients at once."""
    threads = [threading.Thread(target=drain, args=(server.port, path, BLOB)) for _ in range(CLIENTS)]
    cpu, begin = server.cpu_seconds(), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - begin, server.cpu_seconds() - cpu


def measure(build, directory, rounds):
    """({name: MiB/s}, {name: ms of processor time per GiB}, {name: peak MiB}): medians of rounds that alternate."""
    servers = [HullRegistry(directory, build)]
    if shutil.which("docker-registry"):
        servers.append(DockerRegistry(directory))
    others = set(os.sched_getaffinity(0)) - {0}
    before = os.sched_getaffinity(0)
    if others:
        os.sched_setaffinity(0, others)
    try:
        data = os.urandom(BLOB)
        paths = {server: server.push(data) for server in servers}
        rate, cost = ({server.name: [] for server in servers} for _ in range(2))
        for round_number in range(rounds + 1):
            for server in servers:
                seconds, cpu = pull_by_all(server, paths[server])
                if round_number:  # the first round warms up
                    rate[server.name].append(CLIENTS * BLOB / seconds / (1 << 20))
                    cost[server.name].append(cpu * 1000 / (CLIENTS * BLOB / (1 << 30)))
        peak = {server.name: server.peak_kib() / 1024 for server in servers}
        return *({name: statistics.median(values) for name, values in found.items()} for found in (rate, cost)), peak
    finally:
        os.sched_setaffinity(0, before)
        for server in servers:
            server.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="hull-bench-")
    try:
        rate, cost, peak = measure(os.path.abspath(options.build), directory, options.rounds)
        for name in rate:
            print(f"{name:8} {rate[name]:10.0f} MiB/s {cost[name]:10.0f} ms CPU per GiB {peak[name]:8.1f} MiB at most")
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
