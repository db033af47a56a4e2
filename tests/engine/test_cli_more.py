# SPDX-License-Identifier: Apache-2.0
"""What only hull has: why, debug, run --replace, ps --watch, top --watch."""
import time

import pytest

from conftest import wait_until


def why(engine, name):
    return engine.hull("why", name).stdout


def test_why_it_has_ended(engine):
    engine.hull("run", "-d", "--name", "fine", "busybox", "echo", "hello there")
    engine.hull("run", "-d", "--name", "failed", "busybox", "sh", "-c", "echo oops >&2; exit 7")
    engine.hull("run", "-d", "--name", "tty", "-t", "busybox", "sh", "-c", "echo typed")
    wait_until(lambda: all(engine.inspect(name, "{{.State.Status}}") == "exited" for name in ("fine", "failed", "tty")))
    text = why(engine, "fine")
    assert text.startswith("fine ended with code 0, ") and "its command came to its end by itself: echo hello there" in text
    assert "The last lines of its log:\n  hello there\n" in text
    text = why(engine, "failed")
    assert "failed ended with code 7" in text and "which the program itself chose: sh -c echo oops >&2; exit 7" in text and "  oops\n" in text
    assert "  typed\n" in why(engine, "tty")
    # the facts are in their order
    life = text.split("What happened:\n")[1].split("\n\n")[0].splitlines()
    assert [line.split("  ")[2].split(" (")[0] for line in life] == ["started", "ended with code 7"]


def test_why_it_never_started(engine):
    engine.hull("create", "--name", "new", "busybox", "true")
    engine.run("hull", "run", "-d", "--name", "typo", "busybox", "nosuch", check=False)
    assert "new was created, and never started." in why(engine, "new") and "  - hull start new" in why(engine, "new")
    text = why(engine, "typo")
    assert "it could not be started: " in text and "its command was not found: nosuch" in text
    missing = engine.run("hull", "why", "nobody", check=False)
    assert missing.returncode == 1 and "No such container: nobody" in missing.stderr


def test_why_it_was_slow_to_stop_or_killed(engine):
    engine.hull("run", "-d", "--name", "slow", "busybox", "sh", "-c", "trap '' TERM; while :; do sleep 0.1; done")
    engine.hull("run", "-d", "--name", "killed", "busybox", "sleep", "100")
    engine.hull("stop", "-t", "1", "slow")
    engine.hull("kill", "killed")
    wait_until(lambda: engine.inspect("killed", "{{.State.Status}}") == "exited")
    text = why(engine, "slow")
    assert "was sent SIGTERM" in text and "was sent SIGKILL" in text and "did not end within 1." in text
    assert "its first process is the shell sh, which passes no signal on" in text
    assert "ended by SIGKILL, which it was sent" in why(engine, "killed")


def test_why_memory_ran_out(engine):
    engine.run("hull", "run", "--name", "hungry", "-m", "16m", "busybox", "sh", "-c", "x=a; while :; do x=$x$x; done", check=False)
    text = why(engine, "hungry")
    assert "its processes needed more than the 16MiB of memory that it may have (--memory)" in text and "hull update --memory 32m" in text


def test_why_it_is_unhealthy_or_restarts(engine):
    engine.hull("run", "-d", "--name", "sick", "--health-cmd", "echo not yet; exit 1", "--health-interval", "200ms", "--health-retries", "1", "busybox", "sleep", "100")
    engine.hull("run", "-d", "--name", "again", "--restart", "always", "busybox", "false")
    wait_until(lambda: engine.inspect("sick", "{{.State.Health.Status}}") == "unhealthy")
    wait_until(lambda: int(engine.inspect("again", "{{.RestartCount}}")) > 1)
    text = why(engine, "sick")
    assert text.startswith("sick runs, for ") and "is unhealthy" in text and "and said: not yet" in text and "hull exec sick sh -c 'echo not yet; exit 1'" in text
    assert "its restart policy (always) has started it again " in why(engine, "again")
    engine.hull("pause", "sick")
    assert "sick is paused" in why(engine, "sick")
    engine.hull("unpause", "sick")


