# SPDX-License-Identifier: Apache-2.0
"""Attacks that container runtimes have had, each tried against hull-runtime."""
import ctypes
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import threading

import pytest

from conftest import wait_until
from runtime_bundles import MOUNTS, NAMESPACES, RUNTIME, cgroup_mounts, runtime  # noqa: F401 (a fixture)

ALL = [f"CAP_{name}" for name in """CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP NET_ADMIN NET_RAW
SYS_CHROOT SYS_PTRACE SYS_ADMIN MKNOD SETFCAP""".split()]


def bind(source, destination, *options):
    return {"source": str(source), "destination": destination, "type": "bind", "options": ["rbind", *options]}


@pytest.fixture
def own_program(runtime):
    """A copy of the runtime that may be destroyed, and its digest."""
    program = runtime.directory / "runtime-program"
    shutil.copy(RUNTIME, program)
    runtime.program = str(program)

    def digest():
        return hashlib.sha256(program.read_bytes()).hexdigest()
    digest.path = program
    return digest


# --- the runtime's own program (CVE-2019-5736, CVE-2024-21626) ---

OVERWRITE = """
# Keeps the program that has entered the container open, and writes to it as soon as nobody executes it.
while :; do
  for link in /proc/[0-9]*/exe; do
    case $(readlink $link 2>/dev/null) in
      *busybox|"") ;;
      *) exec 9<$link 2>/dev/null && { echo found >>/tmp/found; i=0
           while [ $i -lt 200 ]; do (echo overwritten >/proc/self/fd/9) 2>/dev/null && echo wrote >>/tmp/found; i=$((i+1)); done; } ;;
    esac
  done
done
"""


def test_the_program_cannot_be_overwritten_by_what_looks_at_it(runtime, own_program):
    """Everything that an exec does is watched by a root with CAP_SYS_PTRACE: what it can open it cannot write to."""
    before = own_program()
    changes = {"process": {"capabilities": {name: ALL for name in ("bounding", "effective", "permitted")}}}
    bundle = runtime.bundle("sh", "-c", OVERWRITE, **changes).begin()
    for _ in range(40):
        bundle.exec("true")
    assert own_program() == before
    found = runtime.rootfs / "tmp" / "found"
    assert "wrote" not in (found.read_text() if found.exists() else "")


def test_a_script_whose_interpreter_is_the_program(runtime, own_program):
    """`#!/proc/self/exe` makes the kernel run the runtime's program as the container's: it is one that nobody can write to."""
    before = own_program()
    script = runtime.rootfs / "bin" / "trap"
    script.write_text("#!/proc/self/exe\n")
    script.chmod(0o755)
    watcher = runtime.bundle("sh", "-c", OVERWRITE).begin()
    for _ in range(10):
        watcher.exec("/bin/trap", check=False)
    runtime.bundle("/bin/trap").run(check=False)
    assert own_program() == before
    found = runtime.rootfs / "tmp" / "found"
    assert "wrote" not in (found.read_text() if found.exists() else "")


def test_the_program_runs_from_where_nobody_can_write(runtime):
    """While a container is only created, the process in it still is the runtime's program: on a read-only mount."""
    bundle = runtime.bundle("sleep", "100")
    bundle.create()
    with pytest.raises(OSError) as refused:
        os.close(os.open(f"/proc/{bundle.state()['pid']}/exe", os.O_WRONLY))
    assert refused.value.strerror in ("Read-only file system", "Text file busy")
    bundle.start()
    assert os.access(RUNTIME, os.W_OK)


# --- what is mounted where: links and races (CVE-2019-19921, CVE-2021-30465, CVE-2023-27561, CVE-2023-28642) ---

@pytest.mark.parametrize("kind", ["proc", "sysfs"])
def test_a_link_in_place_of_a_mount_point_of_the_kernels(runtime, kind):
    destination = {"proc": "/proc", "sysfs": "/sys"}[kind]
    root = runtime.directory / "evil"
    shutil.copytree(runtime.rootfs, root, symlinks=True)
    (root / destination[1:]).rmdir()
    (root / destination[1:]).symlink_to("tmp")
    done = runtime.bundle(rootfs=root).run(check=False)
    assert done.returncode == 1 and "symbolic link" in done.stderr and destination in done.stderr


def test_links_lead_nowhere_out_of_the_root(runtime):
    outside = runtime.directory / "outside"
    outside.mkdir()
    source = runtime.directory / "volume"
    source.mkdir()
    (source / "from-volume").touch()
    for name, target in (("absolute", str(outside)), ("relative", "../../../../../.." + str(outside)), ("dangling", f"{outside}/new")):
        (runtime.rootfs / name).symlink_to(target)
    mounts = [bind(source, "/absolute/place"), bind(source, "/relative"), bind(source / "from-volume", "/dangling/file")]
    text = runtime.bundle("sh", "-c", "ls /absolute/place /relative; cat /proc/self/mountinfo", mounts=[*MOUNTS, *mounts]).run().stdout
    assert text.count("from-volume") >= 2 and list(outside.iterdir()) == []


