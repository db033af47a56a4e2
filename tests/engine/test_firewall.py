# SPDX-License-Identifier: Apache-2.0
"""Our rules beside those of others: the administrator's, and firewalls that drop what is forwarded.

A firewall that drops by default would do so for the whole machine: the engine of these tests has a network namespace of
its own, as a machine of its own would be."""
import json
import os
import shutil
import subprocess
import time

import pytest

from conftest import BIN, Hulld, wait_until


class Machine(Hulld):
    """An engine in a network namespace of its own."""

    def __init__(self, directory):
        super().__init__()
        self.namespace = f"htm{os.getpid() % 100000}"
        subprocess.run(["ip", "netns", "add", self.namespace], check=True)
        subprocess.run(["ip", "-n", self.namespace, "link", "set", "lo", "up"], check=True)
        self.program = directory / "hulld"
        self.program.write_text(f"#!/bin/sh\nexec nsenter --net=/run/netns/{self.namespace} {BIN / 'hulld'} \"$@\"\n")
        self.program.chmod(0o755)

    def root(self, *command, check=True):
        return subprocess.run(["ip", "netns", "exec", self.namespace, *command], capture_output=True, text=True, check=check)

    def close(self):
        super().close()
        subprocess.run(["ip", "netns", "del", self.namespace], capture_output=True)


@pytest.fixture
def machine(busybox, tmp_path):
    engine = Machine(tmp_path)
    try:
        engine.start()
        engine.docker("import", busybox, "busybox")
        yield engine
    finally:
        engine.close()


SERVER = "mkdir -p /www && echo served > /www/index.html && exec httpd -f -p 80 -h /www"


@pytest.fixture
def fetch(machine):
    """Another machine, with a route to ours; gives what a web server says to it."""
    peer = machine.namespace + "p"
    subprocess.run(["ip", "netns", "add", peer], check=True)
    machine.root("ip", "link", "add", "wire", "type", "veth", "peer", "name", "eth0", "netns", peer)
    machine.root("ip", "addr", "add", "192.0.2.1/24", "dev", "wire")
    machine.root("ip", "link", "set", "wire", "up")
    for words in (["addr", "add", "192.0.2.2/24", "dev", "eth0"], ["link", "set", "eth0", "up"], ["link", "set", "lo", "up"],
                  ["route", "add", "default", "via", "192.0.2.1"]):
        subprocess.run(["ip", "-n", peer, *words], check=True)

    def ask(port):
        shown = subprocess.run(["ip", "netns", "exec", peer, "curl", "-s", "-m", "2", f"http://192.0.2.1:{port}/"],
                               capture_output=True, text=True)
        return shown.stdout.strip()
    yield ask
    subprocess.run(["ip", "netns", "del", peer], capture_output=True)


def wait_for_server(machine, name):
    wait_until(lambda: machine.docker("exec", name, "wget", "-q", "-O", "-", "http://127.0.0.1/", check=False).stdout == "served\n")


def published(machine, name="web"):
    machine.docker("run", "-d", "--name", name, "-p", "0:80", "busybox", "sh", "-c", SERVER)
    wait_for_server(machine, name)
    return int(machine.docker("port", name, "80").stdout.splitlines()[0].rsplit(":", 1)[1])


def test_the_administrators_chain_decides_first_and_is_never_rewritten(machine, fetch):
    port = published(machine)
    assert fetch(port) == "served"
    machine.root("nft", "add", "rule", "inet", "hull-user", "forward", "iifname", "wire", "oifname", machine.bridge, "drop")
    assert fetch(port) == ""
    machine.docker("network", "create", "net1")
    machine.docker("network", "rm", "net1")
    machine.crash()
    machine.start()
    machine.docker("run", "--rm", "busybox", "true")
    assert fetch(port) == "" and "drop" in machine.root("nft", "list", "chain", "inet", "hull-user", "forward").stdout
    machine.root("nft", "flush", "chain", "inet", "hull-user", "forward")
    assert fetch(port) == "served"


def test_a_flushed_ruleset_comes_back_within_a_second(machine, fetch):
    port = published(machine)
    machine.root("nft", "flush", "ruleset")
    begin = time.monotonic()
    while fetch(port) != "served":
        assert time.monotonic() - begin < 3
    print(f"served again after {time.monotonic() - begin:.2f} s")
    assert "chain forward" in machine.root("nft", "list", "table", "inet", "hull-user").stdout


def assert_told_of_with_the_remedy(machine, fetch, program):
    """A published port is not reached; who asks is told why, and what to do, which helps."""
    shown = machine.docker("run", "-d", "--name", "web", "-p", "0:80", "busybox", "sh", "-c", SERVER)
    port = int(machine.docker("port", "web", "80").stdout.splitlines()[0].rsplit(":", 1)[1])
    wait_for_server(machine, "web")
    assert fetch(port) == "", "theirs is final"
    command = "iptables" if program == "iptables-nft" else program
    remedy = [f"{command} -I FORWARD -i {machine.bridge} -j ACCEPT", f"{command} -I FORWARD -o {machine.bridge} -j ACCEPT"]
    for text in (shown.stderr, machine.docker("info").stderr, machine.hull("info", check=False).stderr):
        assert all(one in text for one in remedy), text
        assert "drops forwarded packets" in text and "FORWARD" in text
    for one in remedy:
        machine.root(program, *one.split()[1:])
    assert fetch(port) == "served"


