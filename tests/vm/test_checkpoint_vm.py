# SPDX-License-Identifier: Apache-2.0
"""Containers are checkpointed and come back, under a kernel that Debian's criu knows."""
import importlib.util
import pathlib
import shutil

import pytest

from conftest import docker_cli

spec = importlib.util.spec_from_file_location("vm_machine", pathlib.Path(__file__).with_name("machine.py"))
machine = importlib.util.module_from_spec(spec)
spec.loader.exec_module(machine)


def needs(*programs):
    for program in programs:
        if not shutil.which(program, path="/usr/sbin:/usr/bin"):
            pytest.skip(f"{program} is not installed")


def test_containers_go_on_where_they_were(busybox):
    needs("criu")
    output = machine.run_script("checkpoint.sh", busybox, docker_cli())
    lines = output.splitlines()
    for expected in ("first", "after first: running 0", "second", "after second: exited 137", "CHECKPOINT NAME",
                     "first second listed by docker", "restored: running 0", "served: from the host", "exec counts 0::/ from the host",
                     "kept its file", "memory.max 67108864", "paused: paused 0", "new engine: running 0",
                     "from the first: running 0", "without its shim: exited 137", "away: exited 137", "back: running 0", "got a line", "reader: running 0"):
        assert expected in lines, output
    assert any(line.startswith("changed: ") and "has bad size" in line for line in lines), output
    assert "broken" not in output and "left behind" not in output and "writes nothing" not in output, output


def test_podman_and_docker_checkpoint_containers_of_hull_runtime(busybox):
    needs("criu", "podman", "dockerd")
    output = machine.run_script("checkpoint_callers.sh", busybox, docker_cli(), memory=2048)
    lines = output.splitlines()
    assert [line for line in lines if line.startswith("podman: ")] == ["podman: exited", "podman: running", "podman: exec"], output
    assert [line for line in lines if line.startswith("docker: ")] == ["docker: running", "docker: exited 137", "docker: running",
                                                                       "docker: exec"], output
    assert [line for line in lines if line.endswith(" writes")] == ["one writes", "two writes", "three writes", "three writes"], output
    assert "broken" not in output and "left behind" not in output, output
