# SPDX-License-Identifier: Apache-2.0
"""Health checks as their user sees them: inspect, ps, events, and what is done about an unhealthy container."""
import json
import os
import pathlib
import socket
import time

import pytest

from conftest import wait_until


def health(engine, name):
    return json.loads(engine.inspect(name, "{{json .State.Health}}"))


def run(cli, name, *options, command=("sleep", "100")):
    return cli("run", "-d", "--name", name, *options, "busybox", *command).stdout.strip()


def events(engine, name, *filters):
    lines = engine.docker("events", "--since", "0", "--until", f"{time.time():.9f}", "--filter", f"container={name}",
                          *[word for f in filters for word in ("--filter", f)], "--format", "{{.Action}}").stdout
    return lines.splitlines()


FAST = ("--health-interval", "100ms", "--health-timeout", "2s")


def test_it_becomes_healthy_and_says_so_everywhere(cli):
    engine = cli.engine
    identifier = run(cli, "fit", "--health-cmd", "echo fine; id -u; pwd; echo $A", "-e", "A=b", "-u", "web", "-w", "/home", *FAST)
    wait_until(lambda: health(engine, "fit")["Status"] == "healthy")
    now = health(engine, "fit")
    assert now["FailingStreak"] == 0
    assert now["Log"][0]["ExitCode"] == 0 and now["Log"][0]["Output"] == "fine\n1001\n/home\nb\n"
    assert now["Log"][0]["Start"] <= now["Log"][0]["End"]
    assert "(healthy)" in cli("ps", "--filter", "name=fit").stdout
    assert cli("ps", "-q", "--filter", "health=healthy").stdout and not cli("ps", "-q", "--filter", "health=unhealthy").stdout
    actions = events(engine, identifier)
    assert actions.count("health_status: healthy") == 1  # only when it changes
    begin = actions.index("exec_create: /bin/sh -c echo fine; id -u; pwd; echo $A")
    assert actions[begin + 1].startswith("exec_start: /bin/sh -c") and actions[begin + 2] == "exec_die"
    assert events(engine, identifier, "event=health_status") == ["health_status: healthy"]


def test_failures_in_a_row_make_it_unhealthy_and_a_success_heals_it(cli):
    engine = cli.engine
    run(cli, "ill", "--health-cmd", "echo no; test -e /ok", "--health-retries", "3", *FAST)
    assert health(engine, "ill")["Status"] == "starting"
    assert "(health: starting)" in cli("ps", "--filter", "name=ill").stdout
    wait_until(lambda: health(engine, "ill")["Status"] == "unhealthy")
    now = health(engine, "ill")
    assert now["FailingStreak"] >= 3 and now["Log"][-1]["ExitCode"] == 1 and now["Log"][-1]["Output"] == "no\n"
    assert "(unhealthy)" in cli("ps", "--filter", "health=unhealthy").stdout
    cli("exec", "ill", "touch", "/ok")
    wait_until(lambda: health(engine, "ill")["Status"] == "healthy")
    wait_until(lambda: len(health(engine, "ill")["Log"]) == 5)  # and never more
    time.sleep(0.5)
    assert len(health(engine, "ill")["Log"]) == 5


def test_output_is_cut_at_4096_bytes(engine):
    engine.docker("run", "-d", "--name", "wordy", "--health-cmd", "head -c 200000 /dev/zero | tr '\\0' x", *FAST, "busybox", "sleep", "100")
    wait_until(lambda: health(engine, "wordy")["Log"])
    assert health(engine, "wordy")["Log"][0]["Output"] == "x" * 4096 + "..."


def processes(engine, name):
    """The command lines in the container, as the machine sees them."""
    return engine.docker("top", name, "-o", "pid,args").stdout


