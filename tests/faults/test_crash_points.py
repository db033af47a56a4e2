# SPDX-License-Identifier: Apache-2.0
"""Every process is killed, and every step fails, at every place that src/base/fault.h knows. Afterwards: what ran goes
on, what is known is true, what was asked for can be asked for again, and nothing is left."""
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

from conftest import Hulld, cgroup_directories, wait_until
from fault_points import faults  # noqa: F401

CREATE = ["create.named", "create.directory", "volume.recorded", "volume.directory", "create.volumes", "create.snapshot", "create.populated", "create.recorded"]
START = ["start.begun", "attach.recorded", "attach.plugged", "attach.published", "start.network", "start.rootfs", "start.configured", "start.launched", "start.started",
         "start.published", "start.recorded"]
EXIT = ["exit.begun", "exit.network", "exit.published", "exit.recorded", "exit.cgroup", "exit.cleared"]
STOP = ["stop.asked", "stop.signalled", "stop.ended"]
REMOVE = ["remove.begun", "remove.recorded", "remove.network", "remove.snapshot", "volume.doomed", "volume.forgotten",
          "volume.trashed", "remove.volumes"]
EXEC = ["exec.created", "exec.claimed", "exec.asked", "exec.started"]
CHANGE = ["pause.frozen", "update.limits", "update.recorded"]
SHIM_START = ["shim.asked", "shim.listening", "shim.executed", "shim.started", "shim.answered"]
SHIM_EXEC = ["shim.exec-asked", "shim.exec-started", "shim.exec-ended"]
SHIM_EXIT = ["shim.ended", "shim.drained", "shim.recorded", "shim.told", "shim.cgroup"]
CLIENT = ["run.created", "run.attached", "run.started"]
FAMILIES = ("runtime.", "init.", "exec-process.")  # the steps of runtime/runtime.h: found out by watching one life

ENDS_WHEN_ASKED = ["sh", "-c", "trap 'exit 7' TERM; while :; do sleep 0.02; done"]


@pytest.fixture(scope="module")
def faulty_engine(busybox, faults):
    hulld = Hulld()
    hulld.variables = {"HULL_FAULTS": str(faults.directory)}
    try:
        hulld.start()
        hulld.docker("import", "-c", "VOLUME /anonymous", busybox, "busybox")
        yield hulld
    finally:
        faults.withdraw()
        hulld.close()


@pytest.fixture
def hulld(faulty_engine, faults):
    yield faulty_engine
    faults.withdraw()
    clear(faulty_engine)
    faulty_engine.assert_clean()


def clear(hulld):
    """Removes what a case has made, and sees that nothing else is there."""
    hulld.remove_containers()
    hulld.docker("volume", "rm", "-f", "named")
    assert hulld.docker("volume", "ls", "-q").stdout == "", "a volume that nobody can name any more is left"
    assert hulld.docker("ps", "-aq").stdout == ""


def create(hulld, *command, options=()):
    return hulld.hull("create", "--name", "cc", "-v", "named:/named", *options, "busybox", *(command or ("sleep", "1000")))


def status(hulld):
    answer = hulld.hull("inspect", "--format", "{{.State.Status}}", "cc", check=False)
    return answer.stdout.strip() if answer.returncode == 0 else "none"


def process_exists(hulld):
    """Whether a container's program runs, whatever the engine says: somebody is in a control group of ours."""
    return any(pathlib.Path(path, "cgroup.procs").read_text() for path in hulld_cgroups(hulld))


def hulld_cgroups(hulld):
    return [path for path in cgroup_directories(hulld.cgroup_parent) if os.path.exists(f"{path}/cgroup.procs")]


def check_usable(hulld):
    """Whatever happened to container c before, it can be used again, and removed with all it has."""
    found = status(hulld)
    wait_until(lambda: (found == "running") == process_exists(hulld))
    if found == "none":
        return clear(hulld)
    if found != "running":
        hulld.hull("start", "cc")
    assert hulld.hull("exec", "cc", "echo", "well").stdout == "well\n"
    assert hulld.inspect("cc", "{{.State.Status}} {{.State.Error}}") == "running"
    hulld.hull("rm", "-f", "-v", "cc")
    clear(hulld)
    hulld.assert_clean()


