# SPDX-License-Identifier: Apache-2.0
"""Drivers of networks that the machine's own kernel may lack: macvlan, ipvlan, 802.1q, under Debian's kernel."""
import importlib.util
import pathlib

spec = importlib.util.spec_from_file_location("vm_machine", pathlib.Path(__file__).with_name("machine.py"))
machine = importlib.util.module_from_spec(spec)
spec.loader.exec_module(machine)


def test_macvlan_ipvlan_and_8021q(busybox):
    output = machine.run_script("networks.sh", busybox)
    lines = output.splitlines()
    for expected in ("macvlan bridge neighbour reached", "macvlan bridge machine reached", "macvlan private neighbour not reached",
                     "macvlan private machine reached", "macvlan vepa machine reached", "macvlan passthru machine reached",
                     "vlan protocol 802.1Q id 50", "802.1q neighbour reached", "wire.50 is gone", "without a parent reached", "true",
                     "ipvlan l2 neighbour reached", "ipvlan l2 machine reached", "ipvlan l2 mac: the parent's",
                     "ipvlan l3 neighbour reached", "ipvlan l3s neighbour reached", "connected machine reached",
                     "after a crash machine reached", "disconnected machine not reached"):
        assert expected in lines, f"missing: {expected}\n{output}"
    assert any(line.startswith("ipvlan l3 route: default dev eth0") for line in lines), output
