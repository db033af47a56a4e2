# SPDX-License-Identifier: Apache-2.0
"""--runtime: other OCI runtime programs start the containers; everything else is the same."""
import json
import os
import pathlib
import shutil
import subprocess

import pytest

from conftest import BIN, Hulld, wait_until

# crun 1.8 takes a cgroup2 mount beside the hierarchies of version 1 for version 2 alone: it is run without seeing it.
CRUN = """#!/bin/sh
exec /usr/bin/unshare -m /bin/sh -c 'umount /sys/fs/cgroup/unified 2>/dev/null; exec /usr/bin/crun "$@"' crun "$@"
"""


def programs(directory):
    found = {"foreign-hull": str(BIN / "hull-runtime")}
    if shutil.which("runc"):
        found["foreign-runc"] = shutil.which("runc")
    if shutil.which("crun"):
        found["crun"] = shutil.which("crun")
        if os.path.isdir("/sys/fs/cgroup/unified"):
            wrapper = directory / "crun"
            wrapper.write_text(CRUN)
            wrapper.chmod(0o755)
            found["crun"] = str(wrapper)
    return found


@pytest.fixture(scope="module")
def engine(busybox, tmp_path_factory):
    hulld = Hulld()
    hulld.programs = programs(tmp_path_factory.mktemp("runtimes"))
    configuration = hulld.directory / "daemon.json"
    configuration.write_text(json.dumps({"runtimes": {
        **{name: {"path": path} for name, path in hulld.programs.items()},
        "foreign-hull": {"path": hulld.programs["foreign-hull"], "runtimeArgs": ["--debug"]},
        "containerd-hull": {"runtimeType": "io.containerd.runc.v2", "options": {"BinaryName": hulld.programs["foreign-hull"]}},
        "typed": {"runtimeType": "io.containerd.kata.v2"}, "absent": {"path": "no-such-runtime"}}}))
    try:
        hulld.start("--config-file", configuration)
        hulld.docker("import", busybox, "busybox")
        yield hulld
    finally:
        hulld.close()


@pytest.fixture(params=["foreign-hull", "foreign-runc", "crun"])
def runtime(request, engine):
    if request.param not in engine.programs:
        pytest.skip(f"no {request.param} on this machine")
    return request.param