def kill_engine_at(hulld, faults, place, act):
    """The engine dies at `place` while `act` is done; then the next one starts."""
    faults.order(place, "kill")
    act()
    try:
        hulld.process.wait(20)
    except Exception as error:
        raise AssertionError(f"{place} was not passed") from error
    assert faults.hit(place)
    hulld.start()


def test_every_place_is_in_a_table_here(hulld, faults):
    faults.record()
    environment = {**hulld.environment(), "HULL_FAULTS": str(faults.directory)}
    subprocess.run(hulld.command("hull", "run", "--rm", "busybox", "true"), env=environment, check=True)
    create(hulld, *ENDS_WHEN_ASKED)
    hulld.hull("start", "cc")
    hulld.hull("exec", "cc", "true")
    hulld.hull("pause", "cc")
    hulld.hull("unpause", "cc")
    hulld.hull("update", "--memory", "64m", "--memory-swap", "64m", "cc")
    hulld.hull("stop", "cc")
    hulld.hull("rm", "-v", "cc")
    hulld.assert_clean()
    passed = [place for place in faults.passed() if not place.startswith(FAMILIES)]
    tables = CREATE + START + EXIT + STOP + REMOVE + EXEC + CHANGE + SHIM_START + SHIM_EXEC + SHIM_EXIT + CLIENT
    assert sorted(passed) == sorted(tables)


@pytest.mark.parametrize("place", CREATE)
def test_the_engine_is_killed_in_create(hulld, faults, place):
    kill_engine_at(hulld, faults, place, lambda: hulld.hull(
        "create", "--name", "cc", "-v", "named:/named", "busybox", "sleep", "1000", check=False))
    assert status(hulld) == ("created" if place == "create.recorded" else "none")
    check_usable(hulld)


@pytest.mark.parametrize("place", START)
def test_the_engine_is_killed_in_start(hulld, faults, place):
    create(hulld)
    kill_engine_at(hulld, faults, place, lambda: hulld.hull("start", "cc", check=False))
    ran = START.index(place) >= START.index("start.started")
    assert status(hulld) == ("running" if ran else "created")
    check_usable(hulld)


@pytest.mark.parametrize("place", EXIT)
def test_the_engine_is_killed_when_a_container_ends(hulld, faults, place):
    create(hulld, "sh", "-c", "sleep 0.1; exit 5")
    kill_engine_at(hulld, faults, place, lambda: hulld.hull("start", "cc"))
    assert hulld.inspect("cc", "{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}") == "exited 5 false"
    hulld.hull("rm", "-v", "cc")
    clear(hulld)


@pytest.mark.parametrize("place", ["exit.begun", "exit.network", "exit.published", *REMOVE])
def test_the_engine_is_killed_when_a_container_removes_itself(hulld, faults, place):
    create(hulld, "true", options=["--rm"])
    kill_engine_at(hulld, faults, place, lambda: hulld.hull("start", "cc", check=False))
    wait_until(lambda: status(hulld) == "none")
    clear(hulld)


@pytest.mark.parametrize("place", STOP)
def test_the_engine_is_killed_in_stop(hulld, faults, place):
    create(hulld, *ENDS_WHEN_ASKED, options=["--restart", "unless-stopped"])
    hulld.hull("start", "cc")
    time.sleep(0.1)  # for the trap
    kill_engine_at(hulld, faults, place, lambda: hulld.hull("stop", "cc", check=False))
    if place == "stop.asked":
        assert status(hulld) == "running"
    else:  # who was stopped stays stopped
        wait_until(lambda: status(hulld) == "exited")
        assert hulld.inspect("cc", "{{.State.ExitCode}}") == "7"
    check_usable(hulld)


@pytest.mark.parametrize("place", REMOVE)
def test_the_engine_is_killed_in_remove(hulld, faults, place):
    create(hulld)
    hulld.hull("start", "cc")
    kill_engine_at(hulld, faults, place, lambda: hulld.hull("rm", "-f", "-v", "cc", check=False))
    # It had ended already; that it was being removed may have been recorded with that, or not.
    assert status(hulld) in (("exited", "none") if place == "remove.begun" else ("none",))
    check_usable(hulld)


