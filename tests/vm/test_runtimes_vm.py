# SPDX-License-Identifier: Apache-2.0
"""Other OCI runtimes with control groups of version 2, under Debian's stock kernel."""
import importlib.util
import pathlib
import shutil

spec = importlib.util.spec_from_file_location("vm_machine", pathlib.Path(__file__).with_name("machine.py"))
machine = importlib.util.module_from_spec(spec)
spec.loader.exec_module(machine)


def test_limits_devices_and_statistics_of_other_runtimes(busybox):
    programs = [str(machine.BUILD / "bin" / "hull-runtime"), *filter(None, map(shutil.which, ("runc", "crun")))]
    output = machine.run_script("runtimes.sh", busybox, *programs)
    lines = output.splitlines()
    for name in ("other-" + pathlib.Path(program).name for program in programs):  # runc alone is reserved
        for expected in ("memory.max 67108864", "cpu.max 50000 100000", "pids.max 50", "exec 0::/",
                         "updated memory.max 33554432", "frozen 1", "exited 137"):
            assert f"{name} {expected}" in lines, output
        assert any(line.startswith(f"{name} stats 1 ") and line.endswith("/ 32MiB") for line in lines), output
    assert "left behind" not in output and "a disk" not in output, output