@pytest.mark.parametrize("program", ["iptables-nft", "iptables-legacy"])
def test_a_policy_that_drops_is_told_of_with_the_remedy(machine, fetch, program):
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")
    machine.docker("run", "--rm", "busybox", "true")  # the bridge is there
    quiet = machine.docker("create", "-p", "0:80", "busybox", "true")
    assert "WARNING" not in quiet.stderr
    if machine.root(program, "-P", "FORWARD", "DROP", check=False).returncode != 0:
        pytest.skip(f"this kernel does not do {program}")
    assert_told_of_with_the_remedy(machine, fetch, program)
    assert "FORWARD" not in machine.docker("info").stderr, "who has been told is not complained about"
    assert "WARNING" not in machine.docker("create", "-p", "0:80", "busybox", "true").stderr


@pytest.mark.parametrize("program", ["iptables-nft", "iptables-legacy"])
def test_a_last_rule_that_rejects_is_told_of_with_the_remedy(machine, fetch, program):
    """The policy accepts, and the last rule rejects: what some distributions begin with."""
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")
    machine.docker("run", "--rm", "busybox", "true")
    if machine.root(program, "-A", "FORWARD", "-m", "conntrack", "--ctstate", "INVALID", "-j", "DROP", check=False).returncode:
        pytest.skip(f"this kernel does not do {program}")
    machine.root(program, "-A", "FORWARD", "-i", "wire", "-s", "198.51.100.0/24", "-j", "REJECT")
    assert "FORWARD" not in machine.docker("info").stderr, "rules with a condition are no firewall's last word"
    machine.root(program, "-A", "FORWARD", "-m", "comment", "--comment", "the rest", "-j", "REJECT")
    assert_told_of_with_the_remedy(machine, fetch, program)
    assert "FORWARD" not in machine.docker("info").stderr


@pytest.mark.parametrize("rules, dropped_by", [
    ("ct state established accept; counter reject with icmpx admin-prohibited", "passing"),
    ("counter log prefix \"rest\" drop", "passing"),
    ("ct state established accept; jump rest", "rest"),
    ("goto rest", "rest"),
    ("accept; drop", None),
    ("jump known; tcp dport 22 drop", None),
    ("jump harmless; iifname != \"wire\" accept", None),
    ("meta l4proto icmp reject", None)])
def test_rules_without_a_condition_that_drop_are_found(machine, rules, dropped_by):
    machine.docker("run", "--rm", "busybox", "true")
    text = f"""table inet mine {{
        chain harmless {{ counter return; drop; }}
        chain known {{ accept; }}
        chain rest {{ tcp dport 22 accept; reject; }}
        chain passing {{ type filter hook forward priority 0; policy accept; {rules}; }}
    }}"""
    subprocess.run(["ip", "netns", "exec", machine.namespace, "nft", "-f", "-"], input=text, text=True, check=True)
    warnings = [one for one in json.loads(machine.docker("info", "--format", "{{json .Warnings}}").stdout) or [] if "mine" in one]
    if dropped_by is None:
        assert warnings == []
    else:
        assert len(warnings) == 1 and f'in the firewall chain "inet mine {dropped_by}"' in warnings[0], warnings
        assert f"nft insert rule inet mine passing iifname {machine.bridge} accept" in warnings[0]
        assert (', which "passing" leads to,' in warnings[0]) == (dropped_by != "passing")


def test_the_remedy_is_in_the_words_of_who_drops(machine):
    machine.docker("run", "--rm", "busybox", "true")
    def warnings():
        return "\n".join(json.loads(machine.docker("info", "--format", "{{json .Warnings}}").stdout) or [])
    rules = "table ip filter {\nchain DOCKER-USER { }\nchain FORWARD { type filter hook forward priority filter; policy drop; jump DOCKER-USER; }\n}"
    subprocess.run(["ip", "netns", "exec", machine.namespace, "nft", "-f", "-"], input=rules, text=True, check=True)
    assert f"iptables -I DOCKER-USER -i {machine.bridge} -j ACCEPT" in warnings()
    machine.root("nft", "add", "chain", "ip", "filter", "ufw-user-forward")
    assert f"ufw route allow in on {machine.bridge}" in warnings()
    machine.root("nft", "delete", "table", "ip", "filter")
    assert "drops" not in warnings()
    rules = "table inet firewalld {\nchain filter_FORWARD { type filter hook forward priority filter + 10; policy accept; reject with icmpx admin-prohibited; }\n}"
    subprocess.run(["ip", "netns", "exec", machine.namespace, "nft", "-f", "-"], input=rules, text=True, check=True)
    assert f"firewall-cmd --permanent --zone=trusted --add-interface={machine.bridge}" in warnings()
    machine.root("nft", "delete", "table", "inet", "firewalld")
    machine.root("nft", "add", "table", "inet", "mine")
    machine.root("nft", "add", "chain", "inet", "mine", "passing", "{ type filter hook forward priority 0; policy drop; }")
    assert f"nft insert rule inet mine passing iifname {machine.bridge} accept" in warnings()
    machine.root("nft", "insert", "rule", "inet", "mine", "passing", "iifname", machine.bridge, "accept")
    assert "mine" not in warnings()
