# SPDX-License-Identifier: Apache-2.0
"""The size of a container, and of a volume, on ext4 and xfs with project quotas, under Debian's kernel: the build machine's may lack them."""
import importlib.util
import pathlib

spec = importlib.util.spec_from_file_location("vm_machine", pathlib.Path(__file__).with_name("machine.py"))
machine = importlib.util.module_from_spec(spec)
spec.loader.exec_module(machine)


def test_sizes_on_ext4_and_xfs(busybox):
    output = machine.run_script("quotas.sh", busybox)
    lines = output.splitlines()
    for fs in ("ext4", "xfs"):
        for expected in (f"{fs} with a size: limited", f"{fs} without: unlimited", f"{fs} shows {30 << 10}", f"{fs} is free",
                         f"{fs} volume small: limited", f"{fs} volume free: unlimited", f"{fs} volume shows {20 << 10}",
                         f"{fs} renamed volume shows {20 << 10}"):
            assert expected in lines, f"missing: {expected}\n{output}"
    assert "create small: quota size requested but no quota support" in lines[-2], output
    assert "--storage-opt is supported only for overlay over xfs with 'pquota' mount option" in lines[-1], output
