# SPDX-License-Identifier: Apache-2.0
"""Restart policies: when a container comes back, when not, and who comes first."""
import datetime
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest

from conftest import wait_until


def state(engine, name):
    return json.loads(engine.inspect(name, "{{json .State}}"))


def count(engine, name):
    return int(engine.inspect(name, "{{.RestartCount}}"))


def run(engine, name, policy, *command):
    return engine.docker("run", "-d", "--name", name, "--restart", policy, "busybox", *command).stdout.strip()


def test_on_failure_gives_up_after_so_many_times(cli):
    engine = cli.engine
    cli("run", "-d", "--name", "thrice", "--restart", "on-failure:3", "busybox", "sh", "-c", "date +%s.%N; exit 4")
    wait_until(lambda: state(engine, "thrice")["Status"] == "exited")
    assert count(engine, "thrice") == 3 and state(engine, "thrice")["ExitCode"] == 4
    assert len(cli("logs", "thrice").stdout.split()) == 4
    cli("start", "thrice")  # a start by hand counts anew
    wait_until(lambda: state(engine, "thrice")["Status"] == "exited" and count(engine, "thrice") == 3)


def test_success_is_no_failure_but_always_is_always(engine):
    run(engine, "fine", "on-failure", "true")
    run(engine, "always", "always", "true")
    wait_until(lambda: count(engine, "always") >= 2)
    assert state(engine, "fine")["Status"] == "exited" and count(engine, "fine") == 0


def test_the_delay_doubles(engine):
    run(engine, "slower", "always", "echo")
    wait_until(lambda: engine.docker("logs", "slower").stdout.count("\n") >= 4)
    stamps = [line.split()[0][:26] for line in engine.docker("logs", "-t", "slower").stdout.splitlines()]
    starts = [datetime.datetime.fromisoformat(stamp) for stamp in stamps]
    gaps = [(b - a).total_seconds() for a, b in zip(starts, starts[1:])]
    assert gaps[0] >= 0.1 and gaps[1] >= 0.2 and gaps[2] >= 0.4


def back_off(engine, name, policy="always", attempts=4):
    """A container that waits for its next start for a good while: 1.6 s after four attempts, twice that after five."""
    run(engine, name, policy, "sh", "-c", "exit 3")
    wait_until(lambda: count(engine, name) >= attempts and state(engine, name)["Status"] == "restarting")


def test_between_two_attempts_it_is_restarting(cli):
    engine = cli.engine
    back_off(engine, "waits", attempts=5)
    now = state(engine, "waits")
    assert now["Restarting"] and now["Running"] and now["Pid"] == 0 and now["ExitCode"] == 3
    assert "Restarting (3)" in cli("ps", "--filter", "name=waits").stdout  # without -a
    for words in (["exec", "waits", "true"], ["rm", "waits"], ["attach", "waits"], ["pause", "waits"], ["top", "waits"]):
        refused = cli(*words, check=False)
        assert refused.returncode != 0 and "restarting" in refused.stderr, words


@pytest.mark.parametrize("verb", [["stop"], ["kill"], ["kill", "-s", "TERM"]])
def test_who_ends_it_ends_the_restarting(cli, verb):
    engine = cli.engine
    back_off(engine, "ends")
    waiting = cli.popen("wait", "ends", stdout=subprocess.PIPE, text=True)
    time.sleep(0.1)
    cli(*verb, "ends")
    assert state(engine, "ends")["Status"] == "exited"
    assert waiting.communicate(timeout=5)[0] == "3\n"
    restarts = count(engine, "ends")
    time.sleep(1)
    assert state(engine, "ends")["Status"] == "exited" and count(engine, "ends") == restarts


def test_remove_and_start_while_it_waits(cli):
    engine = cli.engine
    back_off(engine, "gone")
    cli("rm", "-f", "gone")
    assert cli("ps", "-aq", "--filter", "name=gone").stdout == ""
    back_off(engine, "now")
    wait_until(lambda: count(engine, "now") >= 4)  # the next one is more than a second away
    before = state(engine, "now")["StartedAt"]
    cli("start", "now")
    assert state(engine, "now")["StartedAt"] != before and count(engine, "now") < 4


def test_stop_is_final_even_for_a_container_that_dies_by_itself(engine):
    for _ in range(5):
        run(engine, "races", "always", "sleep", "0.2")
        time.sleep(0.17)
        engine.docker("stop", "-t", "1", "races")
        time.sleep(0.3)
        assert state(engine, "races")["Status"] == "exited"
        engine.docker("rm", "races")


