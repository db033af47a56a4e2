# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the engine in the middle of what changes networks: afterwards everything is as before or as after, and no
interface, address or rule is left of what was not finished."""
import json
import os
import pathlib
import subprocess
import threading
import time

import pytest

from conftest import SLOT, Hulld

POOL = f"10.{60 + SLOT % 40}.224.0/20"


@pytest.fixture
def hulld(busybox):
    engine = Hulld()
    try:
        engine.start("--default-address-pool", f"base={POOL},size=24")
        engine.docker("import", busybox, "busybox")
        yield engine
        engine.remove_containers()
        engine.docker("network", "prune", "-f")
        engine.assert_clean()
    finally:
        engine.close()


def links():
    return json.loads(subprocess.run(["ip", "-j", "-d", "link"], capture_output=True, text=True, check=True).stdout)


def bridges_in_pool(engine):
    """Bridges that have an address out of this engine's pool."""
    shown = json.loads(subprocess.run(["ip", "-j", "-4", "addr"], capture_output=True, text=True, check=True).stdout)
    first = ".".join(POOL.split(".")[:2])
    return sorted(link["ifname"] for link in shown for address in link.get("addr_info", ())
                  if link["ifname"].startswith("br-") and address["local"].startswith(first + "."))


def networks(engine):
    names = engine.docker("network", "ls", "--filter", "type=custom", "--format", "{{.ID}}").stdout.split()
    return sorted(f"br-{name}" for name in names)


def rules(engine):
    return subprocess.run(["nft", "list", "table", "ip", engine.firewall_table], capture_output=True, text=True).stdout


def crash_during(engine, delay, *command):
    worker = threading.Thread(target=lambda: engine.docker(*command, check=False))
    worker.start()
    time.sleep(delay)
    engine.crash()
    worker.join()
    engine.start()


DELAYS = [0.02, 0.025, 0.03, 0.035, 0.04, 0.05, 0.06, 0.08]  # the docker command line takes 20 ms to ask


def test_create_and_remove(hulld):
    for delay in DELAYS:
        crash_during(hulld, delay, "network", "create", "cut")
        assert bridges_in_pool(hulld) == networks(hulld)
        hulld.docker("network", "create", "cut", check=False)  # there already, or made now
        hulld.docker("run", "--rm", "--network", "cut", "busybox", "true")
        crash_during(hulld, delay, "network", "rm", "cut")
        assert bridges_in_pool(hulld) == networks(hulld)
        hulld.docker("network", "rm", "cut", check=False)
        assert bridges_in_pool(hulld) == [] == networks(hulld)
    assert POOL.rsplit(".", 2)[0] + "." not in rules(hulld)


def interfaces_of(engine, container):
    shown = engine.docker("exec", container, "ip", "-o", "-4", "addr").stdout
    return {line.split()[1]: line.split()[3] for line in shown.splitlines() if " lo " not in f" {line.split()[1]} "}


def test_connect_and_disconnect(hulld):
    hulld.docker("network", "create", "first")
    hulld.docker("network", "create", "second")
    hulld.docker("run", "-d", "--name", "stays", "--network", "first", "-p", "127.0.0.1::80", "busybox", "sleep", "1000")
    for delay in DELAYS:
        crash_during(hulld, delay, "network", "connect", "second", "stays")
        shown = json.loads(hulld.inspect("stays", "{{json .NetworkSettings.Networks}}"))
        assert hulld.docker("exec", "stays", "true").returncode == 0
        # What inspect says the container has, it has.
        addresses = set(interfaces_of(hulld, "stays").values())
        claimed = {f"{n['IPAddress']}/{n['IPPrefixLen']}" for n in shown.values() if n["IPAddress"]}
        assert claimed <= addresses, (claimed, addresses)
        hulld.docker("network", "connect", "second", "stays", check=False)
        crash_during(hulld, delay, "network", "disconnect", "second", "stays")
        hulld.docker("network", "disconnect", "-f", "second", "stays", check=False)
        hulld.docker("restart", "-t", "0", "stays")
        assert list(interfaces_of(hulld, "stays")) == ["eth0"]
    group = {link["group"] for link in links() if link["ifname"] in bridges_in_pool(hulld)}
    own = [link["ifname"] for link in links() if link["group"] in group and link.get("master") in bridges_in_pool(hulld)]
    assert len(own) == 1, own


def test_no_address_is_given_out_twice_or_lost(hulld):
    subnet = POOL.rsplit(".", 2)[0] + ".239.0/29"  # five addresses for containers
    hulld.docker("network", "create", "--subnet", subnet, "small")
    for round_number in range(4):
        workers = [threading.Thread(target=lambda n=n: hulld.docker(
            "run", "-d", "--name", f"c{n}", "--network", "small", "busybox", "sleep", "1000", check=False)) for n in range(5)]
        for worker in workers:
            worker.start()
        time.sleep(0.03 + 0.03 * round_number)
        hulld.crash()
        for worker in workers:
            worker.join()
        hulld.start()
        members = json.loads(hulld.docker("network", "inspect", "small").stdout)[0]["Containers"]
        addresses = [m["IPv4Address"] for m in members.values()]
        assert len(addresses) == len(set(addresses))
        hulld.remove_containers()
    names = [f"full{n}" for n in range(5)]
    for name in names:
        hulld.docker("run", "-d", "--name", name, "--network", "small", "busybox", "sleep", "1000")
    failed = hulld.docker("run", "--rm", "--network", "small", "busybox", "true", check=False)
    assert "no available IPv4 addresses" in failed.stderr


def test_ports_of_a_start_that_is_cut_off_are_free_again(hulld):
    own = f"127.0.{SLOT + 1}.9"
    for delay in (0.03, 0.05, 0.07, 0.1):
        crash_during(hulld, delay, "run", "-d", "--name", "cut", "-p", f"{own}:7000-7500:7000-7500/udp", "busybox", "sleep", "1000")
        running = hulld.docker("ps", "-q").stdout.strip() != ""
        assert ("7000-7500" in rules(hulld)) == running
        hulld.remove_containers()
        hulld.docker("run", "--rm", "-p", f"{own}:7000-7500:7000-7500/udp", "busybox", "true")