def test_debug_looks_into_a_container_without_tools(engine):
    """The container has nothing but one program; the shell sees its processes, its network and its files."""
    engine.hull("run", "-d", "--name", "bare", "--hostname", "barehost", "-e", "SECRET=1", "busybox", "sh", "-c", "echo x >/only-here; rm /bin/ls; sleep 100")
    wait_until(lambda: engine.run("hull", "exec", "bare", "test", "!", "-e", "/bin/ls", check=False).returncode == 0)
    shown = engine.hull("debug", "bare", "sh", "-c", "pwd; ls; cat only-here; ps -o args; ls /target/only-here; ip -4 -o addr show dev eth0").stdout
    address = engine.inspect("bare", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}")
    assert shown.startswith("/proc/1/root\n") and "\nonly-here\n" in shown and "\nx\n" in shown and "sleep 100" in shown and address in shown
    assert engine.docker("ps", "-aq").stdout.count("\n") == 1  # the shell has gone
    assert "bin/ls" not in engine.docker("diff", "bare").stdout.replace("D /bin/ls", "")
    assert engine.run("hull", "debug", "bare", "sh", "-c", "exit 5", check=False).returncode == 5
    assert engine.hull("debug", "--image", "busybox", "bare", "cat", "only-here").stdout == "x\n"
    engine.hull("kill", "bare")
    wait_until(lambda: engine.inspect("bare", "{{.State.Status}}") == "exited")
    refused = engine.run("hull", "debug", "bare", check=False)
    assert refused.returncode == 1 and "the container bare does not run" in refused.stderr and "hull why bare" in refused.stderr
    engine.docker("rmi", "hull-debug-tools")


def test_replace(engine):
    first = engine.hull("run", "-d", "--replace", "--name", "web", "busybox", "sleep", "100").stdout.strip()
    second = engine.hull("run", "-d", "--replace", "--name", "web", "busybox", "sleep", "200").stdout.strip()
    assert first != second and engine.docker("ps", "-a", "--no-trunc", "--format", "{{.ID}}").stdout.split() == [second]
    third = engine.hull("create", "--replace", "--name", "web", "busybox", "true").stdout.strip()
    assert engine.docker("ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.State}}").stdout.split() == [third, "created"]
    # without the image, the old container stays
    refused = engine.run("hull", "run", "-d", "--replace", "--name", "web", "127.0.0.1:1/none", check=False)
    assert refused.returncode == 125 and engine.inspect("web", "{{.Id}}") == third
    nameless = engine.run("hull", "run", "--replace", "busybox", check=False)
    assert nameless.returncode == 125 and "--replace needs --name" in nameless.stderr


def test_watching_in_a_pipe_prints_each_list(engine, tmp_path):
    with open(tmp_path / "out", "wb") as out:
        watching = engine.popen("hull", "ps", "-a", "--watch", "--format", "{{.Names}} {{.State}}", stdout=out)
        try:
            time.sleep(0.3)
            engine.docker("create", "--name", "one", "busybox", "true")
            wait_until(lambda: "one created" in (tmp_path / "out").read_text())
            engine.docker("rm", "one")
            wait_until(lambda: (tmp_path / "out").read_text().endswith("\n\n"))
        finally:
            watching.kill()
            watching.wait()
    assert "\x1b" not in (tmp_path / "out").read_text()


@pytest.mark.parametrize("arguments", [["logs", "one", "two"], ["logs", "-t", "one", "two"]])
def test_logs_of_several_are_interleaved(engine, arguments):
    engine.hull("run", "-d", "--name", "one", "busybox", "sh", "-c", "echo a; sleep 0.4; echo c")
    engine.hull("run", "-d", "--name", "two", "busybox", "sh", "-c", "sleep 0.2; echo b")
    wait_until(lambda: all(engine.inspect(name, "{{.State.Status}}") == "exited" for name in ("one", "two")))
    lines = engine.hull(*arguments).stdout.splitlines()
    assert [(line.split(" | ")[0].strip(), line.split()[-1]) for line in lines] == [("one", "a"), ("two", "b"), ("one", "c")]
