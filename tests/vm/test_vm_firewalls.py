# SPDX-License-Identifier: Apache-2.0
"""The firewalls that people have, the real programs, beside ours: a policy of iptables in both of its forms, a ruleset of
nftables that begins with a flush, ufw and firewalld. Under Debian's kernel, in one boot."""
import importlib.util
import pathlib
import shutil

import pytest

spec = importlib.util.spec_from_file_location("vm_machine", pathlib.Path(__file__).with_name("machine.py"))
machine = importlib.util.module_from_spec(spec)
spec.loader.exec_module(machine)

IPTABLES = ["told to: {0} -I FORWARD -i hull0 -j ACCEPT", "told to: {0} -I FORWARD -o hull0 -j ACCEPT"]
CASES = {  # what shuts containers off, the chain that is named at publish, the remedy in its words
    "iptables-nft": ("not reached, outside is not reached", "ip filter FORWARD", [line.format("iptables") for line in IPTABLES]),
    "iptables-legacy": ("not reached, outside is not reached", "iptables-legacy filter FORWARD",
                        [line.format("iptables-legacy") for line in IPTABLES]),
    "nftables": ("not reached, outside is not reached", "inet filter forward",
                 ["told to: nft insert rule inet filter forward iifname hull0 accept"]),
    "ufw": ("not reached, outside is not reached", "ip filter FORWARD",
            ["told to: ufw route allow in on hull0", "told to: ufw route allow out on hull0"]),
    "firewalld": ("reached, outside is not reached", "inet firewalld filter_FORWARD",
                  ["told to: firewall-cmd --permanent --zone=trusted --add-interface=hull0", "told to: firewall-cmd --reload"]),
}


@pytest.fixture(scope="module")
def output(busybox):
    missing = [program for program in ("iptables-legacy", "ufw", "firewalld", "curl") if not shutil.which(program, path="/usr/sbin:/usr/bin")]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (scripts/install-dependencies test)")
    return machine.run_script("firewalls.sh", busybox)


@pytest.mark.parametrize("name", CASES)
def test_ours_and_theirs(output, name):
    shut, chain, remedy = CASES[name]
    lines = [line.split(": ", 1)[1] for line in output.splitlines() if line.startswith(name + ": ")]
    everything = "the port is reached, outside is reached"
    for expected in (f"on: the port is {shut}", *remedy, f"allowed: {everything}", "warnings left: 0", "theirs are untouched",
                     f"reloaded: {everything}", "ours are as before", f"off: {everything}"):
        assert expected in lines, f"{name}, missing: {expected}\n{output}"
    assert any(line.startswith(f'at publish: the firewall chain "{chain}" drops forwarded packets') for line in lines), output
