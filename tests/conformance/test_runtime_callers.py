# SPDX-License-Identifier: Apache-2.0
"""Docker, containerd and Podman of Debian with hull-runtime as their OCI runtime: each command gives what it gives with
runc. All of them private: own roots and sockets, no network, control groups below a parent of their own."""
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

from conftest import SLOT, busybox_tar, docker_cli, wait_until
from runtime_bundles import RUNTIME, cgroup_mounts, make_rootfs

RUNC = shutil.which("runc") or "/usr/sbin/runc"
RUNTIMES = {"hull": RUNTIME, "runc": RUNC}
PARENT = f"/hull-callers-{SLOT}"


def needs(*programs):
    for program in programs:
        if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
            pytest.skip(f"{program} is not installed")


def program(name):
    return shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")


def remove_groups(parent):
    for point in cgroup_mounts():
        for path, _, _ in os.walk(point + parent, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(path)


def end(process):
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def unmount_below(directory):
    points = [line.split()[1] for line in pathlib.Path("/proc/self/mounts").read_text().splitlines() if f" {directory}/" in line]
    for point in sorted(points, key=len, reverse=True):
        subprocess.run(["umount", "-l", point], capture_output=True, check=False)


def in_terminal(command, keys="", environment=None):
    """The lines that a person sees who runs that in a terminal and types `keys`, in no order (what is typed is shown when
    it comes), and the exit code."""
    done = subprocess.run(["script", "-qec", " ".join(map(str, command)), "/dev/null"], input=keys, capture_output=True,
                          text=True, timeout=60, check=False, env=environment)
    text = done.stdout.replace("\r", "").replace("^@", "").replace("^D", "").replace("\x08", "")
    # The clients complain when a container has ended before they could say how large the terminal is.
    return sorted({line for line in text.splitlines() if line and "resize" not in line}), done.returncode


class Cli:
    """A command line like Docker's, with containers of one runtime."""

    def __init__(self, command, runtime, environment=None, run_options=()):
        self.command, self.runtime, self.environment, self.run_options = command, runtime, environment, list(run_options)
        self.name = f"box-{runtime}"

    def words(self, verb, *arguments):
        extra = [*self.run_options] if verb in ("run", "create") else []
        return [*self.command, verb, *extra, *map(str, arguments)]

    def __call__(self, *arguments, check=True):
        done = subprocess.run(self.words(*arguments), capture_output=True, text=True, timeout=120, env=self.environment,
                              stdin=subprocess.DEVNULL, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"{arguments} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done

    def both(self, *arguments):
        done = self(*arguments, check=False)
        return done.returncode, done.stdout

    def field(self, template):
        return self("inspect", "--format", template, self.name).stdout.strip()


def life(cli):
    """Everything that is compared, in one story; ids and times are left out."""
    seen = {}
    seen["run"] = cli.both("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2; exit 3")
    seen["user"] = cli.both("run", "--rm", "-u", "1001:1002", "-w", "/tmp", "-e", "A=b", "busybox", "sh", "-c",
                            "id -u; id -g; pwd; echo $A; umask")
    seen["limits"] = cli.both("run", "--rm", "-m", "64m", "--pids-limit", "50", "--cpus", "0.5", "--ulimit", "nofile=100:200", "busybox",
                              "sh", "-c", "ulimit -Sn; ulimit -Hn; cat /proc/self/oom_score_adj")
    seen["isolation"] = cli.both("run", "--rm", "--read-only", "--tmpfs", "/scratch:size=1m", "--hostname", "named", "busybox", "sh", "-c",
                                 "hostname; touch /x 2>&1; touch /scratch/x && ls /scratch; ls /sys/firmware /proc/scsi; "
                                 "cat /proc/kcore | wc -c; grep -E '^(Cap|Seccomp:|NoNew)' /proc/self/status")
    seen["mount table"] = cli.both("run", "--rm", "busybox", "sh", "-c", "sed -E 's/^[^ ]+ //; s/ .*(rw|ro),?.*$/ \\1/' /proc/mounts | "
                                   "grep -vE '^/etc/|^/run/|^/sys/fs/cgroup|^/dev/shm|^/proc/acpi|^/sys/dev' | sort -u")
    seen["no program"] = cli.both("run", "--rm", "busybox", "no-such-program")[0]
    seen["no permission"] = cli.both("run", "--rm", "busybox", "/etc/passwd")[0]
    seen["host pids"] = cli.both("run", "--rm", "--pid", "host", "busybox", "sh", "-c", "test -d /proc/2 && echo many")
    seen["tty"] = in_terminal(cli.words("run", "--rm", "-it", "busybox", "sh", "-c", "'tty; read line; echo got $line'"), "typed\n",
                              cli.environment)
    cli("run", "-d", "--name", cli.name, "-m", "64m", "busybox", "sh", "-c",
        "trap 'echo USR1' USR1; trap 'exit 7' TERM; echo started; while :; do sleep 0.1; done")
    seen["exec"] = [cli.both("exec", cli.name, "sh", "-c", "echo in; exit 4"), cli.both("exec", "-u", "1001", "-e", "X=y", cli.name, "sh",
                                                                                        "-c", "id -u; echo $X"),
                    cli.both("exec", cli.name, "no-such")[0]]
    seen["exec tty"] = in_terminal(cli.words("exec", "-it", cli.name, "sh", "-c", "'tty; stty size >/dev/null; exit 5'"), "", cli.environment)
    seen["state"] = cli.field("{{.State.Status}} {{.State.Running}}")
    stats = cli("stats", "--no-stream", "--format", "{{.MemUsage}} {{.PIDs}}", cli.name).stdout.split()
    seen["stats"] = stats[2], int(stats[-1]) in (1, 2)
    seen["top"] = "sh -c" in cli("top", cli.name).stdout
    cli("pause", cli.name)
    seen["paused"] = cli.field("{{.State.Status}}"), cli.both("exec", cli.name, "true")[0] != 0
    cli("unpause", cli.name)
    seen["unpaused"] = cli.field("{{.State.Status}}")
    cli("update", "-m", "128m", "--memory-swap", "128m", cli.name)
    seen["updated"] = memory_limit(cli.field("{{.State.Pid}}"))
    cli("kill", "-s", "USR1", cli.name)
    wait_until(lambda: "USR1" in cli("logs", cli.name).stdout)
    cli("restart", "-t", "5", cli.name)
    wait_until(lambda: cli("logs", cli.name).stdout.count("started") == 2)
    seen["restarted"] = cli.field("{{.State.Status}}")
    cli("stop", "-t", "5", cli.name)
    seen["stopped"] = cli.field("{{.State.Status}} {{.State.ExitCode}}")
    cli("start", cli.name)
    cli("kill", cli.name)
    wait_until(lambda: cli.field("{{.State.Running}}") == "false")
    seen["killed"] = cli.field("{{.State.ExitCode}}")
    cli("rm", cli.name)
    return seen


def memory_limit(pid):
    """The limit of the control group that a process is in."""
    for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            return pathlib.Path(f"/sys/fs/cgroup/memory{path}/memory.limit_in_bytes").read_text().strip()
        if controllers == "" and os.path.exists(f"/sys/fs/cgroup{path}/memory.max"):
            return pathlib.Path(f"/sys/fs/cgroup{path}/memory.max").read_text().strip()
    return None


@pytest.fixture(scope="module")
def directory():
    """Short: sockets of these programs have it in their names."""
    path = tempfile.mkdtemp(prefix="hc")
    os.chmod(path, 0o755)
    yield pathlib.Path(path)
    unmount_below(path)
    remove_groups(PARENT)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def docker(directory):
    needs("dockerd", "containerd", "runc")
    place = directory / "docker"
    place.mkdir()
    log = open(place / "log", "wb")
    daemon = subprocess.Popen(
        [program("dockerd"), "-H", f"unix://{place}/sock", "--data-root", place / "data", "--exec-root", place / "exec",
         "--pidfile", place / "pid", "--bridge", "none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false",
         "--storage-driver", "vfs", "--cgroup-parent", PARENT, "--add-runtime", f"hull={RUNTIME}", "--shutdown-timeout", "3"],
        stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    environment = {**os.environ, "DOCKER_HOST": f"unix://{place}/sock", "DOCKER_CONFIG": str(place / "config")}
    clis = {name: Cli([docker_cli()], name, environment, ["--runtime", name, "--network", "none"]) for name in RUNTIMES}
    try:
        wait_until(lambda: clis["runc"]("version", check=False).returncode == 0 or daemon.poll() is not None, 60)
        if daemon.poll() is not None:
            pytest.skip("dockerd does not start here: " + (place / "log").read_text()[-500:])
        clis["runc"]("import", busybox_tar(place / "busybox.tar"), "busybox")
        yield clis
        for cli in clis.values():
            assert cli("ps", "-aq").stdout == ""
    finally:
        ids = clis["runc"]("ps", "-aq", check=False).stdout.split()
        if ids:
            clis["runc"]("rm", "-f", *ids, check=False)
        end(daemon)


@pytest.fixture(scope="module")
def podman(directory):
    needs("podman", "conmon", "runc")
    place = directory / "podman"
    place.mkdir()

    def command(runtime):
        return [program("podman"), "--root", place / "data", "--runroot", place / "run", "--tmpdir", place / "tmp", "--runtime", runtime,
                "--cgroup-manager", "cgroupfs", "--storage-driver", "vfs", "--events-backend", "file", "--log-level", "error"]
    options = ["--network", "none", "--cgroup-parent", PARENT, "--ulimit", "nofile=20000:20000", "--ulimit", "nproc=20000:20000"]
    clis = {name: Cli(command(path), name, None, options) for name, path in RUNTIMES.items()}
    clis["runc"]("import", busybox_tar(place / "busybox.tar"), "busybox")
    try:
        yield clis
        assert clis["runc"]("ps", "-aq").stdout == ""
    finally:
        for cli in clis.values():
            cli("rm", "-f", "-a", "-t", "0", check=False)


def test_docker_sees_no_difference(docker):
    seen = {name: life(cli) for name, cli in docker.items()}
    for what, expected in seen["runc"].items():
        assert seen["hull"][what] == expected, what
    assert seen["hull"]["stopped"] == "exited 7" and seen["hull"]["updated"] == "134217728"


def test_docker_privileged(docker):
    """runc 1.1 cannot give what it has not got itself; where it can, the two agree."""
    command = ["run", "--rm", "--privileged", "busybox", "sh", "-c", "grep CapEff /proc/self/status; ls /dev | grep -c null"]
    ours, theirs = docker["hull"].both(*command), docker["runc"].both(*command)
    assert ours[0] == 0 and (theirs[0] != 0 or ours == theirs)


def test_docker_words_of_errors(docker):
    """What scripts look for in the message; the rest of it is the runtime's."""
    for arguments, words in ((["no-such-program"], "executable file not found in $PATH"), (["/etc/passwd"], "permission denied"),
                             (["/none/here"], "no such file or directory")):
        for cli in docker.values():
            assert words in cli("run", "--rm", "busybox", *arguments, check=False).stderr


def test_docker_with_init_health_and_many_at_once(docker):
    cli = docker["hull"]
    jobs = [subprocess.Popen(cli.words("run", "--rm", "busybox", "echo", number), stdout=subprocess.PIPE, text=True,
                             env=cli.environment) for number in range(8)]
    assert sorted(job.communicate(timeout=120)[0] for job in jobs) == sorted(f"{number}\n" for number in range(8))
    cli("run", "-d", "--name", "healthy", "--health-cmd", "true", "--health-interval", "1s", "busybox", "sleep", "100")
    wait_until(lambda: cli("inspect", "--format", "{{.State.Health.Status}}", "healthy").stdout.strip() == "healthy", 30)
    cli("rm", "-f", "healthy")


def test_podman_sees_no_difference(podman):
    seen = {name: life(cli) for name, cli in podman.items()}
    for what, expected in seen["runc"].items():
        assert seen["hull"][what] == expected, what


def test_podman_pods_and_user_namespaces(podman):
    def both(*arguments):
        return {name: cli.both(*arguments) for name, cli in podman.items()}
    mapped = both("run", "--rm", "--uidmap", "0:100000:65536", "--gidmap", "0:100000:65536", "busybox", "sh", "-c",
                  "cat /proc/self/uid_map; id -u; touch /tmp/x && stat -c %u /tmp/x")
    assert mapped["hull"] == mapped["runc"] and mapped["hull"][0] == 0
    shared = both("run", "--rm", "--ipc", "host", "--uts", "host", "busybox", "sh", "-c", "hostname; readlink /proc/self/ns/ipc")
    assert shared["hull"] == shared["runc"] and os.readlink("/proc/self/ns/ipc") in shared["hull"][1]
    secured = both("run", "--rm", "--security-opt", "no-new-privileges", "--security-opt", "mask=/proc/uptime", "--cap-drop", "all", "busybox",
                   "sh", "-c", "grep -E 'NoNew|CapEff' /proc/self/status; wc -c </proc/uptime")
    assert secured["hull"] == secured["runc"]


@pytest.fixture(scope="module")
def containerd(directory):
    needs("containerd", "ctr", "runc")
    place = directory / "ctrd"
    place.mkdir()
    (place / "config.toml").write_text(
        f'version = 2\nroot = "{place}/root"\nstate = "{place}/state"\ndisabled_plugins = ["io.containerd.grpc.v1.cri", '
        '"io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs"]\n'
        f'[grpc]\naddress = "{place}/sock"\n[ttrpc]\naddress = "{place}/ttrpc"\n')
    log = open(place / "log", "wb")
    daemon = subprocess.Popen([program("containerd"), "-c", place / "config.toml"], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    command = [program("ctr"), "--address", place / "sock", "-n", "hulltest"]
    rootfs = make_rootfs(place / "rootfs")

    def ctr(*arguments, check=True, keys=None):
        done = subprocess.run([*map(str, command), *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False,
                              stdin=subprocess.DEVNULL if keys is None else None, input=keys)
        if check and done.returncode != 0:
            raise AssertionError(f"{arguments} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done
    ctr.rootfs, ctr.command = rootfs, command
    try:
        wait_until(lambda: ctr("version", check=False).returncode == 0 or daemon.poll() is not None, 30)
        if daemon.poll() is not None:
            pytest.skip("containerd does not start here: " + (place / "log").read_text()[-500:])
        yield ctr
        assert ctr("tasks", "ls", "-q").stdout == ctr("containers", "ls", "-q").stdout == ""
    finally:
        for name in ctr("tasks", "ls", "-q", check=False).stdout.split():
            ctr("tasks", "kill", "-s", "KILL", name, check=False)
            ctr("tasks", "rm", "-f", name, check=False)
        end(daemon)


def story_of_ctr(ctr, runtime):
    name, seen = f"ctr-{runtime}", {}
    options = ["--runc-binary", RUNTIMES[runtime], "--cgroup", f"{PARENT}/{name}", "--env", "PATH=/bin", "--rootfs"]

    def both(*arguments):
        done = ctr(*arguments, check=False)
        return done.returncode, done.stdout
    seen["run"] = both("run", "--rm", *options, ctr.rootfs, name, "sh", "-c", "echo out; id -u; exit 6")
    seen["status"] = both("run", "--rm", *options, ctr.rootfs, name, "sh", "-c", "grep -E '^(Cap|Seccomp:|NoNew)' /proc/self/status; mount | "
                          "grep -oE 'on /[^ ]* type [a-z0-9]*' | sort")
    seen["tty"] = in_terminal([*map(str, ctr.command), "run", "--rm", "-t", *options, ctr.rootfs, name, "sh", "-c", "'tty; echo done'"])
    ctr("run", "-d", *options, ctr.rootfs, name, "sleep", "1000")
    seen["exec"] = [both("tasks", "exec", "--exec-id", "one", name, "sh", "-c", "echo in; exit 8"),
                    both("tasks", "exec", "--exec-id", "two", "--cwd", "/tmp", "--user", "5:6", name, "sh", "-c", "pwd; id -u; id -g")]
    seen["exec tty"] = in_terminal([*map(str, ctr.command), "tasks", "exec", "-t", "--exec-id", "three", name, "tty"])
    seen["ps"] = len(ctr("tasks", "ps", name).stdout.splitlines())
    ctr("tasks", "pause", name)
    seen["paused"] = re.search(rf"{name}\s+\d+\s+(\w+)", ctr("tasks", "ls").stdout)[1]
    ctr("tasks", "resume", name)
    seen["resumed"] = re.search(rf"{name}\s+\d+\s+(\w+)", ctr("tasks", "ls").stdout)[1]
    seen["metrics"] = sorted(line.split()[0] for line in ctr("tasks", "metrics", name).stdout.splitlines() if line.split())
    ctr("tasks", "kill", "-s", "TERM", name)  # pid 1 has no handler for it
    ctr("tasks", "kill", "-s", "KILL", name)
    wait_until(lambda: "STOPPED" in ctr("tasks", "ls").stdout)
    seen["deleted"] = both("tasks", "rm", name)[0]
    ctr("containers", "rm", name)
    return seen


def test_containerd_sees_no_difference(containerd):
    seen = {name: story_of_ctr(containerd, name) for name in RUNTIMES}
    for what, expected in seen["runc"].items():
        if what == "metrics":
            seen["hull"][what] = [line.replace("hull", "runc") for line in seen["hull"][what]]
        assert seen["hull"][what] == expected, what