@pytest.mark.parametrize("place", EXEC)
def test_the_engine_is_killed_in_exec(hulld, faults, place):
    create(hulld)
    hulld.hull("start", "cc")
    pid = hulld.inspect("cc", "{{.State.Pid}}")
    kill_engine_at(hulld, faults, place, lambda: hulld.hull("exec", "cc", "sleep", "0.2", check=False))
    assert hulld.inspect("cc", "{{.State.Pid}}") == pid
    wait_until(lambda: hulld.inspect("cc", "{{.ExecIDs}}") in ("[]", "<no value>", "<nil>"))
    check_usable(hulld)


@pytest.mark.parametrize("place", CHANGE)
def test_the_engine_is_killed_in_a_change(hulld, faults, place):
    create(hulld, options=["--memory", "64m", "--memory-swap", "64m"])
    hulld.hull("start", "cc")
    change = (lambda: hulld.hull("pause", "cc", check=False)) if place.startswith("pause") else (
        lambda: hulld.hull("update", "--memory", "128m", "--memory-swap", "128m", "cc", check=False))
    kill_engine_at(hulld, faults, place, change)
    if place == "pause.frozen":
        assert status(hulld) == "paused"
        hulld.hull("unpause", "cc")
    else:
        hulld.hull("update", "--memory", "128m", "--memory-swap", "128m", "cc")
        assert hulld.inspect("cc", "{{.HostConfig.Memory}}") == str(128 << 20)
    check_usable(hulld)


@pytest.mark.parametrize("place", SHIM_START)
def test_the_shim_is_killed_in_start(hulld, faults, place):
    create(hulld)
    faults.order(place, "kill")
    started = hulld.hull("start", "cc", check=False)
    wait_until(lambda: faults.hit(place))
    wait_until(lambda: status(hulld) in ("created", "exited"))
    if place != "shim.answered":
        assert started.returncode != 0 and "the shim of the container ended unexpectedly" in started.stderr
    else:
        wait_until(lambda: hulld.inspect("cc", "{{.State.Status}} {{.State.ExitCode}}") == "exited 137")
    check_usable(hulld)


@pytest.mark.parametrize("place", SHIM_EXEC)
def test_the_shim_is_killed_in_exec(hulld, faults, place):
    """It takes its container along, and the exec's client is told instead of being left waiting."""
    create(hulld)
    hulld.hull("start", "cc")
    faults.order(place, "kill")
    hulld.hull("exec", "cc", "true", check=False, timeout=10)
    assert faults.hit(place)
    wait_until(lambda: hulld.inspect("cc", "{{.State.Status}} {{.State.ExitCode}}") == "exited 137")
    check_usable(hulld)


@pytest.mark.parametrize("place", SHIM_EXIT)
def test_the_shim_is_killed_when_the_container_ends(hulld, faults, place):
    create(hulld, "sh", "-c", "sleep 0.05; exit 5")
    faults.order(place, "kill")
    hulld.hull("start", "cc")
    recorded = SHIM_EXIT.index(place) >= SHIM_EXIT.index("shim.recorded")
    wait_until(lambda: hulld.inspect("cc", "{{.State.Status}} {{.State.ExitCode}}") == f"exited {5 if recorded else 137}")
    wait_until(lambda: faults.hit(place))
    hulld.hull("start", "cc")  # its last run is out of the way
    hulld.hull("rm", "-f", "-v", "cc")
    clear(hulld)


@pytest.mark.parametrize("place", ["shim.ended", "shim.recorded"])
def test_shim_and_engine_are_killed_when_the_container_ends(hulld, faults, place):
    create(hulld, "sh", "-c", "sleep 0.2; exit 5")
    hulld.hull("start", "cc")
    faults.order(place, "kill")
    hulld.crash()
    wait_until(lambda: faults.hit(place))
    hulld.start()
    code = 5 if place == "shim.recorded" else 255  # as Docker says what nobody knows
    assert hulld.inspect("cc", "{{.State.Status}} {{.State.ExitCode}}") == f"exited {code}"
    check_usable_after_end(hulld)


