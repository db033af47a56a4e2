# SPDX-License-Identifier: Apache-2.0
"""Both command lines in a real terminal: tmux shows what a person would see."""
import shutil
import subprocess
import time

import pytest

from conftest import SLOT, wait_until


class Screen:
    def __init__(self, engine):
        self.server = f"hull-test-{SLOT}"
        environment = [word for name, value in engine.environment().items() if name.startswith(("DOCKER_", "HULL_"))
                       for word in ("-e", f"{name}={value}")]
        self.tmux("new-session", "-d", "-x", "100", "-y", "30", *environment, "sh")

    def tmux(self, *arguments):
        return subprocess.run(["tmux", "-L", self.server, *arguments], capture_output=True, text=True, check=True).stdout

    def type(self, text, key="Enter"):
        self.tmux("send-keys", "-l", text)
        if key:
            self.tmux("send-keys", key)

    def shows(self, text, patience=15):
        deadline = time.monotonic() + patience
        while text not in (screen := self.tmux("capture-pane", "-p")):
            assert time.monotonic() < deadline, f"{text!r} is not on the screen:\n{screen}"
            time.sleep(0.05)

    def is_left(self, patience=15):
        """Waits until the terminal is its own shell's again: keys that come with those that detach are the client's."""
        wait_until(lambda: self.tmux("display-message", "-p", "#{pane_current_command}") == "sh\n", patience)

    def hides(self, text, patience=15):
        deadline = time.monotonic() + patience
        while text in (screen := self.tmux("capture-pane", "-p")):
            assert time.monotonic() < deadline, f"{text!r} is still on the screen:\n{screen}"
            time.sleep(0.05)


@pytest.fixture
def screen(engine):
    if not shutil.which("tmux"):
        pytest.skip("tmux is not installed")
    screen = Screen(engine)
    yield screen
    screen.tmux("kill-server")


def test_a_shell_is_resized_left_and_entered_again(cli, screen):
    program = " ".join(cli.engine.command(cli.name))
    screen.type(f"{program} run -it --name term busybox sh")
    screen.shows("/ #")
    screen.type("stty size")
    screen.shows("30 100")
    screen.tmux("resize-window", "-x", "90", "-y", "25")
    wait_until(lambda: cli("exec", "term", "stty", "-F", "/dev/pts/0", "size").stdout == "25 90\n")
    screen.type("stty size")
    screen.shows("25 90")
    screen.tmux("send-keys", "C-p", "C-q")
    screen.is_left()
    screen.type("echo outside: $?")
    screen.shows("outside: 0")
    assert cli.engine.inspect("term", "{{.State.Running}}") == "true"
    screen.type(f"clear; {program} attach term")
    screen.type("echo inside: $((1+1)); sleep 50")
    screen.shows("inside: 2")
    screen.tmux("send-keys", "C-c")
    screen.type("exit $((4+3))")
    screen.is_left()
    screen.type("echo code: $?")
    screen.shows("code: 7")


def test_following_a_log_and_the_statistics_end_with_an_interrupt(cli, screen):
    program = " ".join(cli.engine.command(cli.name))
    cli("run", "-d", "--name", "loop", "busybox", "sh", "-c", "while :; do echo still here; sleep 0.1; done")
    screen.type(f"{program} logs -f loop")
    screen.shows("still here\nstill here\nstill here")
    screen.tmux("send-keys", "C-c")
    screen.type("clear; echo after the log")
    screen.shows("after the log")
    screen.type(f"clear; {program} stats")
    screen.shows("loop")
    screen.tmux("send-keys", "C-c")
    screen.type("clear; echo after the statistics")
    screen.shows("after the statistics")
    assert cli.engine.inspect("loop", "{{.State.Running}}") == "true"


def test_a_list_is_watched(engine, screen):
    program = " ".join(engine.command("hull"))
    screen.type(f"{program} ps -a --watch")
    screen.shows("CONTAINER ID")
    engine.docker("create", "--name", "comes", "busybox", "true")
    screen.shows("comes")
    engine.docker("rm", "comes")
    screen.hides("comes")
    assert screen.tmux("capture-pane", "-p").count("CONTAINER ID") == 1  # drawn over the old one
    screen.tmux("send-keys", "C-c")
    screen.type("echo after; echo the list")
    screen.shows("the list")


def test_statistics_stay_in_their_place(engine, screen):
    """The same rows at the same place, round after round; and no empty screen between two of them."""
    program = " ".join(engine.command("hull"))
    engine.hull("run", "-d", "--name", "steady", "busybox", "sleep", "100")
    screen.type(f"{program} stats")
    screen.shows("steady")
    for _ in range(40):
        shown = screen.tmux("capture-pane", "-p")
        assert shown.startswith("CONTAINER ID") and shown.count("steady") == 1, shown
        time.sleep(0.05)
    screen.tmux("send-keys", "C-c")
    screen.type(f"clear; {program} top --watch steady")
    screen.shows("sleep 100")
    time.sleep(2.5)
    assert screen.tmux("capture-pane", "-p").count("sleep 100") == 1
    screen.tmux("send-keys", "C-c")


def test_lists_fit_a_narrow_terminal(engine, screen):
    program = " ".join(engine.command("hull"))
    engine.hull("run", "-d", "--name", "a-rather-long-name", "busybox", "sh", "-c", "echo a rather long command; sleep 100")
    screen.tmux("resize-window", "-x", "80", "-y", "25")
    wait_until(lambda: screen.tmux("display-message", "-p", "#{pane_width}") == "80\n")
    screen.type(f"clear; {program} ps")
    screen.shows("a-rather-long-name")
    lines = [line for line in screen.tmux("capture-pane", "-p").splitlines() if line][:3]
    assert lines[0].startswith("CONTAINER ID") and lines[0].endswith("NAMES") and lines[1].endswith("a-rather-long-name"), lines
    assert "…" in lines[1]
    # in a pipe nothing is shortened further
    assert "echo a rathe…" in engine.hull("ps").stdout


def test_keys_of_the_configuration_detach(cli, screen):
    config = cli.engine.directory / "config"
    config.mkdir(exist_ok=True)
    (config / "config.json").write_text('{"detachKeys": "ctrl-x,d"}')
    try:
        program = " ".join(cli.engine.command(cli.name))
        screen.type(f"export DOCKER_CONFIG={config}; {program} run -it --name keys busybox sh")
        screen.shows("/ #")
        screen.tmux("send-keys", "C-x", "d")
        screen.is_left()
        screen.type("echo outside: $?")
        screen.shows("outside: 0")
        assert cli.engine.inspect("keys", "{{.State.Running}}") == "true"
    finally:
        (config / "config.json").unlink()


def test_a_build_goes_on_before_ones_eyes(engine, screen, tmp_path):
    """The seconds of a step that says nothing go on, and its picture is drawn over itself."""
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN echo begin; sleep 2.5\n")
    program = " ".join(engine.command("hull"))
    screen.type(f"clear; {program} build --no-cache {tmp_path}")
    screen.shows("sleep 2.5")
    seen = set()
    for _ in range(20):
        shown = screen.tmux("capture-pane", "-p")
        assert shown.count("[+] Building") <= 1 and shown.count("FROM busybox") <= 1
        seen.update(line.split()[-1] for line in shown.splitlines() if "RUN echo" in line)
        time.sleep(0.05)
    assert len(seen) > 2, seen
    screen.shows("FINISHED")
