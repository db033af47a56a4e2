# SPDX-License-Identifier: Apache-2.0
"""`run` with either command line: what it prints, and the exit code it ends with."""
import os
import subprocess
import time

import pytest


def test_output_and_exit_code_come_through(cli):
    result = cli("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2; exit 7", check=False)
    assert (result.stdout, result.stderr, result.returncode) == ("out\n", "err\n", 7)


@pytest.mark.parametrize("command,code", [(["/nonexistent"], 127), (["no-such-command"], 127), (["/etc/passwd"], 126),
                                          (["/etc"], 126), (["sh", "-c", "sh -c 'kill -9 $$'; exit $?"], 137)])
def test_exit_codes_of_commands_that_do_not_run(cli, command, code):
    assert cli("run", "--rm", "busybox", *command, check=False).returncode == code


def test_binary_stdin_comes_out_unchanged(cli):
    data = os.urandom(3_000_000)
    result = cli("run", "--rm", "-i", "busybox", "cat", input=data, text=False)
    assert result.stdout == data


def test_end_of_input_reaches_the_container(cli):
    assert cli("run", "--rm", "-i", "busybox", "sh", "-c", "cat >/dev/null; echo after", input="x").stdout == "after\n"


def test_detached_containers_are_listed_logged_stopped_and_removed(cli):
    name = f"life-{cli.name}"
    identifier = cli("run", "-d", "--name", name, "busybox", "sh", "-c", "trap 'exit 3' TERM; echo hello; while :; do sleep 0.1; done").stdout.strip()
    assert len(identifier) == 64
    assert name in cli("ps").stdout
    deadline = time.monotonic() + 5
    while cli("logs", name).stdout != "hello\n":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    cli("stop", name)
    assert cli.engine.inspect(name, "{{.State.Status}} {{.State.ExitCode}}") == "exited 3"
    assert name not in cli("ps").stdout and name in cli("ps", "-a").stdout
    cli("rm", name)
    assert name not in cli("ps", "-a").stdout


def test_environment_directory_user_and_hostname(cli):
    result = cli("run", "--rm", "-e", "A=b c", "-w", "/var", "-u", "web", "--hostname", "box", "busybox",
                 "sh", "-c", 'echo "$A|$(pwd)|$(id -u):$(id -g)|$(hostname)|$HOSTNAME"')
    assert result.stdout == "b c|/var|1001:1002|box|box\n"


def test_an_unknown_image_is_an_error_of_the_engine(cli):
    result = cli("run", "--rm", "no-such-image", "true", check=False)
    assert result.returncode == 125
    assert "no-such-image" in result.stderr


def test_a_name_can_be_used_once(cli):
    name = f"once-{cli.name}"
    cli("create", "--name", name, "busybox", "true")
    result = cli("create", "--name", name, "busybox", "true", check=False)
    assert result.returncode != 0
    assert "already in use" in result.stderr
    cli("rm", name)


def test_start_attached_gives_output_and_code_again(cli):
    name = f"again-{cli.name}"
    cli("create", "--name", name, "busybox", "sh", "-c", "echo run; exit 4")
    for _ in range(2):
        result = cli("start", "-a", name, check=False)
        assert (result.stdout, result.returncode) == ("run\n", 4)


def test_exec_joins_the_container(cli):
    name = f"exec-{cli.name}"
    cli("run", "-d", "--name", name, "--hostname", "inner", "-e", "A=1", "busybox", "sleep", "100")
    result = cli("exec", "-i", "-e", "B=2", "-w", "/tmp", name, "sh", "-c", 'cat; echo "$A$B $(hostname) $(pwd)"; exit 9',
                 input="in ", check=False)
    assert (result.stdout, result.returncode) == ("in 12 inner /tmp\n", 9)
    assert cli("exec", name, "no-such-command", check=False).returncode in (126, 127)
    cli("exec", "-d", name, "sh", "-c", "echo x > /tmp/made")
    deadline = time.monotonic() + 5
    while cli("exec", name, "cat", "/tmp/made", check=False).stdout != "x\n":
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_wait_kill_pause_and_restart(cli):
    name = f"signals-{cli.name}"
    cli("run", "-d", "--name", name, "busybox", "sleep", "100")
    waiting = cli.popen("wait", name, stdout=subprocess.PIPE, text=True)
    cli("pause", name)
    assert cli.engine.inspect(name, "{{.State.Status}}") == "paused"
    cli("unpause", name)
    cli("restart", "-t", "0", name)
    assert waiting.communicate(timeout=10)[0].strip() == "137"
    assert cli.engine.inspect(name, "{{.State.Status}}") == "running"
    cli("kill", "-s", "KILL", name)
    assert cli.engine.inspect(name, "{{.State.ExitCode}}") == "137"


def test_logs_tail_since_and_timestamps(cli):
    name = f"logs-{cli.name}"
    cli("run", "--name", name, "busybox", "sh", "-c", "for i in 1 2 3 4 5; do echo line $i; done; echo err >&2")
    assert cli("logs", "--tail", "2", name).stdout.splitlines()[-1] == "line 5"
    assert cli("logs", name).stderr == "err\n"
    stamped = cli("logs", "-t", name).stdout.splitlines()
    assert len(stamped) == 5 and stamped[0].endswith("Z line 1")
    assert cli("logs", "--since", "1h", name).stdout.count("\n") == 5
    assert cli("logs", "--until", "1h", name).stdout == ""


def test_inspect_has_what_was_asked_for(cli):
    name = f"inspect-{cli.name}"
    cli("create", "--name", name, "-m", "64m", "--cpus", "0.5", "--label", "k=v", "-v", "/tmp:/host:ro", "busybox", "sleep", "1")
    template = "{{.Name}} {{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.Config.Labels.k}} {{(index .Mounts 0).Destination}} {{(index .Mounts 0).RW}}"
    assert cli("inspect", "--format", template, name).stdout.strip() == f"/{name} 67108864 500000000 v /host false"


def test_stats_of_a_running_container(cli):
    name = f"stats-{cli.name}"
    cli("run", "-d", "--name", name, "-m", "64m", "busybox", "sleep", "100")
    line = cli("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}} {{.PIDs}}", name).stdout
    assert name in line and "64MiB" in line and line.strip().endswith(" 1")
