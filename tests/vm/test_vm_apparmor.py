# SPDX-License-Identifier: Apache-2.0
"""The default profile of AppArmor, under Debian's kernel: the build machine's has no AppArmor."""
import importlib.util
import os
import pathlib

import pytest

spec = importlib.util.spec_from_file_location("vm_machine", pathlib.Path(__file__).with_name("machine.py"))
machine = importlib.util.module_from_spec(spec)
spec.loader.exec_module(machine)


def test_containers_are_confined_without_anybodys_doing(busybox):
    if not os.path.exists("/usr/sbin/apparmor_parser") and not os.path.exists("/sbin/apparmor_parser"):
        pytest.skip("the package apparmor is not installed")
    output = machine.run_script("apparmor.sh", busybox)
    lines = output.splitlines()
    for expected in ("docker-default (enforce)", "default: docker-default (enforce)", "unconfined: unconfined", "privileged: unconfined",
                     "shown: docker-default", "exec: docker-default (enforce)", "privileged exec: unconfined", "mount denied", "signalled", "x",
                     "stopped 137"):
        assert expected in lines, f"missing: {expected}\n{output}"
    assert "it was there before" not in output and "nothing" in lines[-1], output