def status_of_process(pid):
    """State, parent and so on, as proc(5) has them; none of a process that is gone."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return ["gone", "0"]


def ended(pid):
    return status_of_process(pid)[0] in ("gone", "Z", "X")


def parent_of(pid):
    return int(status_of_process(pid)[1])


def in_terminal(cli, *arguments, keys=""):
    """What a person sees who runs that in a terminal and types `keys`, and the exit code."""
    command = " ".join(cli.engine.command(cli.name, *arguments))
    done = subprocess.run(["script", "-qec", command, "/dev/null"], env=cli.engine.environment(), input=keys,
                          capture_output=True, text=True, timeout=30, check=False)
    return done.stdout, done.returncode


def test_output_codes_and_input(cli, runtime):
    out = cli("run", "--rm", "--runtime", runtime, "busybox", "sh", "-c", "echo out; echo err >&2; exit 7", check=False)
    assert (out.stdout, out.stderr, out.returncode) == ("out\n", "err\n", 7)
    out = cli("run", "--rm", "-i", "--runtime", runtime, "busybox", "cat", input="through")
    assert out.stdout == "through"


def test_it_is_the_one_that_was_asked_for(engine, runtime):
    """Its own state is there while the container runs, and the container is as isolated as any other."""
    engine.hull("run", "-d", "--name", "one", "--runtime", runtime, "-m", "64m", "--memory-swap", "64m", "--pids-limit",
                "50", "--hostname", "inside", "--domainname", "of.it", "--cap-drop", "ALL", "busybox", "sleep", "1000")
    run = next((engine.exec / "containers").glob(engine.inspect("one", "{{.Id}}") + ".*"))
    assert list((run / "runtime-state").iterdir())
    assert engine.inspect("one", "{{.HostConfig.Runtime}} {{.State.Status}}") == f"{runtime} running"
    script = "hostname; cat /proc/sys/kernel/domainname; grep -c : /proc/net/dev; cat /proc/self/status"
    out = engine.hull("exec", "one", "sh", "-c", script).stdout
    assert out.startswith("inside\nof.it\n2\n") and "CapEff:\t0000000000000000" in out and "Seccomp:\t2" in out
    stats = engine.docker("stats", "--no-stream", "--format", "{{.MemUsage}} {{.PIDs}}", "one").stdout
    assert "/ 64MiB" in stats and stats.split()[-1] == "1"
    assert len(engine.docker("top", "one").stdout.splitlines()) == 2
    engine.docker("update", "--pids-limit", "60", "-m", "32m", "--memory-swap", "32m", "one")
    stats = engine.docker("stats", "--no-stream", "--format", "{{.MemUsage}}", "one").stdout
    assert "/ 32MiB" in stats


def test_logs_and_the_memory_limit(engine, runtime):
    engine.hull("run", "--name", "talks", "--runtime", runtime, "busybox", "sh", "-c", "echo one; echo two >&2")
    logs = engine.docker("logs", "--timestamps", "talks")
    assert logs.stdout.endswith(" one\n") and logs.stderr.endswith(" two\n")
    eats = engine.hull("run", "--name", "eats", "--runtime", runtime, "-m", "16m", "--memory-swap", "16m", "busybox", "sh",
                       "-c", "exec tail /dev/zero", check=False)
    assert eats.returncode == 137 and engine.inspect("eats", "{{.State.OOMKilled}}") == "true"


def test_a_mounted_image(engine, runtime):
    out = engine.docker("run", "--rm", "--runtime", runtime, "--mount", "type=image,source=busybox,target=/other", "busybox",
                        "sh", "-c", "ls /other/bin/busybox; touch /other/x 2>/dev/null || echo refused").stdout
    assert out == "/other/bin/busybox\nrefused\n"
    part = engine.docker("run", "--rm", "--runtime", runtime, "--mount",
                         "type=image,source=busybox,target=/other,image-subpath=bin", "busybox", "true", check=False)
    assert part.returncode == 125 and "a part of an image" in part.stderr


def test_network_volumes_and_files(engine, runtime, tmp_path):
    (tmp_path / "file").write_text("from outside\n")
    out = engine.docker("run", "--rm", "--runtime", runtime, "-v", f"{tmp_path}:/host:ro", "-v", "/volume", "--tmpfs",
                        "/scratch", "busybox", "sh", "-c",
                        "cat /host/file; touch /volume/x /scratch/x; ip addr show eth0 | grep -o 'inet [0-9.]*'; "
                        "touch /host/no 2>/dev/null || echo refused").stdout
    assert out.startswith("from outside\ninet 10.") and out.endswith("refused\n")


def test_exec(cli, runtime):
    cli("run", "-d", "--name", "target", "--runtime", runtime, "-e", "A=b", "busybox", "sleep", "1000")
    assert cli("exec", "target", "sh", "-c", "echo $A; exit 3", check=False).stdout == "b\n"
    assert cli("exec", "target", "sh", "-c", "exit 3", check=False).returncode == 3
    assert cli("exec", "-u", "web", "-w", "/tmp", "target", "sh", "-c", "id -un; pwd").stdout == "web\n/tmp\n"
    assert cli("exec", "-i", "target", "cat", input="words").stdout == "words"
    for program, code in {"no-such-program": 127, "/etc/passwd": 126}.items():
        refused = cli("exec", "target", program, check=False)
        assert refused.returncode == code and "OCI runtime exec failed" in refused.stdout + refused.stderr
    run = next((cli.engine.exec / "containers").glob(cli.engine.inspect("target", "{{.Id}}") + ".*"))
    assert not list(run.glob("exec-*.json"))


def test_terminals(cli, runtime):
    seen, code = in_terminal(cli, "run", "--rm", "-it", "--runtime", runtime, "busybox", "sh", keys="tty; exit 4\n")
    assert "/dev/pts/0" in seen and code == 4
    cli("run", "-d", "--name", "screen", "--runtime", runtime, "busybox", "sleep", "1000")
    seen, code = in_terminal(cli, "exec", "-it", "screen", "sh", keys="stty size; exit 6\n")
    assert code == 6, seen
    seen, code = in_terminal(cli, "exec", "-it", "screen", "no-such-program")
    assert "no-such-program" in seen and code == 127


def test_stop_kill_pause_and_restart(engine, runtime):
    engine.hull("run", "-d", "--name", "obeys", "--runtime", runtime, "busybox", "sh", "-c",
                "trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done")
    wait_until(lambda: engine.docker("logs", "obeys").stdout)
    engine.hull("stop", "obeys")
    assert engine.inspect("obeys", "{{.State.ExitCode}}") == "5"
    for _ in range(3):  # the names of the last run are free again at once
        engine.hull("restart", "-t", "0", "obeys")
    engine.hull("pause", "obeys")
    assert engine.inspect("obeys", "{{.State.Status}}") == "paused"
    engine.hull("unpause", "obeys")
    engine.hull("kill", "obeys")
    assert engine.inspect("obeys", "{{.State.Status}} {{.State.ExitCode}}") == "exited 137"


def test_commands_that_cannot_run(cli, runtime):
    for arguments, code, word in ((["no-such-program"], 127, "not found in $PATH"), (["/no/such"], 127, "no such file"),
                                  (["/etc/passwd"], 126, "permission denied")):
        refused = cli("run", "--rm", "--runtime", runtime, "busybox", *arguments, check=False)
        assert refused.returncode == code, refused.stderr
        assert word in refused.stderr and "OCI runtime create failed: " in refused.stderr
    cli("create", "--name", "kept", "--runtime", runtime, "busybox", "no-such-program")
    assert cli("start", "kept", check=False).returncode == 1
    assert cli.engine.inspect("kept", "{{.State.Status}} {{.State.ExitCode}}") == "created 127"


def test_it_survives_the_engine_and_ends_with_its_shim(engine, runtime):
    engine.hull("run", "-d", "--name", "stays", "--runtime", runtime, "busybox", "sh", "-c", "sleep 1.2; exit 9")
    pid = engine.inspect("stays", "{{.State.Pid}}")
    engine.crash()
    engine.start()
    assert engine.inspect("stays", "{{.State.Pid}}") == pid
    assert engine.hull("exec", "stays", "echo", "well").stdout == "well\n"
    assert engine.hull("wait", "stays").stdout == "9\n"
    engine.hull("start", "stays")
    os.kill(parent_of(engine.inspect("stays", "{{.State.Pid}}")), 9)
    wait_until(lambda: engine.inspect("stays", "{{.State.Status}} {{.State.ExitCode}}") == "exited 137")


def test_both_engine_and_shim_die(engine, runtime):
    engine.hull("run", "-d", "--name", "lost", "--runtime", runtime, "busybox", "sleep", "1000")
    pid = int(engine.inspect("lost", "{{.State.Pid}}"))
    parent = parent_of(pid)
    engine.crash()
    os.kill(parent, 9)
    engine.start()
    assert engine.inspect("lost", "{{.State.Status}}") == "exited"
    assert ended(pid)
    engine.hull("start", "lost")
    assert engine.hull("exec", "lost", "echo", "again").stdout == "again\n"


def test_info_and_refusals(engine, cli):
    info = json.loads(cli("info", "--format", "{{json .Runtimes}}").stdout)
    assert info["foreign-hull"]["path"] == engine.programs["foreign-hull"]
    assert info["containerd-hull"]["options"]["BinaryName"] == engine.programs["foreign-hull"]
    assert cli("run", "--rm", "--runtime", "containerd-hull", "busybox", "echo", "ran").stdout == "ran\n"
    for name, words in {"none": "unknown or invalid runtime name: none", "typed": "only containerd can run",
                        "absent": "not installed"}.items():
        refused = cli("run", "--rm", "--runtime", name, "busybox", "true", check=False)
        assert refused.returncode == 125 and words in refused.stderr
    mapped = cli("run", "--rm", "--runtime", "foreign-hull", "--userns", "private", "busybox", "true", check=False)
    if cli.name == "hull":
        assert mapped.returncode != 0 and "user namespace" in mapped.stderr


def test_hulls_own_runtime_is_the_one_that_clients_look_for(engine):
    info = json.loads(engine.docker("info", "--format", "{{json .}}").stdout)
    assert info["DefaultRuntime"] == "runc" and {"runc", "io.containerd.runc.v2", "hull"} <= set(info["Runtimes"])
    engine.docker("create", "--name", "unnamed", "busybox", "echo", "ran")
    assert engine.inspect("unnamed", "{{.HostConfig.Runtime}}") == "runc"


def test_containers_that_were_created_as_hulls_go_on(busybox):
    """What an older hulld has stored, whose default runtime had the name hull."""
    hulld = Hulld()
    try:
        hulld.start("--default-runtime", "hull")
        hulld.docker("import", busybox, "busybox")
        hulld.docker("run", "-d", "--name", "runs", "busybox", "sleep", "1000")
        hulld.docker("create", "--name", "waits", "busybox", "echo", "ran")
        hulld.stop()
        hulld.start("--default-runtime", "")  # what Docker takes for none
        assert hulld.docker("info", "--format", "{{.DefaultRuntime}}").stdout.strip() == "runc"
        assert hulld.inspect("runs", "{{.HostConfig.Runtime}} {{.State.Status}}") == "hull running"
        assert hulld.docker("exec", "runs", "echo", "in").stdout == "in\n"
        assert hulld.docker("start", "-a", "waits").stdout == "ran\n"
        assert hulld.inspect("waits", "{{.HostConfig.Runtime}}") == "hull"
    finally:
        hulld.close()


def test_a_default_runtime(busybox):
    hulld = Hulld()
    try:
        hulld.start("--add-runtime", f"mine={BIN / 'hull-runtime'}", "--default-runtime", "mine")
        hulld.docker("import", busybox, "busybox")
        hulld.docker("run", "--name", "one", "busybox", "true")
        assert hulld.inspect("one", "{{.HostConfig.Runtime}}") == "mine"
        assert hulld.docker("info", "--format", "{{.DefaultRuntime}}").stdout.strip() == "mine"
    finally:
        hulld.close()