def test_which_kills_end_the_policy(engine):
    # A signal that is not the one to stop it leaves the policy alone, when there is one to stop it.
    engine.docker("run", "-d", "--name", "hup", "--stop-signal", "TERM", "--restart", "always", "busybox", "sh", "-c",
                  "trap 'exit 1' HUP; while :; do sleep 0.05; done")
    time.sleep(0.3)
    engine.docker("kill", "-s", "HUP", "hup")
    wait_until(lambda: count(engine, "hup") == 1 and state(engine, "hup")["Status"] == "running")
    engine.docker("kill", "hup")
    time.sleep(0.5)
    assert state(engine, "hup")["Status"] == "exited"


def test_a_policy_can_be_changed_while_it_runs(cli):
    engine = cli.engine
    cli("run", "-d", "--name", "change", "busybox", "sh", "-c", "sleep 0.7; exit 1")
    cli("update", "--restart", "on-failure:1", "change")
    wait_until(lambda: count(engine, "change") == 1)
    wait_until(lambda: state(engine, "change")["Status"] == "exited")
    back_off(engine, "quiet")
    cli("update", "--restart", "no", "quiet")
    wait_until(lambda: state(engine, "quiet")["Status"] == "exited")


def test_rm_and_a_policy_exclude_each_other(cli):
    refused = cli("run", "--rm", "--restart", "always", "busybox", "true", check=False)
    assert refused.returncode == 125 and "--restart and --rm" in refused.stderr
    for words in ("sometimes", "always:3"):
        assert cli("run", "-d", "--restart", words, "busybox", "true", check=False).returncode == 125


def target(descriptor):
    """What a link in /proc/<pid>/fd leads to: nothing when it has been closed since it was listed."""
    try:
        return os.readlink(descriptor)
    except OSError:
        return ""


def kill_shims(hulld):
    """Kills all that are there and returns them: some more may show when their descriptors, which name them, hold still."""
    found = shims_of(hulld)
    for pid in found:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return found


def shims_of(hulld):
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "comm").read_text().strip() == "hull-shim":
                if any(str(hulld.exec) in target(fd) for fd in (entry / "fd").iterdir()):
                    found.append(int(entry.name))
        except OSError:  # it has ended
            pass
    return found


def power_cut(hulld):
    """What a machine that goes down leaves: no process, no exec root."""
    hulld.crash()
    wait_until(lambda: not kill_shims(hulld))
    shutil.rmtree(hulld.exec)


def test_after_a_power_cut_each_policy_does_what_it_says(own_engine):
    hulld = own_engine
    for policy in ("no", "always", "unless-stopped", "on-failure"):
        run(hulld, f"up-{policy}", policy, "sleep", "100")
        run(hulld, f"stopped-{policy}", policy, "sleep", "100")
        hulld.docker("stop", "-t", "0", f"stopped-{policy}")
    hulld.docker("create", "--name", "never", "--restart", "always", "busybox", "sleep", "100")
    hulld.docker("run", "-d", "--rm", "--name", "temporary", "busybox", "sleep", "100")
    power_cut(hulld)
    hulld.start()
    wait_until(lambda: all(state(hulld, f"up-{p}")["Running"] for p in ("always", "unless-stopped", "on-failure")))
    wait_until(lambda: state(hulld, "stopped-always")["Running"])
    assert state(hulld, "up-no")["Status"] == "exited" and state(hulld, "up-no")["ExitCode"] == 255
    for policy in ("no", "unless-stopped", "on-failure"):
        assert state(hulld, f"stopped-{policy}")["Status"] == "exited", policy
    assert state(hulld, "never")["Status"] == "created"
    wait_until(lambda: "temporary" not in hulld.docker("ps", "-a").stdout)


def test_after_a_power_cut_those_who_are_needed_come_first(own_engine):
    hulld = own_engine
    run(hulld, "base", "always", "sleep", "100")
    for number in range(4):
        hulld.docker("run", "-d", "--restart", "always", "--name", f"net{number}", "--network", "container:base", "busybox", "sleep", "100")
    hulld.docker("run", "-d", "--restart", "always", "--name", "pid", "--pid", "container:net0", "busybox", "sleep", "100")
    power_cut(hulld)
    hulld.start()
    names = ["base", "net0", "net1", "net2", "net3", "pid"]
    wait_until(lambda: all(state(hulld, name)["Running"] for name in names))
    started = {name: state(hulld, name)["StartedAt"] for name in names}
    assert all(started["base"] < started[f"net{n}"] for n in range(4)) and started["net0"] < started["pid"]


def test_back_off_goes_on_after_a_crash_of_the_engine(own_engine):
    hulld = own_engine
    run(hulld, "loops", "always", "sh", "-c", "exit 3")
    wait_until(lambda: count(hulld, "loops") >= 2)
    hulld.crash()
    hulld.start()
    wait_until(lambda: count(hulld, "loops") >= 2)
    hulld.docker("stop", "loops")
    hulld.crash()
    hulld.start()
    wait_until(lambda: state(hulld, "loops")["Running"])  # always means always
    hulld.docker("rm", "-f", "loops")
