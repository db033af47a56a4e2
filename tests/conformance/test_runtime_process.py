# SPDX-License-Identifier: Apache-2.0
"""config.json: what the specification says about `process`, and which of it an exec has."""
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess

import pytest

from conftest import wait_until
from runtime_bundles import runtime  # noqa: F401 (a fixture)


def output_of(bundle):
    return bundle.run().stdout


def shell(runtime, script, **changes):
    return output_of(runtime.bundle("sh", "-c", script, **changes))


def test_args_env_and_cwd(runtime):
    text = shell(runtime, "pwd; echo $A-$B; echo \"$0\"", process={"env": ["PATH=/bin", "A=1", "B=two words"], "cwd": "/tmp/new"})
    assert text == "/tmp/new\n1-two words\nsh\n"


def test_of_variables_with_one_name_the_last_counts(runtime):
    env = ["PATH=/bin", "A=1", "HOME=/first", "B=2", "A=3", "HOME="]
    assert output_of(runtime.bundle("env", process={"env": env})).split() == ["PATH=/bin", "B=2", "A=3", "HOME=/root"]


def test_a_program_that_only_a_capability_may_execute(runtime):
    program = runtime.rootfs / "own" / "echo"
    program.parent.mkdir()
    shutil.copy(runtime.rootfs / "bin" / "busybox", program)
    program.chmod(0o744)
    process = {"user": {"uid": 1000, "gid": 1000}, "env": ["PATH=/own"]}
    refused = runtime.bundle("echo", process={**process, "capabilities": None}).run(check=False)
    assert refused.returncode == 1 and "executable file not found" in refused.stderr
    sets = {name: ["CAP_DAC_OVERRIDE"] for name in ("bounding", "permitted", "effective", "inheritable", "ambient")}
    assert output_of(runtime.bundle("echo", "done", process={**process, "capabilities": sets})) == "done\n"


def test_user_groups_and_umask(runtime):
    user = {"uid": 1000, "gid": 100, "additionalGids": [5, 77], "umask": 0o27}
    text = shell(runtime, "id -u; id -g; id -G; umask; echo $HOME", process={"user": user})
    assert text.split() == ["1000", "100", "100", "5", "77", "0027", "/home/user"]


def test_five_sets_of_capabilities(runtime):
    sets = {"bounding": ["CAP_CHOWN", "CAP_KILL", "CAP_SETUID"], "permitted": ["CAP_CHOWN", "CAP_KILL"],
            "effective": ["CAP_CHOWN"], "inheritable": ["CAP_KILL"], "ambient": ["CAP_KILL"]}
    text = shell(runtime, "grep ^Cap /proc/self/status", process={"user": {"uid": 1000, "gid": 1000}, "capabilities": sets})
    found = {name: int(value, 16) for name, value in re.findall(r"Cap(\w+):\t(\w+)", text)}
    # The program is executed by another user than root: what it keeps is ambient.
    assert found == {"Inh": 1 << 5, "Prm": 1 << 5, "Eff": 1 << 5, "Bnd": 1 | 1 << 5 | 1 << 7, "Amb": 1 << 5}


def test_capabilities_that_nobody_knows_are_passed_over(runtime):
    text = shell(runtime, "grep ^CapBnd /proc/self/status", process={"capabilities": {"bounding": ["CAP_CHOWN", "CAP_FUTURE"]}})
    assert int(text.split()[1], 16) == 1


def test_rlimits_and_oom_score(runtime):
    text = shell(runtime, "ulimit -Sn; ulimit -Hn; ulimit -c; cat /proc/self/oom_score_adj",
                 process={"oomScoreAdj": 321, "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200},
                                                          {"type": "RLIMIT_CORE", "soft": 0, "hard": 0}]})
    assert text.split() == ["100", "200", "0", "321"]


def test_no_new_privileges(runtime):
    assert shell(runtime, "grep NoNewPrivs /proc/self/status", process={"noNewPrivileges": True}).split()[1] == "1"
    assert shell(runtime, "grep NoNewPrivs /proc/self/status").split()[1] == "0"