def check_usable_after_end(hulld):
    hulld.hull("start", "cc")
    hulld.hull("rm", "-f", "-v", "cc")
    clear(hulld)


def steps(hulld, faults, family, act):
    faults.record()
    act()
    found = [place for place in faults.passed() if place.startswith(family)]
    assert len(found) >= 5, found
    return found


@pytest.mark.parametrize("order", ["kill", "fail EIO"])
@pytest.mark.parametrize("family", ["init.", "runtime."])
def test_every_step_of_a_start_goes_wrong(hulld, faults, family, order):
    """init: the container's first process. runtime: its shim, which is killed or takes everything back."""
    create(hulld, options=["--sysctl", "net.ipv4.ip_forward=1", "--ulimit", "nofile=100", "--oom-score-adj", "100",
                           "--device", "/dev/null:/dev/zip"])
    places = steps(hulld, faults, family, lambda: hulld.hull("start", "cc"))
    for place in places:
        hulld.hull("kill", "cc")
        faults.order(place, order)
        started = hulld.hull("start", "cc", check=False)
        assert faults.hit(place), (place, started)
        assert started.returncode != 0, place
        if order.startswith("fail"):
            assert "input/output error" in started.stderr, (place, started.stderr)
        assert status(hulld) == "exited", place
        assert hulld.inspect("cc", "{{.State.Error}}") != "", place
        hulld.assert_clean_but_for_files()
        hulld.hull("start", "cc")
    check_usable(hulld)


@pytest.mark.parametrize("order", ["kill", "fail EIO"])
def test_every_step_of_an_exec_goes_wrong(hulld, faults, order):
    create(hulld)
    hulld.hull("start", "cc")
    for place in steps(hulld, faults, "exec-process.", lambda: hulld.hull("exec", "cc", "true")):
        faults.order(place, order)
        execed = hulld.hull("exec", "cc", "true", check=False, timeout=10)
        assert faults.hit(place), place
        assert execed.returncode != 0, place
        assert hulld.inspect("cc", "{{.State.Status}} {{.ExecIDs}}") in ("running []", "running <no value>"), place
        assert hulld.hull("exec", "cc", "echo", "well").stdout == "well\n"
    assert len(hulld.hull("top", "cc").stdout.splitlines()) == 2  # the title and the first process
    check_usable(hulld)


@pytest.mark.parametrize("place", [p for p in CREATE if p != "create.recorded"])
def test_a_create_that_fails_takes_everything_back(hulld, faults, place):
    faults.order(place, "fail ENOSPC")
    failed = hulld.hull("create", "--name", "cc", "-v", "named:/named", "busybox", "true", check=False)
    assert failed.returncode != 0 and "No space left on device" in failed.stderr
    assert status(hulld) == "none"
    assert hulld.docker("volume", "ls", "-q").stdout == ""
    hulld.assert_clean()
    create(hulld)
    check_usable(hulld)


@pytest.mark.parametrize("place", [p for p in START if START.index(p) < START.index("start.started")])
def test_a_start_that_fails_takes_everything_back(hulld, faults, place):
    create(hulld)
    faults.order(place, "fail ENOSPC")
    failed = hulld.hull("start", "cc", check=False)
    assert failed.returncode != 0 and "No space left on device" in failed.stderr
    assert hulld.inspect("cc", "{{.State.Status}} {{.State.ExitCode}}") == "created 128"
    hulld.assert_clean_but_for_files()
    check_usable(hulld)


@pytest.mark.parametrize("place", ["start.published", "start.recorded"])
def test_a_start_that_cannot_be_recorded_is_one_all_the_same(hulld, faults, place):
    create(hulld)
    faults.order(place, "fail ENOSPC")
    hulld.hull("start", "cc")
    assert status(hulld) == "running"
    hulld.crash()
    hulld.start()
    check_usable(hulld)