def test_a_check_that_hangs_is_killed_with_all_it_started(engine):
    engine.docker("run", "-d", "--name", "stuck", "--health-cmd", "echo begun; sleep 77 & sleep 78; true", "--health-interval", "100ms",
                  "--health-timeout", "300ms", "--health-retries", "1", "busybox", "sleep", "100")
    wait_until(lambda: health(engine, "stuck")["Log"])
    first = health(engine, "stuck")["Log"][0]
    assert first["ExitCode"] == -1
    assert first["Output"] == "Health check exceeded timeout (300ms): begun\n"
    assert health(engine, "stuck")["Status"] == "unhealthy"
    words = [line.split()[1:] for line in processes(engine, "stuck").splitlines()]
    assert words.count(["sleep", "77"]) <= 1 and words.count(["sleep", "78"]) <= 1  # of the check that runs now


def test_failures_in_the_start_period_do_not_count(engine):
    engine.docker("run", "-d", "--name", "slow", "--health-cmd", "test -e /ok", "--health-interval", "30s", "--health-retries", "1",
                  "--health-start-period", "60s", "--health-start-interval", "100ms", "busybox", "sleep", "100")
    wait_until(lambda: len(health(engine, "slow")["Log"]) >= 3)
    assert health(engine, "slow")["Status"] == "starting" and health(engine, "slow")["FailingStreak"] == 0
    engine.docker("exec", "slow", "touch", "/ok")
    wait_until(lambda: health(engine, "slow")["Status"] == "healthy")


def test_the_image_has_a_check_that_flags_change(cli, busybox):
    engine, image = cli.engine, f"checked-{cli.name}"
    cli("import", "--change", 'HEALTHCHECK --interval=150ms --retries=2 CMD ["/bin/false"]', busybox, image)
    cli("run", "-d", "--name", "inherits", image, "sleep", "100")
    wait_until(lambda: health(engine, "inherits")["Status"] == "unhealthy")
    assert health(engine, "inherits")["FailingStreak"] >= 2
    cli("run", "-d", "--name", "overrides", "--health-cmd", "true", image, "sleep", "100")
    check = json.loads(engine.inspect("overrides", "{{json .Config.Healthcheck}}"))
    assert check["Test"] == ["CMD-SHELL", "true"] and check["Interval"] == 150_000_000 and check["Retries"] == 2
    wait_until(lambda: health(engine, "overrides")["Status"] == "healthy")
    cli("run", "-d", "--name", "without", "--no-healthcheck", image, "sleep", "100")
    assert health(engine, "without") is None
    assert "health" not in cli("ps", "--filter", "name=without").stdout
    assert cli("ps", "-q", "--filter", "health=none").stdout.count("\n") == 1
    engine.remove_containers()
    cli("rmi", image)


def test_a_check_that_cannot_run_is_a_failure(engine):
    engine.docker("run", "-d", "--name", "none", "--health-cmd", "true", "--health-retries", "1", *FAST, "busybox", "sh", "-c", "rm /bin/sh; sleep 100")
    wait_until(lambda: health(engine, "none")["Status"] == "unhealthy")
    last = health(engine, "none")["Log"][-1]
    assert last["ExitCode"] == -1 and "/bin/sh" in last["Output"]


def test_stop_start_and_pause(engine):
    engine.docker("run", "-d", "--name", "cycle", "--health-cmd", "true", *FAST, "busybox", "sleep", "100")
    wait_until(lambda: health(engine, "cycle")["Status"] == "healthy")
    engine.docker("pause", "cycle")
    time.sleep(0.3)
    count = health(engine, "cycle")["Log"][-1]["Start"]
    time.sleep(0.4)
    assert health(engine, "cycle")["Log"][-1]["Start"] == count  # no checks of a paused container
    engine.docker("unpause", "cycle")
    wait_until(lambda: health(engine, "cycle")["Log"][-1]["Start"] > count)
    engine.docker("kill", "cycle")
    assert health(engine, "cycle")["Status"] == "unhealthy"
    engine.docker("start", "cycle")
    wait_until(lambda: health(engine, "cycle")["Status"] == "healthy")