def test_scheduler(runtime):
    # Columns 19 and 41 of proc(5): nice, policy.
    text = shell(runtime, "cat /proc/self/stat", process={"scheduler": {"policy": "SCHED_BATCH", "nice": 7}})
    columns = text.rpartition(")")[2].split()
    assert columns[16] == "7" and columns[38] == "3"
    done = runtime.bundle(process={"scheduler": {"policy": "SCHED_NEVER"}}).run(check=False)
    assert done.returncode == 1 and "process.scheduler.policy" in done.stderr


def test_io_priority(runtime):
    assert shell(runtime, "ionice -p 1", process={"ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 6}}).strip() \
        == "best-effort: prio 6"
    done = runtime.bundle(process={"ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 9}}).run(check=False)
    assert "process.ioPriority.priority" in done.stderr


def test_affinity_of_execs(runtime):
    if os.cpu_count() < 2:
        pytest.skip("one processor")
    affinity = {"initial": "0", "final": "1"}
    bundle = runtime.bundle("sleep", "100", process={"execCPUAffinity": affinity}).begin()
    show = ["grep", "Cpus_allowed_list", "/proc/self/status"]
    assert bundle.exec(*show).stdout.split()[1] == "1"
    other = bundle.path / "process.json"
    other.write_text(json.dumps({**bundle.config["process"], "args": show, "execCPUAffinity": {"initial": "0"}}))
    assert bundle.exec(flags=["--process", other]).stdout.split()[1] == "0"
    other.write_text(json.dumps({**bundle.config["process"], "args": show, "execCPUAffinity": {"final": "x"}}))
    done = bundle.exec(flags=["--process", other], check=False)
    assert done.returncode == 255 and "process.execCPUAffinity.final" in done.stderr


def test_the_affinity_of_the_caller_is_not_the_containers(runtime):
    if os.cpu_count() < 2:
        pytest.skip("one processor")
    show = ["grep", "Cpus_allowed_list", "/proc/self/status"]
    bundle = runtime.bundle("sh", "-c", " ".join(show) + "; exec sleep 100")
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(mine)})
    try:
        bundle.begin()
        assert bundle.exec(*show).stdout.split()[1] != str(min(mine))
    finally:
        os.sched_setaffinity(0, mine)
    wait_until(bundle.text)
    assert bundle.text().split()[1] != str(min(mine))


def test_personality(runtime):
    assert shell(runtime, "cat /proc/self/personality", linux={"personality": {"domain": "LINUX32"}}).strip() == "00000008"
    done = runtime.bundle(linux={"personality": {"domain": "VMS"}}).run(check=False)
    assert "linux.personality.domain" in done.stderr


def test_memory_policy(runtime):
    def policy(**fields):
        return runtime.bundle("sh", "-c", "head -n 1 /proc/self/numa_maps", linux={"memoryPolicy": fields})
    done = policy(mode="MPOL_INTERLEAVE", nodes="0").run(check=False)
    if "Function not implemented" in done.stderr or not os.path.exists("/proc/self/numa_maps"):
        pytest.skip("a kernel without NUMA")
    assert done.stdout.split()[1] == "interleave:0"
    assert policy(mode="MPOL_BIND", nodes="0", flags=["MPOL_F_STATIC_NODES"]).run().stdout.split()[1] == "bind=static:0"
    for fields, field in (({"mode": "MPOL_X"}, "mode"), ({"mode": "MPOL_BIND", "nodes": "q"}, "nodes"),
                          ({"mode": "MPOL_BIND", "nodes": "0", "flags": ["F"]}, "flags")):
        assert f"linux.memoryPolicy.{field}" in policy(**fields).run(check=False).stderr


def test_the_session_keyring_is_new(runtime):
    """Each container has its own, an exec its container's, and with --no-new-keyring there is none."""
    if not os.path.exists("/proc/keys"):
        pytest.skip("a kernel without keys")

    def keyrings(name):
        text = pathlib.Path("/proc/keys").read_text()
        return len([line for line in text.splitlines() if f" _ses.{name}:" in line])
    bundle = runtime.bundle("sleep", "100")
    bundle.name = runtime.parent.replace("/", "")  # nobody else's
    bundle.begin()
    assert keyrings(bundle.name) == 1
    bundle.exec("sh", "-c", "exec sleep 100 >/dev/null 2>&1", flags=["-d"])
    assert keyrings(bundle.name) == 1
    plain = runtime.bundle("sleep", "100")
    plain.name = bundle.name + "-plain"
    plain.begin("--no-new-keyring")
    plain.exec("true")
    assert keyrings(plain.name) == 0


def receive_terminal(runtime, start):
    """The master of the terminal that comes through --console-socket, when `start(path)` has made it."""
    path = str(runtime.directory / "console.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(1)
        start(path)
        connection, _ = listener.accept()
        with connection:
            _, descriptors, _, _ = socket.recv_fds(connection, 100, 1)
    os.unlink(path)
    return descriptors[0]


def read_terminal(master, until):
    text = b""
    while until not in text:
        text += os.read(master, 4096)
    return text.decode()


def test_terminal_through_a_console_socket(runtime):
    bundle = runtime.bundle("sh", "-c", "tty; stty size; read line; echo got $line; sleep 100",
                            process={"terminal": True, "consoleSize": {"height": 33, "width": 101}})
    (runtime.rootfs / "bin" / "stty").symlink_to("busybox")
    refused = bundle.create(check=False)
    assert refused.returncode == 1 and "cannot allocate tty if runc will detach without setting console socket" in refused.stderr
    master = receive_terminal(runtime, lambda path: bundle.create("--console-socket", path))
    bundle.start()
    text = read_terminal(master, b"101")
    assert text.split() == ["/dev/pts/0", "33", "101"] or text.split() == ["/dev/console", "33", "101"]
    os.write(master, b"a line\n")
    assert "got a line" in read_terminal(master, b"got a line")
    exec_master = receive_terminal(runtime, lambda path: bundle.exec("sh", "-c", "tty; sleep 100",
                                                                      flags=["-d", "-t", "--console-socket", path]))
    assert "/dev/pts/1" in read_terminal(exec_master, b"pts/1")
    os.close(master)
    os.close(exec_master)


def test_a_console_socket_without_a_terminal_is_refused(runtime):
    done = runtime.bundle().run("--console-socket", "/nowhere", check=False)
    assert "cannot use console socket if runc will not detach or allocate tty" in done.stderr


def test_terminal_in_the_foreground(runtime):
    bundle = runtime.bundle("sh", "-c", "tty; echo done", process={"terminal": True})
    # `script` would pass on the end of its input as a character, which the terminal shows.
    silent, keeps_open = os.pipe()
    try:
        done = subprocess.run(["script", "-qec", " ".join(runtime.command("run", "--bundle", bundle.path, bundle.name)), "/dev/null"],
                              capture_output=True, text=True, timeout=30, check=True, stdin=silent)
    finally:
        os.close(silent)
        os.close(keeps_open)
    assert done.stdout.split()[-1] == "done" and "/dev/" in done.stdout


def test_a_terminal_in_the_foreground_leaves_line_feeds_alone(runtime):
    bundle = runtime.bundle("sh", "-c", "echo one; echo two", process={"terminal": True})
    done = subprocess.run(runtime.command("run", "--bundle", bundle.path, bundle.name), capture_output=True, timeout=30,
                          check=True, stdin=subprocess.DEVNULL)
    assert done.stdout == b"one\ntwo\n"


def test_terminal_without_a_mount_namespace(runtime):
    bundle = runtime.bundle("sh", "-c", "test -t 0 && echo done", process={"terminal": True}, mounts=[],
                            linux={"namespaces": [{"type": "pid"}]})
    assert bundle.run(stdin=None).stdout == "done\n"