def test_a_race_for_a_mount_point(runtime):
    """A container that shares a volume swaps a directory for a link to the host's root while others mount below it."""
    shared = runtime.directory / "shared"
    (shared / "place").mkdir(parents=True)
    (shared / "link").symlink_to("/")
    libc = ctypes.CDLL(None, use_errno=True)
    going = True

    def swap():
        exchange, here = 2, -100
        while going:
            libc.renameat2(here, str(shared / "place").encode(), here, str(shared / "link").encode(), exchange)
    thread = threading.Thread(target=swap)
    thread.start()
    try:
        secret = runtime.directory / "secret"
        secret.mkdir()
        (secret / "mark").touch()
        for _ in range(25):
            done = runtime.bundle("sh", "-c", "ls / /shared/place/ /shared/link/; cat /proc/self/mountinfo >/shared/table", mounts=[
                *MOUNTS, bind(shared, "/shared"), bind(secret, "/shared/place/etc")]).run(check=False)
            # Wherever the link led, it was inside of the container's root.
            assert not {"boot", "home", "work", "var"} & set(done.stdout.split())
            assert str(secret) not in pathlib.Path("/proc/self/mountinfo").read_text()
        assert not (pathlib.Path("/etc") / "mark").exists()
    finally:
        going = False
        thread.join()


# --- /proc that is not the kernel's (CVE-2019-16884, CVE-2019-19921, CVE-2025-31133, -52565, -52881) ---

@pytest.mark.parametrize("destination", ["/proc/sys", "/proc/self/attr", "/proc/1", "/proc/sysrq-trigger"])
def test_nothing_is_mounted_inside_of_proc(runtime, destination):
    source = runtime.directory / "fake"
    source.mkdir()
    done = runtime.bundle(mounts=[*MOUNTS, bind(source, destination)]).run(check=False)
    assert done.returncode == 1 and destination in done.stderr


def test_proc_must_be_procfs(runtime):
    source = runtime.directory / "fake"
    (source / "self" / "attr").mkdir(parents=True)
    for mounts in ([*MOUNTS, bind(source, "/proc")], [bind(source, "/proc"), *MOUNTS[1:]],
                   [{"destination": "/proc", "type": "tmpfs", "source": "tmpfs"}]):
        done = runtime.bundle(mounts=mounts).run(check=False)
        assert done.returncode == 1 and "not of type proc" in done.stderr
    assert runtime.bundle("ls", "/proc/self/exe", mounts=[bind("/proc", "/proc"), *MOUNTS[1:]]).run(check=False).returncode in (0, 1)
    (source / "uptime").write_text("fake\n")
    text = runtime.bundle("cat", "/proc/uptime", mounts=[*MOUNTS, bind(source / "uptime", "/proc/uptime")]).run().stdout
    assert text == "fake\n"


def test_an_exec_does_not_trust_the_containers_proc(runtime):
    """What the runtime writes for a process (OOM score, labels) goes to the kernel, whatever the container has at /proc."""
    bundle = runtime.bundle("sh", "-c", "umount -l /proc/self 2>/dev/null; mount -t tmpfs tmpfs /proc; mkdir /proc/self; "
                            "echo 0 >/proc/self/oom_score_adj; echo ready; exec sleep 100",
                            process={"capabilities": {name: ALL for name in ("bounding", "effective", "permitted")}}).begin()
    wait_until(lambda: "ready" in bundle.text())
    path = bundle.path / "process.json"
    path.write_text(json.dumps({**bundle.config["process"], "oomScoreAdj": 555, "args": ["sh", "-c", "exec sleep 50 >/dev/null 2>&1"]}))
    bundle.exec(flags=["-d", "--pid-file", bundle.path / "pid", "--process", path])
    pid = (bundle.path / "pid").read_text()
    assert pathlib.Path(f"/proc/{pid}/oom_score_adj").read_text() == "555\n"
    assert bundle.exec("cat", "/proc/self/oom_score_adj").stdout == "0\n"


def test_a_masked_path_is_covered_by_the_real_null(runtime):
    """/dev/null of the image, or of a shared /dev, may be anything: only the device of that number covers a file."""
    fake = runtime.directory / "dev"
    fake.mkdir()
    (fake / "null").symlink_to("/proc/kcore")
    done = runtime.bundle("true", mounts=[MOUNTS[0], bind(fake, "/dev")], linux={"maskedPaths": ["/proc/cpuinfo"]}).run(check=False)
    assert done.returncode == 1 and "masking path" in done.stderr
    (fake / "null").unlink()
    os.mknod(fake / "null", 0o20666, os.makedev(1, 5))
    done = runtime.bundle("true", mounts=[MOUNTS[0], bind(fake, "/dev")], linux={"maskedPaths": ["/proc/cpuinfo"]}).run(check=False)
    assert done.returncode == 1 and "masking path" in done.stderr


