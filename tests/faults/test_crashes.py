# SPDX-License-Identifier: Apache-2.0
"""kill -9 of each process: what runs goes on, what ended is known, nothing is left."""
import os
import pathlib
import signal
import subprocess
import time

from conftest import wait_until


def shims_of(hulld):
    """Pids of the shims that hold one of this engine's run directories open."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if (entry / "comm").read_text().strip() != "hull-shim":
                continue
            links = [os.readlink(fd) for fd in (entry / "fd").iterdir()]
        except OSError:
            continue
        if any(str(hulld.exec) in link for link in links):
            found.append(int(entry.name))
    return found


def test_containers_outlive_the_engine(own_engine):
    hulld = own_engine
    hulld.hull("run", "-d", "--name", "stays", "busybox", "sh", "-c", "i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done")
    hulld.hull("run", "-d", "--name", "ends", "busybox", "sh", "-c", "sleep 1; exit 5")
    pid = hulld.inspect("stays", "{{.State.Pid}}")
    hulld.crash()
    time.sleep(1.5)  # "ends" ends while there is no engine
    hulld.start()
    assert hulld.inspect("stays", "{{.State.Status}} {{.State.Pid}}") == f"running {pid}"
    assert hulld.inspect("ends", "{{.State.Status}} {{.State.ExitCode}}") == "exited 5"
    lines = hulld.hull("logs", "stays").stdout.split()
    assert lines == [str(n + 1) for n in range(len(lines))] and len(lines) > 20  # none lost, none twice
    assert hulld.hull("exec", "stays", "echo", "reached").stdout == "reached\n"
    hulld.hull("kill", "stays")
    assert hulld.inspect("stays", "{{.State.ExitCode}}") == "137"


def test_a_stopped_engine_leaves_its_containers_running(own_engine):
    hulld = own_engine
    hulld.hull("run", "-d", "--name", "stays", "busybox", "sleep", "100")
    hulld.stop()
    hulld.start()
    assert hulld.inspect("stays", "{{.State.Status}}") == "running"


def test_a_killed_shim_ends_its_container(own_engine):
    hulld = own_engine
    before = set(shims_of(hulld))
    hulld.hull("run", "-d", "--name", "orphan", "busybox", "sleep", "100")
    wait_until(lambda: set(shims_of(hulld)) - before)
    for pid in set(shims_of(hulld)) - before:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: hulld.inspect("orphan", "{{.State.Status}}") == "exited")
    assert hulld.inspect("orphan", "{{.State.ExitCode}}") == "137"
    hulld.hull("start", "orphan")
    assert hulld.inspect("orphan", "{{.State.Status}}") == "running"


def test_a_killed_first_process_is_an_exit_like_any_other(own_engine):
    hulld = own_engine
    hulld.hull("run", "-d", "--name", "victim", "busybox", "sleep", "100")
    os.kill(int(hulld.inspect("victim", "{{.State.Pid}}")), signal.SIGKILL)
    wait_until(lambda: hulld.inspect("victim", "{{.State.Status}} {{.State.ExitCode}}") == "exited 137")


def test_a_killed_client_leaves_the_container_running(own_engine):
    hulld = own_engine
    client = hulld.popen("hull", "run", "--name", "alone", "busybox", "sleep", "100")
    wait_until(lambda: hulld.docker("ps", "-q", "--filter", "name=alone").stdout.strip() != "")
    client.kill()
    client.wait()
    time.sleep(0.3)
    assert hulld.inspect("alone", "{{.State.Status}}") == "running"


def test_a_crash_while_containers_start_and_end_leaves_nothing(own_engine):
    hulld = own_engine
    clients = [hulld.popen("hull", "run", "--rm", "busybox", "true", stderr=-3) for _ in range(8)]
    time.sleep(0.02)
    hulld.crash()
    for client in clients:
        client.wait(20)
    hulld.start()
    hulld.remove_containers()
    hulld.assert_clean()
    assert hulld.hull("run", "--rm", "busybox", "echo", "well").stdout == "well\n"


def test_only_one_engine_per_data_root(own_engine):
    hulld = own_engine
    second = subprocess.run([hulld.command("hull")[0] + "d", "-H", f"unix://{hulld.directory}/second.sock", "--data-root",
                             hulld.data, "--exec-root", hulld.directory / "exec2", "--bridge", "none"],
                            capture_output=True, text=True, timeout=20)
    assert second.returncode != 0
    assert str(hulld.data) in second.stderr
