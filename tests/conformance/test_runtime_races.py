# SPDX-License-Identifier: Apache-2.0
"""Commands about one container at the same time, and commands that are killed: one clear winner, nothing left."""
import json
import os
import random
import signal
import subprocess
import tempfile
import threading
import time

import pytest

from conftest import wait_until
from runtime_bundles import NAMESPACES, runtime  # noqa: F401 (runtime is a fixture)


def start(runtime, *arguments):
    """A process with what it says in a file: a container inherits its output, and would keep a pipe open."""
    errors = tempfile.TemporaryFile("w+", dir=runtime.directory)
    process = subprocess.Popen(runtime.command(*arguments), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors)
    process.errors = errors
    return process


def ends(processes):
    """What each said, and its exit code."""
    answers = []
    for process in processes:
        code = process.wait(60)
        process.errors.seek(0)
        answers.append((process.errors.read(), code))
        process.errors.close()
    return answers


def test_two_creations_of_one_id(runtime):
    for _ in range(15):
        bundles = [runtime.bundle("sleep", "100") for _ in range(4)]
        answers = ends([start(runtime, "create", "--bundle", bundle.path, "same") for bundle in bundles])
        assert sorted(code for _, code in answers) == [0, 1, 1, 1]
        assert all("already exists" in text for text, code in answers if code)
        assert runtime("state", "same").stdout.count('"created"')
        runtime("delete", "same")
        runtime.assert_clean()


def test_creations_and_deletes_at_once(runtime):
    """Whatever the order: in the end there is a whole container, or none."""
    for _ in range(10):
        bundle = runtime.bundle("sleep", "100")
        jobs = [start(runtime, "create", "--bundle", bundle.path, "same"), start(runtime, "delete", "--force", "same"),
                start(runtime, "create", "--bundle", bundle.path, "same"), start(runtime, "delete", "--force", "same")]
        answers = ends(jobs)
        assert answers[1][1] == answers[3][1] == 0, answers
        shown = runtime("state", "same", check=False)
        assert shown.returncode == 1 or '"created"' in shown.stdout
        runtime("delete", "--force", "same")
        runtime.assert_clean()


def test_delete_during_start(runtime):
    """A start that is under way goes first, and a delete without force is refused then; with force it wins."""
    hook = {"path": "/bin/sh", "args": ["sh", "-c", "sleep 0.5"], "env": ["PATH=/usr/bin:/bin"]}
    bundle = runtime.bundle("sleep", "100", hooks={"poststart": [hook]})
    bundle.create()
    begun = start(runtime, "start", bundle.name)
    wait_until(lambda: bundle.state()["status"] == "running")
    plain = bundle.delete(check=False)
    assert begun.wait(10) == 0 and plain.returncode == 1 and "not stopped: running" in plain.stderr
    bundle.delete("--force")
    endless = runtime.bundle("sleep", "100", hooks={"poststart": [{**hook, "args": ["sh", "-c", "sleep 1000"], "timeout": 2}]})
    endless.create()
    begun = start(runtime, "start", endless.name)
    wait_until(lambda: endless.state()["status"] == "running")
    endless.delete("--force")
    assert begun.wait(10) == 1
    runtime.assert_clean()


def test_many_starts_of_one_container(runtime):
    for _ in range(5):
        bundle = runtime.bundle("sh", "-c", "echo once; sleep 100")
        bundle.create()
        answers = ends([start(runtime, "start", bundle.name) for _ in range(4)])
        assert sorted(code for _, code in answers) == [0, 1, 1, 1]
        wait_until(bundle.text)
        assert bundle.text() == "once\n"
        bundle.delete("--force")


def test_many_deletes_of_one_container(runtime):
    log = runtime.directory / "log"
    hooks = {"poststop": [{"path": "/bin/sh", "args": ["sh", "-c", f"echo once >>{log}"]}]}
    for _ in range(5):
        bundle = runtime.bundle("sleep", "100", hooks=hooks).begin()
        answers = ends([start(runtime, "delete", "--force", bundle.name) for _ in range(4)])
        assert all(code == 0 for _, code in answers), answers
        runtime.assert_clean()
    assert log.read_text() == "once\n" * 5


@pytest.mark.parametrize("verb", ["create", "run"])
def test_a_creation_that_is_killed(runtime, verb):
    """At any moment: the first process ends too, the id is free for the next one, and a delete takes the rest."""
    numbers = random.Random(11)
    survivors = 0
    for round_number in range(40):
        bundle = runtime.bundle("sleep", "3")
        process = start(runtime, verb, "--bundle", bundle.path, "same")
        time.sleep(numbers.uniform(0, 0.012))
        process.send_signal(signal.SIGKILL)
        ends([process])
        shown = runtime("state", "same", check=False)
        if shown.returncode == 0:  # it was done already
            survivors += 1
            runtime("delete", "--force", "same")
        elif round_number % 2:
            runtime("delete", "--force", "same")
        else:
            assert runtime("list", "-q").stdout == ""
            again = runtime.bundle("true")
            runtime("run", "--bundle", again.path, "same")
            # What the killed one left in a control group of another name goes with the id.
        wait_until(lambda: not runtime.left_behind(), 10)
    assert survivors < 40


