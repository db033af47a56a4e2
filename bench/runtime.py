# SPDX-License-Identifier: Apache-2.0
"""hull-runtime beside crun, runc and the bare kernel: the life of a bundle by `create`, `start` and `delete`.

The runtimes take turns, round after round, so that a slow moment of the machine hits all of them. Shown are medians of
the three commands' times together, without what the container itself takes. Two floors: what the kernel alone needs for
the same container (hull-floor bundle), and that with three executions of a static program that does nothing, because
three commands are what an OCI runtime is asked for.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

MASKED = ["/proc/kcore", "/proc/keys", "/proc/timer_list"]
READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys"]
# crun 1.8 takes a cgroup2 mount beside the hierarchies of version 1 for version 2 alone: it is run without seeing it.
PRIVATE = ["unshare", "-m", "sh", "-c", 'umount /sys/fs/cgroup/unified 2>/dev/null; exec "$@"', "sh"]


def make_bundle(directory):
    """A root of busybox, the mounts, limits, masked paths, capabilities and seccomp rules of hull-floor."""
    root = directory / "rootfs"
    for name in ("bin", "etc", "proc", "sys", "dev"):
        (root / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", root / "bin" / "busybox")
    capabilities = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID"]
    devices = [{"allow": False, "access": "rwm"}]
    config = {
        "ociVersion": "1.0.2", "hostname": "floor",
        "process": {"user": {"uid": 0, "gid": 0}, "args": ["/bin/busybox", "true"], "env": ["PATH=/bin"], "cwd": "/",
                    "noNewPrivileges": True, "capabilities": {s: capabilities for s in ("bounding", "effective", "permitted")}},
        "root": {"path": "rootfs"},
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
            {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
            {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
             "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]},
            {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
            {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": ["nosuid", "noexec", "nodev"]}],
        "linux": {
            "namespaces": [{"type": name} for name in ("mount", "pid", "ipc", "uts", "cgroup", "network")],
            "maskedPaths": MASKED, "readonlyPaths": READ_ONLY, "cgroupsPath": f"/hull-bench-runtime-{os.getpid()}/box",
            "resources": {"memory": {"limit": 268435456}, "pids": {"limit": 512}, "cpu": {"shares": 512, "cpus": "0", "mems": "0"},
                          "devices": devices},
            "seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
                        "syscalls": [{"names": ["kexec_load"], "action": "SCMP_ACT_ERRNO"}]}}}
    (directory / "config.json").write_text(json.dumps(config))


def runtimes(options, directory):
    found = {"hull": [os.path.join(options.build, "bin", "hull-runtime")]}
    for name in ("crun", "runc"):
        path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")
        if path:
            found[name] = [path]
    return {name: [*command, "--root", str(directory / f"state-{name}")] for name, command in found.items()}


def cycle(options, bundle, command, count):
    words = [os.path.join(options.build, "bin", "hull-cycle"), str(count), str(bundle), *command]
    done = subprocess.run([*PRIVATE, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stdout}{done.stderr}")
    return [[int(number) for number in line.split()] for line in done.stdout.splitlines()]


def floor(options, count):
    done = subprocess.run([os.path.join(options.build, "bin", "hull-floor"), "bundle", str(count)], capture_output=True, text=True,
                          check=True)
    return [int(line) for line in done.stdout.split()]


def three_programs(options):
    """Three executions of hull-floor without arguments, which says how it is used and ends."""
    program = os.path.join(options.build, "bin", "hull-floor")
    with open(os.devnull, "wb") as nowhere:
        begin = time.perf_counter()
        for _ in range(3):
            os.waitpid(os.posix_spawn(program, [program], {}, file_actions=[(os.POSIX_SPAWN_DUP2, nowhere.fileno(), 2)]), 0)
        return (time.perf_counter() - begin) * 1e6


def tiny_memory(options, directory, command):
    """The smallest memory limit, in KiB, of 256, 512, 1024 … under which a container runs."""
    bundle = directory / "tiny"
    shutil.copytree(directory / "bundle", bundle)
    config = json.loads((bundle / "config.json").read_text())
    for kib in (256, 512, 1024, 2048, 4096, 8192, 16384):
        config["linux"]["resources"] = {"memory": {"limit": kib * 1024}}
        (bundle / "config.json").write_text(json.dumps(config))
        done = subprocess.run([*PRIVATE, *command, "run", "--bundle", str(bundle), "tiny"], capture_output=True, check=False,
                              stdin=subprocess.DEVNULL)
        subprocess.run([*PRIVATE, *command, "delete", "--force", "tiny"], capture_output=True, check=False)
        if done.returncode == 0:
            shutil.rmtree(bundle)
            return kib
    return None


def remove_groups():
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        if line.split()[2] in ("cgroup", "cgroup2"):
            for path in pathlib.Path(line.split()[1]).glob(f"hull-bench-runtime-{os.getpid()}"):
                for below in [*path.glob("*/"), path]:
                    below.rmdir()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--count", type=int, default=8, help="containers of a runtime in each round")
    parser.add_argument("--json")
    options = parser.parse_args()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="hull-bench-runtime-", dir=os.environ.get("HULL_BENCH_DIR")))
    try:
        (directory / "bundle").mkdir()
        make_bundle(directory / "bundle")
        commands = runtimes(options, directory)
        times = {name: [] for name in [*commands, "floor", "three programs"]}
        for number in range(options.rounds + 1):
            for name, command in commands.items():
                sample = cycle(options, directory / "bundle", command, options.count)
                times[name] += sample if number else []
            sample = floor(options, options.count)
            times["floor"] += [[one] for one in sample] if number else []
            times["three programs"] += [[three_programs(options)] for _ in range(options.count)] if number else []
        memory = {name: tiny_memory(options, directory, command) for name, command in commands.items()}
    finally:
        remove_groups()
        shutil.rmtree(directory, ignore_errors=True)

    def median(name, column=None):
        return statistics.median(sum(row) if column is None else row[column] for row in times[name])
    print(f"{'milliseconds':16}" + "".join(f"{name:>10}" for name in ("create", "start", "delete", "together")))
    for name in commands:
        print(f"{name:16}" + "".join(f"{median(name, column) / 1000:10.2f}" for column in (0, 1, 2, None)))
    base, programs = median("floor"), median("three programs")
    print(f"{'floor':16}{base / 1000:40.2f}\n{'and 3 programs':16}{(base + programs) / 1000:40.2f}")
    ours = median("hull")
    targets = [("crun", 0.8), ("runc", 0.25)]
    for name, most in targets:
        if name in commands:
            print(f"hull / {name}: {ours / median(name):.2f} (target: at most {most})")
    print(f"hull / floor: {ours / base:.2f}, hull / floor and 3 programs: {ours / (base + programs):.2f} (target: at most 1.3)")
    size = os.path.getsize(os.path.join(options.build, "bin", "hull-runtime"))
    print(f"size of hull-runtime: {size / 1024:.0f} KiB (target: at most 2048)")
    print("smallest memory limit that a container starts with: " +
          ", ".join(f"{name} {kib} KiB" for name, kib in memory.items()) + " (target: 512)")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"medians": {name: median(name) for name in times}, "size": size, "memory": memory}, file, indent=2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
