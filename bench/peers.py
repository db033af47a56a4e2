# SPDX-License-Identifier: Apache-2.0
"""The engines that the benchmark compares: each one private (own roots, socket, bridge), with the same busybox image."""
import glob
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import time


def make_busybox_tar(path):
    """A root filesystem with Debian's static busybox and a link for each applet that the benchmark uses."""
    with tarfile.open(path, "w") as tar:
        for directory in ("bin", "etc", "tmp", "proc", "sys", "dev", "root"):
            info = tarfile.TarInfo(directory)
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(info)
        tar.add("/bin/busybox", "bin/busybox")
        for applet in ("sh", "true", "sleep", "cat", "echo", "yes", "head", "seq"):
            info = tarfile.TarInfo(f"bin/{applet}")
            info.type, info.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(info)


def pss_kib(pid):
    """Proportional memory of a process; 0 when it has gone."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as rollup:
            for line in rollup:
                if line.startswith("Pss:"):
                    return int(line.split()[1])
    except OSError:
        pass
    return 0


def children_of(pid):
    """The kernel lists children by the thread that made them."""
    found = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as children:
                found.extend(int(child) for child in children.read().split())
    except OSError:
        pass
    return found


def descendants(pid):
    found = [pid]
    for parent in found:
        found.extend(children_of(parent))
    return found


class Engine:
    """An engine with a daemon and a docker-like CLI."""

    name = ""

    def __init__(self, directory):
        self.directory = os.path.join(directory, self.name)
        os.makedirs(self.directory)
        self.socket = os.path.join(self.directory, "engine.sock")
        self.daemon = None

    def start_daemon(self, command, ready):
        log = open(os.path.join(self.directory, "daemon.log"), "wb")
        self.daemon = subprocess.Popen(command, stdout=log, stderr=log, env=self.environment())
        for _ in range(300):
            if subprocess.run(ready, capture_output=True, env=self.environment()).returncode == 0:
                return
            if self.daemon.poll() is not None:
                break
            time.sleep(0.1)
        with open(log.name) as text:
            raise RuntimeError(f"{self.name} did not start:\n{text.read()[-2000:]}")

    def environment(self):
        return {**os.environ, "DOCKER_HOST": f"unix://{self.socket}"}

    def cli(self, *arguments):
        raise NotImplementedError

    def call(self, *arguments, check=True):
        return subprocess.run(self.cli(*arguments), env=self.environment(), stdin=subprocess.DEVNULL, check=check,
                              capture_output=True, text=True)

    def processes(self):
        """The processes that are the engine itself."""
        return descendants(self.daemon.pid) if self.daemon else []

    def container_processes(self):
        """Supervisors of containers, beside the containers' own processes."""
        return []

    def remove_all(self):
        ids = self.call("ps", "-aq").stdout.split()
        for start in range(0, len(ids), 50):
            self.call("rm", "-f", *ids[start:start + 50], check=False)

    def close(self):
        if self.daemon:
            self.remove_all()
            self.daemon.terminate()
            try:
                self.daemon.wait(30)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait()


def pids_with(text):
    """Processes whose command line contains `text` (a path of our own private directory)."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as line:
                    if text.encode() in line.read():
                        found.append(int(entry))
            except OSError:
                pass
    return found


class Hull(Engine):
    name = "hull"

    def __init__(self, directory, build):
        super().__init__(directory)
        self.bin = os.path.join(build, "bin")
        self.exec_root = os.path.join(self.directory, "exec")
        self.bridge = f"hb{os.getpid() % 100000}"
        self.cgroup_parent = f"hull-bench-{os.getpid()}"
        self.start_daemon([os.path.join(self.bin, "hulld"), "-H", f"unix://{self.socket}",
                           "--data-root", os.path.join(self.directory, "data"), "--exec-root", self.exec_root,
                           "--pidfile", os.path.join(self.directory, "pid"), "--bridge", self.bridge,
                           "--bip", "10.214.0.1/16", "--cgroup-parent", f"/{self.cgroup_parent}"],
                          self.cli("version"))

    def cli(self, *arguments):
        return [os.path.join(self.bin, "hull"), *arguments]

    def container_processes(self):
        return [pid for pid in descendants(self.daemon.pid) if command_name(pid) == "hull-shim"]

    def close(self):
        super().close()
        subprocess.run(["ip", "link", "del", self.bridge], capture_output=True)
        for group in glob.glob(f"/sys/fs/cgroup/*/{self.cgroup_parent}") + glob.glob(f"/sys/fs/cgroup/{self.cgroup_parent}"):
            os.rmdir(group)
        for table in ("inet", "ip", "ip6"):
            subprocess.run(["nft", "delete", "table", table, f"hull_{self.directory}/data"], capture_output=True)


def command_name(pid):
    try:
        with open(f"/proc/{pid}/comm") as name:
            return name.read().strip()
    except OSError:
        return ""


class Docker(Engine):
    name = "docker"

    def __init__(self, directory):
        super().__init__(directory)
        self.bridge = f"db{os.getpid() % 100000}"
        subprocess.run(["ip", "link", "add", self.bridge, "type", "bridge"], check=True)
        subprocess.run(["ip", "addr", "add", "10.215.0.1/16", "dev", self.bridge], check=True)
        subprocess.run(["ip", "link", "set", self.bridge, "up"], check=True)
        self.program = "/usr/bin/docker" if os.path.exists("/usr/bin/docker") else shutil.which("docker")
        self.start_daemon(["/usr/sbin/dockerd", "-H", f"unix://{self.socket}",
                           "--data-root", os.path.join(self.directory, "data"),
                           "--exec-root", os.path.join(self.directory, "exec"),
                           "--pidfile", os.path.join(self.directory, "pid"), "--bridge", self.bridge,
                           "--storage-driver", "overlay2"],
                          self.cli("version"))

    def cli(self, *arguments):
        return [self.program, *arguments]

    def container_processes(self):
        return [pid for pid in pids_with(self.directory) if command_name(pid).startswith(("containerd-shim", "docker-proxy"))]

    def close(self):
        super().close()
        subprocess.run(["ip", "link", "del", self.bridge], capture_output=True)


class Podman(Engine):
    name = "podman"

    def __init__(self, directory):
        super().__init__(directory)
        self.run_root = tempfile.mkdtemp(prefix="pd", dir="/tmp")  # podman takes 50 characters

    def cli(self, *arguments):
        roots = ["--root", os.path.join(self.directory, "data"), "--runroot", self.run_root,
                 "--runtime", "runc", "--cgroup-manager", "cgroupfs"]
        limits = ["--ulimit", "nofile=20000:20000", "--ulimit", "nproc=20000:20000"]
        verb, *rest = arguments
        return ["podman", *roots, verb, *(limits if verb in ("run", "create") else []), *rest]

    def container_processes(self):
        return [pid for pid in pids_with(self.directory) if command_name(pid) == "conmon"]

    def close(self):
        try:
            self.remove_all()
        finally:
            shutil.rmtree(self.run_root, ignore_errors=True)


class Floor:
    """The bare kernel: bench/floor.cpp."""

    def __init__(self, build):
        self.program = os.path.join(build, "bin", "hull-floor")

    def sample(self, mode, iterations=1):
        """Seconds of each of `iterations` containers (or execs), without the start of the program itself."""
        output = subprocess.run([self.program, mode, str(iterations)], capture_output=True, text=True, check=True).stdout
        return [int(line) / 1e6 for line in output.split()]


def write_json(path, results):
    with open(path, "w") as file:
        json.dump(results, file, indent=2)