def test_what_is_masked_stays_masked(runtime):
    """Not even all capabilities but SYS_ADMIN take a cover off, nor does /proc/<pid>/root lead around it."""
    capabilities = [name for name in ALL if name != "CAP_SYS_ADMIN"]
    script = ("umount /proc/cpuinfo 2>&1; umount -l /proc/irq 2>&1; wc -c </proc/cpuinfo; ls /proc/irq | wc -l; "
              "wc -c </proc/1/root/proc/cpuinfo; mount -t proc proc /tmp 2>&1; ls /tmp")
    text = runtime.bundle("sh", "-c", script, process={"capabilities": {n: capabilities for n in ("bounding", "effective", "permitted")}},
                          linux={"maskedPaths": ["/proc/cpuinfo", "/proc/irq"]}).run().stdout
    lines = text.splitlines()
    assert "0" in lines and lines.count("0") == 3 and sum("not permitted" in line or "denied" in line for line in lines) >= 2


def test_a_console_in_proc(runtime):
    """/dev of the image says that the console is a file of /proc."""
    shared = runtime.directory / "dev"
    (shared / "pts").mkdir(parents=True)
    (shared / "console").symlink_to("/proc/sys/kernel/core_pattern")
    mounts = [MOUNTS[0], {"source": str(shared), "destination": "/dev", "type": "none", "options": ["rbind"]}, MOUNTS[2]]
    bundle = runtime.bundle("true", mounts=mounts, process={"terminal": True})
    done = subprocess.run(["script", "-qec", " ".join(runtime.command("run", "-b", bundle.path, bundle.name)), "/dev/null"],
                          capture_output=True, text=True, timeout=30, check=False, stdin=subprocess.DEVNULL)
    assert "leads into /proc" in done.stdout


def test_a_terminal_that_is_none(runtime):
    """What the container has at /dev/pts/ptmx is not opened as a terminal unless devpts has it."""
    bundle = runtime.bundle("sh", "-c", "umount /dev/pts; mkdir -p /dev/pts; ln -s /dev/zero /dev/pts/ptmx; echo ready; exec sleep 100",
                            process={"capabilities": {name: ALL for name in ("bounding", "effective", "permitted")}}).begin()
    wait_until(lambda: "ready" in bundle.text())
    done = subprocess.run(["script", "-qec", " ".join(runtime.command("exec", "-t", bundle.name, "true")), "/dev/null"],
                          capture_output=True, text=True, timeout=30, check=False, stdin=subprocess.DEVNULL)
    assert "ptmx" in done.stdout and done.returncode == 255


# --- descriptors, directories, privileges ---

def test_no_descriptor_leaks(runtime):
    """What the caller has open is not the container's; a directory of the host would be a way out of the root."""
    with open(RUNTIME, "rb") as leak:
        os.set_inheritable(leak.fileno(), True)
        host = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
        os.set_inheritable(host, True)
        options = {"pass_fds": [leak.fileno(), host]}
        try:
            show = ["sh", "-c", "ls -l /proc/self/fd"]
            created = runtime.bundle(*show).run(**options).stdout
            running = runtime.bundle("sleep", "100").begin(**options)
            execed = running.exec(*show, **options).stdout
            for text in (created, execed):
                assert {line.split()[-3] for line in text.splitlines() if "->" in line} <= {"0", "1", "2", "3"}
                assert "hull-runtime" not in text and "-> /\n" not in text
            for directory in (f"/proc/self/fd/{host}", f"/proc/self/fd/{leak.fileno()}/.."):
                done = runtime.bundle("pwd", process={"cwd": directory}).run(check=False, **options)
                assert done.returncode == 1
                done = running.exec("pwd", flags=["--cwd", directory], check=False, **options)
                assert done.returncode == 255
        finally:
            os.close(host)


@pytest.mark.parametrize("number", range(3, 16))
def test_a_working_directory_outside_of_the_root(runtime, number):
    """CVE-2024-21626: descriptors that the runtime itself has open on the host."""
    for directory in (f"/proc/self/fd/{number}", f"/proc/self/fd/{number}/../.."):
        done = runtime.bundle("sh", "-c", "pwd; ls", process={"cwd": directory}).run(check=False)
        assert done.returncode == 1 and done.stdout == ""


