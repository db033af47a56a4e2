# SPDX-License-Identifier: Apache-2.0
"""The command line: verbs, flags, exit codes and what is printed, as runc has them."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess

import pytest

from conftest import wait_until
from runtime_bundles import MOUNTS, RUNTIME, Runtime, cgroup_mounts, runtime  # noqa: F401 (a fixture)

V2 = os.path.exists("/sys/fs/cgroup/cgroup.controllers")


@pytest.fixture
def running(runtime):
    return runtime.bundle("sh", "-c", "trap 'echo got it' USR1; while :; do sleep 0.1; done").begin()


def message(done):
    return re.search(r'level=error msg="(.*)"$', done.stderr.strip().splitlines()[-1])[1]


# --- life ---

def test_create_start_kill_delete(runtime):
    bundle = runtime.bundle("sh", "-c", "echo hello; sleep 100", annotations={"k": "v"})
    bundle.create("--pid-file", bundle.path / "pid")
    state = bundle.state()
    assert state["status"] == "created" and state["pid"] == int((bundle.path / "pid").read_text())
    assert state["bundle"] == str(bundle.path) and state["rootfs"] == str(runtime.rootfs) and state["id"] == bundle.name
    assert state["ociVersion"] == "1.2.0" and state["annotations"] == {"k": "v"} and state["owner"] == ""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", state["created"])
    assert bundle.text() == ""
    bundle.start()
    assert bundle.state()["status"] == "running"
    assert wait_until(bundle.text) == "hello\n"
    assert bundle.delete(check=False).returncode == 1
    runtime("kill", bundle.name, "KILL")
    bundle.wait_for("stopped")
    assert bundle.state()["pid"] == 0
    bundle.delete()
    assert message(runtime("state", bundle.name, check=False)) == "container does not exist"


def test_run_gives_the_exit_code(runtime):
    assert runtime.bundle("sh", "-c", "exit 17").run(check=False).returncode == 17
    killed = runtime.bundle("sh", "-c", "echo ready; sleep 100")
    process = subprocess.Popen(runtime.command("run", "--bundle", killed.path, killed.name), stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    runtime("kill", killed.name, "KILL")
    assert process.wait(10) == 137
    kept = runtime.bundle("true")
    kept.run("--keep")
    assert kept.state()["status"] == "stopped"


def test_run_passes_signals_on(runtime):
    bundle = runtime.bundle("sh", "-c", "trap 'echo got it; exit 5' TERM; echo ready; while :; do sleep 0.1; done")
    process = subprocess.Popen(runtime.command("run", "--bundle", bundle.path, bundle.name), stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "got it\n" and process.wait(10) == 5


def test_run_detached(runtime):
    bundle = runtime.bundle("sh", "-c", "sleep 100 >/dev/null 2>&1")
    subprocess.run(
        runtime.command("run", "-d", "--pid-file", bundle.path / "pid", "-b", bundle.path, bundle.name),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, timeout=30)
    assert bundle.state()["status"] == "running" and (bundle.path / "pid").read_text() == str(bundle.state()["pid"])


def test_delete_of_what_was_only_created(runtime):
    bundle = runtime.bundle("sleep", "100")
    bundle.create()
    bundle.delete()
    assert runtime("delete", "--force", bundle.name).returncode == 0
    assert message(runtime("delete", bundle.name, check=False)) == "container does not exist"


def test_errors_of_the_states(runtime, running):
    assert message(running.start(check=False)) == "cannot start an already running container"
    assert message(runtime("resume", running.name, check=False)) == "container not paused"
    assert "container with given ID already exists" in running.create(check=False).stderr
    runtime("kill", running.name, "KILL")
    running.wait_for("stopped")
    assert message(running.start(check=False)) == "cannot start a container that has stopped"
    assert message(running.exec("true", check=False)) == "cannot exec in a stopped container"
    assert message(runtime("kill", running.name, check=False)) == "container not running"
    assert runtime("kill", "--all", running.name).returncode == 0


def test_a_program_that_cannot_be_executed(runtime):
    for program, words in (("no-such-program", "executable file not found in $PATH"), ("/etc/passwd", "permission denied"),
                           ("/etc", "is a directory"), ("/none", "no such file or directory")):
        bundle = runtime.bundle(program)
        done = bundle.create(check=False)
        assert done.returncode == 1 and words in done.stderr
        assert bundle.run(check=False).returncode == 1


# --- exec ---

def test_exec_flags(runtime, running):
    flags = ["--cwd", "/tmp", "--env", "A=1", "-e", "B=x y", "--user", "1000:100", "--additional-gids", "7", "-g", "8",
             "--cap", "CAP_NET_RAW", "--no-new-privs"]
    done = running.exec("sh", "-c", "pwd; echo $A $B; id -u; id -G; grep -E 'CapBnd|NoNew' /proc/self/status", flags=flags)
    lines = done.stdout.splitlines()
    assert lines[:4] == ["/tmp", "1 x y", "1000", "100 7 8"]
    assert int(lines[4].split()[1], 16) & (1 << 13) and lines[5].split()[1] == "1"
    assert running.exec("sh", "-c", "exit 9", check=False).returncode == 9
    assert running.exec("no-such", check=False).returncode == 255
    assert running.exec(check=False).returncode == 255
    for flag in (["--user", "joe"], ["--apparmor"], ["--no-such-flag"]):
        assert running.exec("true", flags=flag, check=False).returncode == 255


def test_exec_with_a_process_file(runtime, running):
    path = running.path / "process.json"
    path.write_text(json.dumps({"user": {"uid": 5, "gid": 6}, "args": ["sh", "-c", "id -u; pwd"], "env": ["PATH=/bin"], "cwd": "/etc"}))
    assert running.exec(flags=["--process", path]).stdout.split() == ["5", "/etc"]
    path.write_text(json.dumps({"args": ["true"], "cwd": "relative"}))
    done = running.exec(flags=["-p", path], check=False)
    assert done.returncode == 255 and "process.cwd" in done.stderr


def test_exec_detached_with_a_pid_file(runtime, running):
    pid_file = running.path / "exec-pid"
    running.exec("sh", "-c", "exec sleep 100 >/dev/null 2>&1", flags=["-d", "--pid-file", pid_file])
    assert pathlib.Path(f"/proc/{pid_file.read_text()}/cmdline").read_bytes() == b"sleep\x00100\x00"


@contextlib.contextmanager
def as_descriptor_3(file):
    """Options of subprocess that have `file` there as descriptor 3."""
    before = os.dup(3) if os.path.exists("/proc/self/fd/3") else None
    os.dup2(file.fileno(), 3)
    try:
        yield {"pass_fds": [3]}
    finally:
        if before is None:
            os.close(3)
        else:
            os.dup2(before, 3)
            os.close(before)


def test_preserved_descriptors(runtime):
    running = runtime.bundle("sleep", "100").begin()
    with open(runtime.directory / "extra", "w+", encoding="utf-8") as extra, as_descriptor_3(extra) as options:
        bundle = runtime.bundle("sh", "-c", "echo through >&3; ls /proc/self/fd | wc -l")
        bundle.run("--preserve-fds", "1", **options)
        refused = bundle.run("--preserve-fds", "2", check=False, **options)
        assert "unable to stat preserved-fd 1 (of 2)" in refused.stderr
        running.exec("sh", "-c", "echo again >&3", flags=["--preserve-fds", "1"], **options)
        assert running.exec("sh", "-c", "echo never >&3", check=False, **options).returncode != 0
    assert (runtime.directory / "extra").read_text() == "through\nagain\n"


def test_socket_activation(runtime):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(runtime.directory / "activated.sock"))
        with as_descriptor_3(listener) as options:
            bundle = runtime.bundle("sh", "-c", "echo $LISTEN_FDS $LISTEN_PID; readlink /proc/self/fd/3")
            text = bundle.run(env={**os.environ, "LISTEN_FDS": "1"}, **options).stdout
            bundle = runtime.bundle("sleep", "100").begin(env={**os.environ, "LISTEN_FDS": "1"}, **options)
    assert text.splitlines()[0] == "1 1" and "socket:" in text
    assert "LISTEN" not in bundle.exec("env").stdout


def test_pidfd_socket(runtime):
    path = str(runtime.directory / "pidfd.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(2)
        bundle = runtime.bundle("sleep", "100").begin("--pidfd-socket", path)
        pids = []
        for _ in range(2):
            connection, _ = listener.accept()
            with connection:
                _, (descriptor,), _, _ = socket.recv_fds(connection, 100, 1)
            info = pathlib.Path(f"/proc/self/fdinfo/{descriptor}").read_text()
            pids.append(int(re.search(r"Pid:\s+(\d+)", info)[1]))
            if len(pids) == 1:
                bundle.exec("sh", "-c", "exec sleep 100 >/dev/null 2>&1",
                            flags=["-d", "--pidfd-socket", path, "--pid-file", bundle.path / "exec"])
            os.close(descriptor)
    assert pids == [bundle.state()["pid"], int((bundle.path / "exec").read_text())]


@pytest.mark.skipif(V2, reason="control groups of version 2: tests/vm")
def test_exec_into_a_control_group_below(runtime, running):
    group = running.config["linux"]["cgroupsPath"]
    hierarchy = next(point for point in cgroup_mounts() if point.endswith("/pids"))
    os.mkdir(f"{hierarchy}{group}/sub")
    show = ["cat", "/proc/self/cgroup"]
    text = running.exec(*show, flags=["--cgroup", "pids:sub"]).stdout
    assert f":pids:{group}/sub" in text and f":memory:{group}\n" in text
    for arguments, words in ((["nothing:sub"], "unknown cgroup controller"), (["pids:../.."], ".."), ([":x"], "empty"),
                             (["sub"], "does not exist")):
        done = running.exec(*show, flags=["--cgroup", *arguments], check=False)
        assert done.returncode == 255 and words in done.stderr


def test_exec_while_paused(runtime, running):
    runtime("pause", running.name)
    assert running.state()["status"] == "paused"
    done = running.exec("true", check=False)
    assert message(done) == "cannot exec in a paused container (use --ignore-paused to override)"
    process = subprocess.Popen(runtime.command("exec", "--ignore-paused", running.name, "echo", "thawed"),
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    wait_until(lambda: runtime("ps", "--format", "json", running.name).stdout.count(",") >= 1)
    runtime("resume", running.name)
    assert process.communicate(timeout=10)[0] == "thawed\n"


# --- what is shown ---

def test_kill_takes_names_and_numbers(runtime, running):
    for name in ("USR1", "SIGUSR1", "10", "usr1"):
        runtime("kill", running.name, name)
    wait_until(lambda: "got it" in running.text())
    assert message(runtime("kill", running.name, "NEVER", check=False)) == r'unknown signal \"NEVER\"'


def test_kill_all_reaches_what_has_no_namespace(runtime):
    bundle = runtime.bundle("sh", "-c", "sleep 100 & sleep 100 & wait", linux={"namespaces": [{"type": "mount"}]},
                            mounts=[m for m in MOUNTS if m["type"] not in ("sysfs", "mqueue")]).begin()
    wait_until(lambda: runtime("ps", "-f", "json", bundle.name).stdout.count(",") == 2)
    runtime("kill", bundle.name, "KILL")
    wait_until(lambda: runtime("ps", "-f", "json", bundle.name).stdout == "[]\n")


def test_kill_reaches_what_has_outlived_the_first_process(runtime):
    bundle = runtime.bundle("sh", "-c", "sleep 100 & sleep 100 & wait", linux={"namespaces": [{"type": "mount"}]},
                            mounts=[m for m in MOUNTS if m["type"] not in ("sysfs", "mqueue")]).begin()
    wait_until(lambda: runtime("ps", "-f", "json", bundle.name).stdout.count(",") == 2)
    os.kill(bundle.state()["pid"], signal.SIGKILL)
    bundle.wait_for("stopped")
    assert message(runtime("kill", bundle.name, "TERM", check=False)) == "container not running"
    runtime("kill", bundle.name, "KILL")
    wait_until(lambda: runtime("ps", "-f", "json", bundle.name).stdout == "[]\n")
    assert message(runtime("kill", bundle.name, "KILL", check=False)) == "container not running"


def test_a_signal_ends_what_was_only_created(runtime):
    bundle = runtime.bundle("sleep", "100")
    bundle.create()
    runtime("kill", bundle.name, "TERM")
    bundle.wait_for("stopped")


def test_flags_after_the_name(runtime, running):
    runtime("update", running.name, "--pids-limit", "44")
    assert json.loads(runtime("ps", "--format=json", running.name).stdout)
    assert "-x" in message(runtime("kill", running.name, "-x", check=False))
    assert running.exec("echo", "--tty", "-x").stdout == "--tty -x\n"
    runtime("delete", running.name, "--force")
    assert runtime("state", running.name, check=False).returncode == 1


def test_list(runtime, running):
    other = runtime.bundle("sleep", "100")
    other.create()
    listed = json.loads(runtime("list", "--format", "json").stdout)
    assert {item["id"]: item["status"] for item in listed} == {running.name: "running", other.name: "created"}
    assert all(item["owner"] == "root" and item["pid"] for item in listed)
    assert sorted(runtime("list", "-q").stdout.split()) == sorted([running.name, other.name])
    lines = runtime("list").stdout.splitlines()
    assert lines[0].split() == ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]
    assert lines[1].split()[:4] == [running.name, str(running.state()["pid"]), "running", str(running.path)]
    assert message(runtime("list", "-f", "xml", check=False)) == "invalid format option"


def test_ps(runtime, running):
    pids = json.loads(runtime("ps", "--format", "json", running.name).stdout)
    assert running.state()["pid"] in pids
    lines = runtime("ps", running.name).stdout.splitlines()
    assert "PID" in lines[0].split() and any(str(running.state()["pid"]) in line.split() for line in lines[1:])
    assert runtime("ps", running.name, "-o", "pid,comm").stdout.splitlines()[0].split() == ["PID", "COMMAND"]


def test_events(runtime, running):
    event = json.loads(runtime("events", "--stats", running.name).stdout)
    assert event["type"] == "stats" and event["id"] == running.name
    data = event["data"]
    assert data["memory"]["usage"]["usage"] > 0 and data["memory"]["raw"] and data["pids"]["current"] >= 1
    assert data["cpu"]["usage"]["total"] > 0 and data["network_interfaces"][0]["Name"] == "lo"
    process = subprocess.Popen(runtime.command("events", "--interval", "100ms", running.name), stdout=subprocess.PIPE, text=True)
    for _ in range(2):
        assert json.loads(process.stdout.readline())["type"] == "stats"
    runtime("kill", running.name, "KILL")
    assert process.wait(10) == 0
    assert "greater than 0" in message(runtime("events", "--interval", "0s", running.name, check=False))


def test_events_tell_of_memory(runtime):
    bundle = runtime.bundle("sh", "-c", "sleep 1; (tail /dev/zero) ; sleep 100",
                            linux={"resources": {"memory": {"limit": 16777216, "swap": 16777216}}}).begin()
    process = subprocess.Popen(runtime.command("events", "--interval", "1h", bundle.name), stdout=subprocess.PIPE, text=True)
    assert json.loads(process.stdout.readline()) == {"type": "oom", "id": bundle.name}
    process.kill()
    process.wait()


@pytest.mark.skipif(V2, reason="control groups of version 2: tests/vm")
def test_update(runtime, running):
    def value(controller, name):
        point = next(p for p in cgroup_mounts() if controller in pathlib.Path(p).name.split(","))
        return pathlib.Path(point + running.config["linux"]["cgroupsPath"], name).read_text().strip()
    runtime("update", "--memory", "64M", "--memory-reservation", "32m", "--cpu-share", "500", "--cpu-quota", "30000",
            "--cpu-period", "60000", "--pids-limit", "44", "--cpuset-cpus", "0", running.name)
    assert value("memory", "memory.limit_in_bytes") == "67108864" and value("memory", "memory.soft_limit_in_bytes") == "33554432"
    assert value("cpu", "cpu.shares") == "500" and value("cpu", "cpu.cfs_quota_us") == "30000"
    assert value("cpu", "cpu.cfs_period_us") == "60000" and value("pids", "pids.max") == "44"
    assert value("cpuset", "cpuset.cpus") == "0"
    runtime("update", "--resources", "-", running.name,
            input=json.dumps({"memory": {"limit": 33554432}, "cpu": {"shares": 600}, "pids": {"limit": -1}}))
    assert value("memory", "memory.limit_in_bytes") == "33554432" and value("pids", "pids.max") == "max"
    assert value("cpu", "cpu.shares") == "600"
    runtime("update", "--cpu-burst", "1000", running.name)
    assert value("cpu", "cpu.cfs_burst_us") == "1000"
    for flags, word in ((["--memory", "lots"], "invalid value for memory"), (["--cpu-quota", "x"], "cpu-quota"),
                        (["--l3-cache-schema", "L3:0=f"], "Intel RDT")):
        assert word in message(runtime("update", *flags, running.name, check=False))


@pytest.mark.skipif(V2, reason="control groups of version 2 have no such limits")
def test_update_of_realtime_limits_in_any_order(runtime, running):
    point = next(p for p in cgroup_mounts() if "cpu" in pathlib.Path(p).name.split(","))
    group = pathlib.Path(point + running.config["linux"]["cgroupsPath"])
    if not (group / "cpu.rt_period_us").exists():
        pytest.skip("this kernel has no real-time limits of groups")
    (group.parent / "cpu.rt_runtime_us").write_text("900000")
    # Up both, down both: whichever is written first, once it is in the way of the other.
    for period, length in (("1000000", "600000"), ("10000", "3000"), ("900000", "500000")):
        runtime("update", running.name, "--cpu-rt-period", period, "--cpu-rt-runtime", length)
        assert [(group / f"cpu.rt_{name}_us").read_text().strip() for name in ("period", "runtime")] == [period, length]


def test_spec_makes_a_bundle_that_runs(runtime, tmp_path):
    shutil.copytree(runtime.rootfs, tmp_path / "rootfs", symlinks=True)
    runtime("spec", "--bundle", tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["process"]["args"] == ["sh"] and config["root"] == {"path": "rootfs", "readonly": True}
    config["process"].update(terminal=False, args=["echo", "it runs"])
    config["linux"]["cgroupsPath"] = f"{runtime.parent}/spec"
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert runtime("run", "spec", cwd=tmp_path).stdout == "it runs\n"
    assert "File config.json exists" in runtime("spec", "--bundle", tmp_path, check=False).stderr
    (tmp_path / "config.json").unlink()
    runtime("spec", "--rootless", "-b", tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    assert {"type": "user"} in config["linux"]["namespaces"] and config["linux"]["uidMappings"][0]["size"] == 1


def test_features(runtime):
    features = json.loads(runtime("features").stdout)
    assert features["ociVersionMin"] == "1.0.0" and features["ociVersionMax"] == "1.3.0"
    assert features["hooks"] == ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]
    linux = features["linux"]
    assert {"rro", "ridmap", "tmpcopyup", "rbind", "nosymfollow"} <= set(features["mountOptions"])
    assert sorted(linux["namespaces"]) == ["cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"]
    assert linux["seccomp"]["enabled"] and "SCMP_ACT_NOTIFY" in linux["seccomp"]["actions"]
    assert "SCMP_ARCH_X86_64" in linux["seccomp"]["archs"] and linux["seccomp"]["knownFlags"]
    assert linux["netDevices"]["enabled"] and linux["intelRdt"]["enabled"] and "MPOL_BIND" in linux["memoryPolicy"]["modes"]
    assert linux["cgroup"] == {"v1": True, "v2": True, "systemd": True, "systemdUser": False, "rdma": True}


# --- global flags, log ---

def test_log_files_and_formats(runtime):
    log = runtime.directory / "log"
    done = runtime("--log", log, "--log-format", "json", "state", "nobody", check=False)
    assert done.stderr == "container does not exist\n"
    line = json.loads(log.read_text())
    assert list(line) == ["level", "msg", "time"] and line["level"] == "error" and line["msg"] == "container does not exist"
    runtime("--log", log, "state", "nobody", check=False)
    assert re.fullmatch(r'time="[^"]+" level=error msg="container does not exist"', log.read_text().splitlines()[1])
    assert "invalid log-format: xml" in runtime("--log-format", "xml", "list", check=False).stderr
    runtime("--debug", "--log", log, "--log-format=json", "list")
    assert json.loads(log.read_text().splitlines()[-1])["level"] == "debug"
    runtime.bundle("sh", "-c", "exit 0").run("--no-pivot", "--no-subreaper")


def test_flags_and_arguments_that_do_not_exist(runtime):
    assert runtime("frobnicate", check=False).returncode == 3 and runtime("frobnicate", "-h", check=False).returncode == 3
    for arguments in (["--no-such", "list"], ["create"], ["state"], ["state", "a", "b"], ["create", "--nothing", "a"],
                      ["kill"], ["delete"], ["--rootless", "maybe", "list"], ["state", "../x"], ["state", ""]):
        done = runtime(*arguments, check=False)
        assert done.returncode == 1 and done.stderr
    for arguments in (["--version"], ["-v"]):
        assert re.match(r"hull-runtime version \S+\nspec: 1\.3\.0\n", runtime(*arguments).stdout)
    assert "checkpoint" in runtime("--help").stdout and "create" in runtime("create", "--help").stdout


def test_another_root_has_other_containers(runtime, running):
    other = Runtime()
    try:
        assert other("list", "-q").stdout == ""
    finally:
        other.close()


# --- users who are not root ---

def test_without_root(runtime):
    """Control groups are done without; namespaces, mounts and exec work through a user namespace."""
    bundle, state = runtime.directory / "mine", runtime.directory / "my-state"
    shutil.copytree(runtime.rootfs, bundle / "rootfs", symlinks=True)
    state.mkdir()
    for path in [bundle, state, *bundle.rglob("*")]:
        os.chown(path, 1234, 1234, follow_symlinks=False)
    def user(*arguments, **options):
        return subprocess.run(["setpriv", "--reuid", "1234", "--regid", "1234", "--clear-groups", RUNTIME, "--root", str(state),
                               *map(str, arguments)], capture_output=True, text=True, timeout=60, cwd=bundle, check=False,
                              stdin=subprocess.DEVNULL, **options)
    assert user("spec", "--rootless").returncode == 0
    config = json.loads((bundle / "config.json").read_text())
    config["process"].update(terminal=False, args=["sh", "-c", "id -u; cat /proc/self/uid_map; touch /tmp/x && echo wrote"])
    config["root"]["readonly"] = False
    config["mounts"].append({"destination": "/extra", "source": str(bundle / "rootfs/etc"), "type": "bind", "options": ["rbind", "ro"]})
    (bundle / "config.json").write_text(json.dumps(config))
    done = user("run", "mine")
    if "Operation not permitted" in done.stderr and "clone3" in done.stderr:
        pytest.skip("this kernel lets nobody but root make user namespaces")
    assert done.stdout.split() == ["0", "0", "1234", "1", "wrote"], done.stderr
    config["process"]["args"] = ["sleep", "100"]
    (bundle / "config.json").write_text(json.dumps(config))
    with open(os.devnull, "wb") as nowhere:
        subprocess.run(["setpriv", "--reuid", "1234", "--regid", "1234", "--clear-groups", RUNTIME, "--root", str(state),
                        "run", "-d", "mine"], stdout=nowhere, stderr=nowhere, timeout=60, cwd=bundle, check=True)
    assert user("exec", "mine", "id", "-u").stdout == "0\n"
    assert json.loads(user("state", "mine").stdout)["status"] == "running"
    config["linux"]["resources"] = {"pids": {"limit": 5}}
    (bundle / "config.json").write_text(json.dumps(config))
    assert user("run", "limited").returncode == 1
    assert user("delete", "--force", "mine").returncode == 0
    assert list(state.iterdir()) == []
