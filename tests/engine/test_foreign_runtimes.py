# SPDX-License-Identifier: Apache-2.0
"""--runtime: other OCI runtime programs start the containers; everything else is the same."""
import json
import os
import shutil
import subprocess
import time

import pytest

from conftest import BIN, Hulld

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


def until(condition, patience=10):
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.03)


def test_output_codes_and_input(cli, runtime):
    out = cli("run", "--rm", "--runtime", runtime, "busybox", "sh", "-c", "echo out; echo err >&2; exit 7", check=False)
    assert (out.stdout, out.stderr, out.returncode) == ("out\n", "err\n", 7)
    out = cli("run", "--rm", "-i", "--runtime", runtime, "busybox", "cat", input="through")
    assert out.stdout == "through"


def test_it_is_the_one_that_was_asked_for(engine, runtime, tmp_path):
    """Its own state is there while the container runs, and the container is as isolated as any other."""
    engine.hull("run", "-d", "--name", "one", "--runtime", runtime, "-m", "64m", "--memory-swap", "64m", "--pids-limit",
                "50", "--hostname", "inside", "--cap-drop", "ALL", "busybox", "sleep", "1000")
    run = next((engine.exec / "containers").glob(engine.inspect("one", "{{.Id}}") + ".*"))
    assert list((run / "runtime-state").iterdir())
    assert engine.inspect("one", "{{.HostConfig.Runtime}} {{.State.Status}}") == f"{runtime} running"
    script = "hostname; grep -c : /proc/net/dev; cat /proc/self/status; ls /proc/1/exe"
    out = engine.hull("exec", "one", "sh", "-c", script).stdout
    assert out.startswith("inside\n2\n") and "CapEff:\t0000000000000000" in out and "Seccomp:\t2" in out
    stats = engine.docker("stats", "--no-stream", "--format", "{{.MemUsage}} {{.PIDs}}", "one").stdout
    assert "/ 64MiB" in stats and stats.split()[-1] == "1"
    assert len(engine.docker("top", "one").stdout.splitlines()) == 2
    engine.docker("update", "--pids-limit", "60", "one")


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
    missing = cli("exec", "target", "no-such-program", check=False)
    assert missing.returncode in (126, 127) and "no-such-program" in missing.stderr + missing.stdout


def test_terminals(cli, runtime):
    script = f"{' '.join(cli.engine.command(cli.name, 'run', '--rm', '-t', '--runtime', runtime, 'busybox', 'tty'))}"
    out = subprocess.run(["script", "-qec", script, "/dev/null"], env=cli.engine.environment(), capture_output=True,
                         text=True, timeout=30)
    assert "/dev/pts/0" in out.stdout


def test_stop_kill_pause_and_restart(engine, runtime):
    engine.hull("run", "-d", "--name", "obeys", "--runtime", runtime, "busybox", "sh", "-c",
                "trap 'exit 5' TERM; while :; do sleep 0.05; done")
    time.sleep(0.3)
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
    missing = cli("run", "--rm", "--runtime", runtime, "busybox", "no-such-program", check=False)
    assert missing.returncode == 127 and "no-such-program" in missing.stderr
    assert "OCI runtime create failed" in missing.stderr or "OCI runtime start failed" in missing.stderr


def test_it_survives_the_engine_and_ends_with_its_shim(engine, runtime):
    engine.hull("run", "-d", "--name", "stays", "--runtime", runtime, "busybox", "sh", "-c", "sleep 1.2; exit 9")
    pid = engine.inspect("stays", "{{.State.Pid}}")
    engine.crash()
    engine.start()
    assert engine.inspect("stays", "{{.State.Pid}}") == pid
    assert engine.hull("exec", "stays", "echo", "well").stdout == "well\n"
    assert engine.hull("wait", "stays").stdout == "9\n"
    engine.hull("start", "stays")
    parent = int(open(f"/proc/{engine.inspect('stays', '{{.State.Pid}}')}/stat").read().rpartition(")")[2].split()[1])
    os.kill(parent, 9)
    until(lambda: engine.inspect("stays", "{{.State.Status}} {{.State.ExitCode}}") == "exited 137")


def test_info_and_refusals(engine, cli):
    info = json.loads(cli("info", "--format", "{{json .Runtimes}}").stdout)
    assert info["foreign-hull"]["path"] == engine.programs["foreign-hull"]
    for name, words in {"none": "unknown or invalid runtime name: none", "typed": "only containerd can run",
                        "absent": "not installed"}.items():
        refused = cli("run", "--rm", "--runtime", name, "busybox", "true", check=False)
        assert refused.returncode == 125 and words in refused.stderr
    mapped = cli("run", "--rm", "--runtime", "foreign-hull", "--userns", "private", "busybox", "true", check=False)
    if cli.name == "hull":
        assert mapped.returncode != 0 and "user namespace" in mapped.stderr


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