def test_no_exec_of_a_check_is_remembered(engine):
    engine.docker("run", "-d", "--name", "brief", "--health-cmd", "true", *FAST, "busybox", "sleep", "100")
    wait_until(lambda: health(engine, "brief")["Status"] == "healthy")
    lines = engine.docker("events", "--since", "0", "--until", f"{time.time():.9f}", "--filter", "container=brief", "--filter", "event=exec_die",
                          "--format", "{{index .Actor.Attributes \"execID\"}} {{index .Actor.Attributes \"exitCode\"}}").stdout
    identifier, code = lines.splitlines()[0].split()
    assert code == "0" and len(identifier) == 64
    with socket.socket(socket.AF_UNIX) as wire:
        wire.connect(str(engine.socket))
        wire.sendall(f"GET /exec/{identifier}/json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert b" 404 " in wire.recv(100)


@pytest.mark.parametrize("action,status", [("kill", "exited 137"), ("stop", "exited 137")])
def test_an_unhealthy_container_can_be_ended(engine, action, status):
    engine.hull("run", "-d", "--name", "doomed", "--health-cmd", "false", "--health-retries", "2", "--health-on-failure", action,
                "--stop-timeout", "1", *FAST, "busybox", "sleep", "100")
    wait_until(lambda: engine.inspect("doomed", "{{.State.Status}} {{.State.ExitCode}}") == status)


def test_an_unhealthy_container_can_be_restarted(engine):
    engine.hull("run", "-d", "--name", "again", "--health-cmd", "false", "--health-retries", "2", "--health-on-failure", "restart",
                "--stop-timeout", "0", "--health-interval", "200ms", "busybox", "sleep", "100")
    pid = engine.inspect("again", "{{.State.Pid}}")
    wait_until(lambda: engine.inspect("again", "{{.State.Pid}}") not in (pid, "0"))
    # kill leaves the rest to the restart policy
    engine.hull("run", "-d", "--name", "policy", "--restart", "always", "--health-cmd", "false", "--health-retries", "1",
                "--health-on-failure", "kill", "--health-interval", "200ms", "busybox", "sleep", "100")
    wait_until(lambda: int(engine.inspect("policy", "{{.RestartCount}}")) >= 1)
    refused = engine.hull("run", "-d", "--health-cmd", "false", "--health-on-failure", "explode", "busybox", "true", check=False)
    assert refused.returncode == 125 and "none, kill, restart or stop" in refused.stderr


def test_checks_go_on_after_a_crash_of_the_engine(own_engine):
    hulld = own_engine
    hulld.docker("run", "-d", "--name", "stays", "--health-cmd", "test -e /ok", "--health-retries", "1", *FAST, "busybox",
                 "sh", "-c", "touch /ok; sleep 100")
    hulld.docker("run", "-d", "--name", "hangs", "--health-cmd", "sleep 79", "--health-interval", "100ms", "--health-timeout", "1s",
                 "busybox", "sleep", "100")
    wait_until(lambda: health(hulld, "stays")["Status"] == "healthy")
    wait_until(lambda: "sleep 79" in processes(hulld, "hangs"))
    hulld.crash()
    wait_until(lambda: not machine_processes("sleep 79"))  # the shim ends a check that hangs, with or without the engine
    hulld.start()
    assert health(hulld, "stays")["Status"] in ("starting", "healthy")
    wait_until(lambda: health(hulld, "stays")["Status"] == "healthy")
    hulld.docker("exec", "stays", "rm", "/ok")
    wait_until(lambda: health(hulld, "stays")["Status"] == "unhealthy")


def machine_processes(text):
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if " ".join(word.decode() for word in words).strip() == text:
                found.append(entry.name)
    return found


def test_many_checks_need_no_thread_each(own_engine):
    hulld = own_engine
    for number in range(30):
        hulld.docker("run", "-d", "--network", "none", "--name", f"h{number}", "--health-cmd", "sleep 2", "--health-interval", "300ms",
                     "busybox", "sleep", "100")
    wait_until(lambda: sum(1 for n in range(30) if json.loads(hulld.docker("inspect", "--format", "{{json .ExecIDs}}", f"h{n}").stdout)) >= 10, 20)
    assert len(os.listdir(f"/proc/{hulld.process.pid}/task")) < 25
    hulld.docker("rm", "-f", *[f"h{n}" for n in range(30)])