def test_a_working_directory_that_is_a_link(runtime):
    (runtime.rootfs / "elsewhere").symlink_to("/proc/self/fd/5")
    done = runtime.bundle("sh", "-c", "pwd; ls", process={"cwd": "/elsewhere"}).run(check=False)
    assert done.returncode == 1 and done.stdout == ""
    bundle = runtime.bundle("sleep", "100").begin()
    done = bundle.exec("ls", flags=["--cwd", "/elsewhere"], check=False)
    assert done.returncode == 255 and done.stdout == ""


def test_an_exec_has_no_more_than_it_is_given(runtime):
    """Nothing of the caller's capabilities, not even ambient and inheritable ones, and none of its groups."""
    bundle = runtime.bundle("sleep", "100", process={"user": {"uid": 1000, "gid": 1000}}).begin()
    command = runtime.command("exec", bundle.name, "sh", "-c", "grep -E '^(Cap|Groups)' /proc/self/status")
    text = subprocess.run(["setpriv", "--inh-caps", "+chown,+kill", "--ambient-caps", "+chown,+kill", "--groups", "0,4,24", *command],
                          capture_output=True, text=True, timeout=30, check=True).stdout
    found = {name: value for name, value in re.findall(r"(\w+):[ \t]*(.*?)[ \t]*$", text, re.M)}
    assert found["Groups"] == "1000" or found["Groups"] == ""
    assert all(int(found[name], 16) == 0 for name in ("CapInh", "CapAmb", "CapPrm", "CapEff"))


def test_groups_are_set_even_when_there_are_none(runtime):
    text = subprocess.run(["setpriv", "--groups", "4,24,27", *runtime.command("run", "-b", (b := runtime.bundle("id", "-G")).path, b.name)],
                          capture_output=True, text=True, timeout=30, check=True).stdout
    assert text.split() == ["0"]


def test_control_groups_of_the_host_are_out_of_reach(runtime):
    """Version 1 mounted read-only, and in a namespace: neither a write nor a release agent."""
    mount = {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["ro", "nosuid", "nodev", "noexec"]}
    script = ("for f in $(find /sys/fs/cgroup -name release_agent -o -name cgroup.procs -o -name tasks 2>/dev/null); do "
              "(echo 1 >$f) 2>/dev/null && echo wrote $f; done; find /sys/fs/cgroup -maxdepth 2 -name release_agent; echo done")
    (runtime.rootfs / "bin" / "find").symlink_to("busybox")
    for namespaces in (NAMESPACES, [*NAMESPACES, "cgroup"]):
        text = runtime.bundle("sh", "-c", script, mounts=[*MOUNTS, mount], process={
            "capabilities": {n: [c for c in ALL if c != "CAP_SYS_ADMIN"] for n in ("bounding", "effective", "permitted")}},
            linux={"namespaces": [{"type": name} for name in namespaces]}).run().stdout
        assert text == "done\n"
    assert cgroup_mounts()


def test_devices_that_are_not_allowed(runtime):
    """The host's disks can be made into nodes, and not opened."""
    rules = [{"allow": False, "access": "rwm"}]
    text = runtime.bundle("sh", "-c", "mknod /tmp/disk b 7 0; mknod /tmp/mem c 1 1; head -c 1 /tmp/disk 2>&1; head -c 1 /tmp/mem 2>&1; "
                          "head -c 1 /dev/zero | wc -c", linux={"resources": {"devices": rules}}).run().stdout
    lines = text.splitlines()
    assert sum("not permitted" in line for line in lines) == 2 and lines[-1] == "1"


def test_the_start_socket_is_the_owners(runtime):
    """Nobody but root lets a container go."""
    bundle = runtime.bundle("sleep", "100")
    bundle.create()
    path = runtime.root / bundle.name / "start.sock"
    done = subprocess.run(["setpriv", "--reuid", "1234", "--regid", "1234", "--clear-groups", "/usr/bin/python3", "-c",
                           f"import socket; s=socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.connect({str(path)!r})"],
                          capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "Permission" in done.stderr
    assert bundle.state()["status"] == "created"


def test_ids_are_names(runtime):
    for name in ("../escape", "a/b", "..", ".", "", "x\n", "x" * 2000):
        done = runtime("create", "--bundle", runtime.bundle().path, name, check=False)
        assert done.returncode == 1
    assert not (runtime.root.parent / "escape").exists()


@pytest.mark.parametrize("flags", [[], ["--no-pivot"]])
def test_no_whole_procfs_for_who_makes_a_user_namespace(runtime, flags):
    bundle = runtime.bundle("busybox", "unshare", "-Urmpf", "busybox", "mount", "-t", "proc", "none", "/proc",
                            linux={"maskedPaths": ["/proc/keys"]}, process={"capabilities": {
                                name: ["CAP_SETFCAP", "CAP_SETUID", "CAP_SETGID"] for name in ("bounding", "effective", "permitted")}})
    done = bundle.run(*flags, check=False)
    assert done.returncode == 1 and "denied" in done.stderr.lower()