def test_a_start_or_delete_that_is_killed(runtime):
    numbers = random.Random(12)
    for verb in ("start", "delete"):
        for _ in range(15):
            bundle = runtime.bundle("sleep", "100")
            bundle.create()
            process = start(runtime, verb, bundle.name)
            time.sleep(numbers.uniform(0, 0.006))
            process.send_signal(signal.SIGKILL)
            ends([process])
            runtime("delete", "--force", bundle.name)
            wait_until(lambda: not runtime.left_behind(), 10)


def test_signals_and_states_while_it_ends(runtime):
    """Nobody sees anything but the states that there are, and no command hangs."""
    bundle = runtime.bundle("sh", "-c", "sleep 0.3").begin()
    seen, errors = set(), []

    def look():
        for _ in range(40):
            done = runtime("state", bundle.name, check=False)
            seen.add(done.stdout.split('"status": "')[1].split('"')[0])
            done = runtime("kill", bundle.name, "0", check=False)
            if done.returncode and "not running" not in done.stderr:
                errors.append(done.stderr)
    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen <= {"running", "stopped"} and not errors
    assert os.path.isdir(runtime.root / bundle.name)


@pytest.mark.parametrize("own_pids", [True, False])
def test_a_delete_wins_against_execs(runtime, own_pids):
    """What has come in goes along, also where no PID namespace takes it; what comes later finds no container."""
    namespaces = [{"type": name} for name in NAMESPACES if own_pids or name != "pid"]
    numbers = random.Random(13)
    for _ in range(10):
        bundle = runtime.bundle("sleep", "100", linux={"namespaces": namespaces}).begin()
        execs = [start(runtime, "exec", bundle.name, "sleep", "100") for _ in range(4)]
        time.sleep(numbers.uniform(0, 0.01))
        (answer,) = ends([start(runtime, "delete", "--force", bundle.name)])
        assert answer[1] == 0, answer
        for text, code in ends(execs):
            assert code == 137 or code == 255 and ("stopped container" in text or "does not exist" in text), (text, code)
        runtime.assert_clean()


def test_many_updates_of_one_container(runtime):
    """Each sets several values of which one limits another: the last one's are all there."""
    bundle = runtime.bundle("sleep", "100").begin()
    for _ in range(5):
        answers = ends([start(runtime, "update", "--memory", f"{size}M", "--memory-swap", f"{size * 2}M", "--pids-limit", size, bundle.name)
                        for size in (16, 32, 64, 128)])
        assert all(code == 0 for _, code in answers), answers
        stats = json.loads(runtime("events", "--stats", bundle.name).stdout)["data"]
        assert stats["memory"]["usage"]["limit"] == stats["pids"]["limit"] << 20 in [size << 20 for size in (16, 32, 64, 128)]


def test_updates_pauses_and_signals_during_a_delete(runtime):
    numbers = random.Random(14)
    verbs = [("update", "--pids-limit", "50"), ("pause",), ("resume",), ("kill", "--all")]
    for _ in range(10):
        bundle = runtime.bundle("sleep", "100").begin()
        others = [start(runtime, verb, *flags, bundle.name) for verb, *flags in verbs]
        time.sleep(numbers.uniform(0, 0.004))
        deletion = start(runtime, "delete", "--force", bundle.name)
        assert ends([deletion])[0][1] == 0
        for text, code in ends(others):
            assert code == 0 or "does not exist" in text or "not running" in text or "not paused" in text, text
        runtime.assert_clean()


def test_a_poststart_hook_may_use_the_container(runtime):
    """start holds the container's lock meanwhile."""
    own = " ".join(runtime.command())
    script = f"{own} update --pids-limit 77 c1; {own} exec c1 touch /tmp/hooked; {own} pause c1; {own} resume c1; {own} kill c1 0"
    bundle = runtime.bundle("sleep", "100", hooks={"poststart": [{"path": "/bin/sh", "args": ["sh", "-ec", script], "timeout": 20}]})
    bundle.begin()
    assert (runtime.rootfs / "tmp/hooked").exists()
    assert json.loads(runtime("events", "--stats", bundle.name).stdout)["data"]["pids"]["limit"] == 77


def test_a_run_that_wakes_up_late_leaves_the_next_container_alone(runtime):
    bundle = runtime.bundle("sleep", "100")
    first = start(runtime, "run", "--bundle", bundle.path, bundle.name)
    wait_until(lambda: '"running"' in runtime("state", bundle.name, check=False).stdout)
    first.send_signal(signal.SIGSTOP)
    bundle.delete("--force")
    bundle.begin()
    first.send_signal(signal.SIGCONT)
    assert ends([first])[0][1] == 137
    assert bundle.state()["status"] == "running"


def test_a_run_and_a_delete_run_the_last_hooks_once(runtime):
    log = runtime.directory / "log"
    hooks = {"poststop": [{"path": "/bin/sh", "args": ["sh", "-c", f"echo once >>{log}"]}]}
    for _ in range(10):
        bundle = runtime.bundle("sleep", "100", hooks=hooks)
        run = start(runtime, "run", "--bundle", bundle.path, bundle.name)
        wait_until(lambda: '"running"' in runtime("state", bundle.name, check=False).stdout)
        answers = ends([start(runtime, "delete", "--force", bundle.name), run])
        assert [code for _, code in answers] == [0, 137], answers
        runtime.assert_clean()
    assert log.read_text() == "once\n" * 10
