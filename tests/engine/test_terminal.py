# SPDX-License-Identifier: Apache-2.0
"""Both command lines in a real terminal: tmux shows what a person would see."""
import shutil
import subprocess
import time

import pytest

from conftest import SLOT


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
    time.sleep(0.5)
    screen.type("stty size")
    screen.shows("25 90")
    screen.tmux("send-keys", "C-p", "C-q")
    screen.type("echo outside: $?")
    screen.shows("outside: 0")
    assert cli.engine.inspect("term", "{{.State.Running}}") == "true"
    screen.type(f"clear; {program} attach term")
    screen.type("sleep 50")
    time.sleep(0.5)
    screen.tmux("send-keys", "C-c")
    screen.type("exit $((4+3))")
    time.sleep(1)  # what is typed before the end is the container's
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