@pytest.mark.parametrize("place", EXIT)
def test_an_end_that_cannot_be_cleared_up_does_not_block_the_next_run(hulld, faults, place):
    create(hulld, "sh", "-c", "exit 5")
    faults.order(place, "fail ENOSPC")
    hulld.hull("start", "cc")
    wait_until(lambda: hulld.inspect("cc", "{{.State.Status}} {{.State.ExitCode}}") == "exited 5")
    wait_until(lambda: faults.hit(place))
    hulld.crash()
    hulld.start()
    assert hulld.inspect("cc", "{{.State.Status}} {{.State.ExitCode}}") == "exited 5"  # known after all
    check_usable_after_end(hulld)


@pytest.mark.parametrize("place", REMOVE)
def test_a_remove_that_fails_is_finished_later(hulld, faults, place):
    create(hulld)
    faults.order(place, "fail ENOSPC")
    removed = hulld.hull("rm", "-v", "cc", check=False)
    assert faults.hit(place)
    if place == "remove.begun":  # nothing has happened yet
        assert removed.returncode != 0 and "No space left on device" in removed.stderr
        assert status(hulld) == "created"
        return check_usable(hulld)
    assert removed.returncode == 0 and status(hulld) == "none"
    hulld.crash()
    hulld.start()
    clear(hulld)


@pytest.mark.parametrize("place", EXEC[:3])
def test_an_exec_that_fails_leaves_the_container_alone(hulld, faults, place):
    create(hulld)
    hulld.hull("start", "cc")
    faults.order(place, "fail ENOMEM")
    failed = hulld.hull("exec", "cc", "true", check=False, timeout=10)
    assert failed.returncode != 0
    check_usable(hulld)


@pytest.mark.parametrize("place", ["shim.asked", "shim.executed", "shim.exec-asked", "shim.drained"])
def test_a_stopped_shim_holds_up_nobody_else(hulld, faults, place):
    create(hulld, *(["sh", "-c", "sleep 0.3; exit 5"] if place == "shim.drained" else []))
    if place.startswith("shim.exec-"):
        hulld.hull("start", "cc")
    faults.order(place, "stop")
    client = hulld.popen("hull", *(["exec", "cc", "true"] if place.startswith("shim.exec-") else ["start", "cc"]))
    try:
        wait_until(lambda: faults.hit(place))
        begin = time.monotonic()
        hulld.hull("ps", "-a")
        hulld.hull("inspect", "cc")
        assert hulld.hull("run", "--rm", "busybox", "echo", "other").stdout == "other\n"
        assert time.monotonic() - begin < 5
    finally:
        for pid in stopped_shims():
            os.kill(pid, signal.SIGCONT)
        assert client.wait(10) == 0
    if place == "shim.drained":
        wait_until(lambda: hulld.inspect("cc", "{{.State.ExitCode}} {{.State.Status}}") == "5 exited")
        hulld.hull("rm", "-v", "cc")
    else:
        check_usable(hulld)


@pytest.mark.parametrize("verb", [["stop", "-t", "0"], ["kill"]])
def test_an_end_that_is_asked_for_during_a_start_is_of_that_start(hulld, faults, verb):
    create(hulld)
    faults.order("shim.asked", "stop")
    starting = hulld.popen("hull", "start", "cc")
    try:
        wait_until(lambda: faults.hit("shim.asked"))
        ending = hulld.popen("docker", *verb, "cc")
        time.sleep(0.2)
        assert ending.poll() is None, "it has nothing to end yet"
    finally:
        for pid in stopped_shims():
            os.kill(pid, signal.SIGCONT)
    assert starting.wait(10) == 0 and ending.wait(10) == 0
    wait_until(lambda: status(hulld) == "exited")
    check_usable(hulld)


def stopped_shims():
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and re.search(r"\(hull-shim\) T ", (entry / "stat").read_text()):
                yield int(entry.name)
        except OSError:
            continue


@pytest.mark.parametrize("place", CLIENT)
def test_the_client_is_killed_in_run(hulld, faults, place):
    faults.order(place, "kill")
    client = subprocess.run(hulld.command("hull", "run", "--name", "cc", "busybox", *ENDS_WHEN_ASKED), timeout=10,
                            env={**hulld.environment(), "HULL_FAULTS": str(faults.directory)}, capture_output=True)
    assert client.returncode == -signal.SIGKILL and faults.hit(place)
    assert status(hulld) == ("running" if place == "run.started" else "created")
    check_usable(hulld)
