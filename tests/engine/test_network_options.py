# SPDX-License-Identifier: Apache-2.0
"""Options of networks and what they do to packets: way out, addresses of the bridge, interfaces, several subnets."""
import json
import os
import re
import subprocess
import sys
import threading

import pytest

from conftest import SLOT, Hulld
from test_networks import api, no_networks_left  # noqa: F401
from test_ports import HOST, PEER, Peer, box, peer, port_of, serve, tcp  # noqa: F401

POOL = f"10.{60 + SLOT % 40}.176.0/20"
BASE = f"10.{60 + SLOT % 40}.175"
OWN_LOOPBACK = f"127.0.{SLOT + 1}.2"
BRIDGE = "com.docker.network.bridge."
TELL = """
import socket, sys
s = socket.create_server(("0.0.0.0", 9000))
print("ready", flush=True)
while True:
    c, a = s.accept()
    c.sendall(a[0].encode()); c.close()
"""


@pytest.fixture(scope="module")
def engine(busybox):
    hulld = Hulld()
    try:
        hulld.start("--default-address-pool", f"base={POOL},size=24", "--default-network-opt",
                    "bridge=com.docker.network.driver.mtu=1420")
        hulld.docker("import", busybox, "busybox")
        yield hulld
    finally:
        hulld.close()


def inspect(engine, network):
    return json.loads(engine.docker("network", "inspect", network).stdout)[0]


def address_of(engine, container, network):
    return engine.inspect(container, f'{{{{(index .NetworkSettings.Networks "{network}").IPAddress}}}}')


def ask(engine, container, host, port):
    return engine.docker("exec", container, "sh", "-c", f"nc -w 3 {host} {port} </dev/null", check=False).stdout.strip()


@pytest.fixture
def listener(peer):  # noqa: F811
    """A server at another machine that tells each client its address."""
    process = subprocess.Popen(["ip", "netns", "exec", peer.name, sys.executable, "-c", TELL], stdout=subprocess.PIPE)
    process.stdout.readline()
    yield peer
    process.kill()
    process.wait()
    process.stdout.close()


def test_the_way_out_with_and_without_masquerade(engine, listener):
    engine.docker("network", "create", "-o", f"{BRIDGE}enable_ip_masquerade=false", "plain")
    box(engine, "plain", "--network", "plain")
    assert ask(engine, "plain", PEER, 9000) == address_of(engine, "plain", "plain")
    engine.docker("network", "create", "usual")
    box(engine, "usual", "--network", "usual")
    assert ask(engine, "usual", PEER, 9000) == HOST
    engine.docker("network", "create", "--internal", "closed")
    box(engine, "closed", "--network", "closed")
    assert ask(engine, "closed", PEER, 9000) == ""


def test_ports_are_bound_where_the_network_says(engine, serve):  # noqa: F811
    engine.docker("network", "create", "-o", f"{BRIDGE}host_binding_ipv4={OWN_LOOPBACK}", "bound")
    box(engine, "web", "--network", "bound", "-p", "7100:80", "-p", "0.0.0.0::81")
    serve("web", 80, 81)
    assert engine.docker("port", "web", "80").stdout.strip() == f"{OWN_LOOPBACK}:7100"
    assert tcp(OWN_LOOPBACK, 7100) and not tcp("127.0.0.1", 7100)
    assert engine.docker("port", "web", "81").stdout.startswith("0.0.0.0:")


def test_an_address_that_the_host_does_not_have_is_said(engine):
    failed = engine.docker("run", "--rm", "-p", "192.0.2.99:80:80", "busybox", "true", check=False)
    assert "failed to bind host port for 192.0.2.99:80" in failed.stderr and "no interface of this host has it" in failed.stderr


def test_a_bridge_without_an_address_of_its_own(engine):
    identity = engine.docker("network", "create", "-o", f"{BRIDGE}inhibit_ipv4=true", "--subnet", f"{BASE}.0/24", "bare").stdout
    shown = subprocess.run(["ip", "-4", "addr", "show", f"br-{identity[:12]}"], capture_output=True, text=True).stdout
    assert "inet " not in shown
    for name in ("one", "two"):
        box(engine, name, "--network", "bare")
    assert engine.docker("exec", "one", "ping", "-c", "1", "-W", "2", "two").returncode == 0


def test_names_of_interfaces_and_what_new_networks_get_by_default(engine):
    engine.docker("network", "create", "-o", "com.docker.network.container_iface_prefix=lan", "--attachable", "named")
    engine.docker("network", "create", "-o", "com.docker.network.driver.mtu=1300", "own")
    box(engine, "one", "--network", "named", "--network", "own")
    assert engine.docker("exec", "one", "ls", "/sys/class/net").stdout.split() == ["eth0", "lan0", "lo"]
    shape = inspect(engine, "named")
    assert shape["Attachable"] is True and shape["Options"]["com.docker.network.driver.mtu"] == "1420"
    assert engine.docker("exec", "one", "cat", "/sys/class/net/lan0/mtu", "/sys/class/net/eth0/mtu").stdout.split() == ["1420", "1300"]


def test_a_network_of_two_addresses_has_both_for_containers_when_it_needs_no_gateway(engine):
    for option in (f"{BRIDGE}inhibit_ipv4=true", f"{BRIDGE}gateway_mode_ipv4=isolated"):
        engine.docker("network", "create", "--internal", "-o", option, "--subnet", f"{BASE}.0/31", "pair")
        for name in ("one", "two"):
            box(engine, name, "--network", "pair")
        assert engine.docker("exec", "one", "ping", "-c", "1", "-W", "2", "two").returncode == 0
        assert "Gateway" not in inspect(engine, "pair")["IPAM"]["Config"][0]
        engine.docker("rm", "-f", "one", "two")
        engine.docker("network", "rm", "pair")


def test_options_say_which_families_a_network_has(engine):
    option = "com.docker.network.enable_ipv6"
    engine.docker("network", "create", "-o", f"{option}=true", "both")
    shape = inspect(engine, "both")
    assert shape["EnableIPv6"] is True and any(one["Subnet"].startswith("fd") for one in shape["IPAM"]["Config"])
    subnets = (f"fd00:{SLOT:x}:{os.getpid():x}:1::/64", f"{BASE}.0/24")
    engine.docker("network", "create", "--ipv6", "--subnet", subnets[0], "--subnet", subnets[1], "ordered")
    assert [one["Subnet"] for one in inspect(engine, "ordered")["IPAM"]["Config"]] == [subnets[1], subnets[0]]
    wrong = engine.docker("network", "create", "-o", f"{option}=perhaps", "neither", check=False)
    assert option in wrong.stderr and "use true or false" in wrong.stderr


def test_options_of_address_management_are_shown_as_they_were_given(engine):
    for name, ipam in {"none": None, "null": {"Driver": "default"}, "empty": {"Options": {}}, "some": {"Options": {"a": "b"}}}.items():
        status, made = api(engine, "POST", "/networks/create", {"Name": f"with-{name}", "IPAM": ipam})
        assert status == 201, made
        assert inspect(engine, f"with-{name}")["IPAM"]["Options"] == (ipam or {}).get("Options")


def test_the_default_bridge_takes_its_subnets_from_what_is_for_containers():
    hulld = Hulld()
    range6 = f"fd00:{SLOT:x}:{os.getpid():x}::/64"
    try:
        hulld.bip = ""
        hulld.start("--fixed-cidr", f"{BASE}.64/26", "--ipv6", "--fixed-cidr-v6", range6)
        config = inspect(hulld, "bridge")["IPAM"]["Config"]
        shown = {one["Subnet"]: (one["Gateway"], one["IPRange"]) for one in config}
        first6 = range6.replace("::/64", "::1")
        assert shown == {f"{BASE}.64/26": (f"{BASE}.65", f"{BASE}.64/26"), range6: (first6, range6)}
        hulld.crash()  # a later engine finds the device as it is
        hulld.start()
        assert inspect(hulld, "bridge")["IPAM"]["Config"] == config
    finally:
        hulld.close()


def test_several_subnets_of_one_family(engine):
    # By the API: the docker CLI keeps its --subnet options in a Go map, and sends them in any order.
    config = [{"Subnet": f"{BASE}.0/30", "Gateway": f"{BASE}.1"}, {"Subnet": f"{BASE}.64/28", "Gateway": f"{BASE}.78"}]
    status, made = api(engine, "POST", "/networks/create", {"Name": "two", "IPAM": {"Config": config}})
    assert status == 201, made
    assert [one["Gateway"] for one in inspect(engine, "two")["IPAM"]["Config"]] == [f"{BASE}.1", f"{BASE}.78"]
    for name in ("one", "two"):
        box(engine, name, "--network", "two")
    assert [address_of(engine, name, "two") for name in ("one", "two")] == [f"{BASE}.2", f"{BASE}.65"]
    box(engine, "three", "--network", "two", "--ip", f"{BASE}.70")
    assert "default via " + f"{BASE}.78" in engine.docker("exec", "three", "ip", "route").stdout
    assert engine.docker("exec", "one", "ping", "-c", "1", "-W", "2", f"{BASE}.70").returncode == 0, "by way of the host"


def test_the_gateway_is_the_first_address_of_the_range(engine):
    engine.docker("network", "create", "--subnet", f"{BASE}.0/24", "--ip-range", f"{BASE}.16/28", "--aux-address", f"x={BASE}.16", "ranged")
    assert inspect(engine, "ranged")["IPAM"]["Config"][0]["Gateway"] == f"{BASE}.17"
    box(engine, "first", "--network", "ranged")
    assert address_of(engine, "first", "ranged") == f"{BASE}.18"
    assert "default via " + f"{BASE}.17" in engine.docker("exec", "first", "ip", "route").stdout


def test_a_container_reaches_its_own_published_port_and_its_neighbours_too(engine, serve):  # noqa: F811
    engine.docker("network", "create", "same")
    for name in ("web", "neighbour"):
        box(engine, name, "--network", "same", *(["-p", "0:80"] if name == "web" else []))
    serve("web", 80)
    gateway = inspect(engine, "same")["IPAM"]["Config"][0]["Gateway"]
    port = port_of(engine, "web", "80")
    for name in ("web", "neighbour"):
        assert ask(engine, name, gateway, port) == gateway, "answers have to come back the way that the question went"


def test_addresses_are_kept_over_a_restart(engine):
    engine.docker("network", "create", "--ipv6", "kept")
    for name in ("first", "second", "third"):
        box(engine, name, "--network", "kept")
    show = "{{.NetworkSettings.Networks.kept.IPAddress}} {{.NetworkSettings.Networks.kept.GlobalIPv6Address}}"
    before = engine.inspect("third", show)
    engine.docker("rm", "-f", "first")
    engine.docker("restart", "-t", "0", "third")
    assert engine.inspect("third", show) == before
    engine.docker("stop", "-t", "0", "third")
    engine.docker("start", "third")
    assert engine.inspect("third", show) == before
    engine.docker("stop", "-t", "0", "third")
    for name in ("fourth", "fifth"):
        box(engine, name, "--network", "kept")
    engine.docker("start", "third")
    addresses = [engine.inspect(name, show) for name in ("second", "third", "fourth", "fifth")]
    assert len(set(addresses)) == 4, "what somebody else has by now is his"


def test_a_network_is_not_removed_while_a_container_is_attached_to_it(engine):
    """Starts and removals of the network at the same time: either the start fails, or the removal, never something half."""
    outcomes = set()
    for attempt in range(8):
        engine.docker("network", "create", "busy")
        engine.docker("create", "--name", "box", "--network", "busy", "busybox", "sleep", "1000")
        results = {}
        threads = [threading.Thread(target=lambda key=key, words=words: results.update({key: engine.docker(*words, check=False)}))
                   for key, words in (("start", ["start", "box"]), ("rm", ["network", "rm", "busy"]))]
        for thread in threads if attempt % 2 else reversed(threads):
            thread.start()
        for thread in threads:
            thread.join()
        started, removed = (results[key].returncode == 0 for key in ("start", "rm"))
        assert started != removed, (results["start"].stderr, results["rm"].stderr)
        outcomes.add(started)
        if started:
            assert re.search(r"has active endpoints|is being attached", results["rm"].stderr)
            assert engine.docker("exec", "box", "ip", "addr", "show", "eth0").returncode == 0
        engine.docker("rm", "-f", "box")
        engine.docker("network", "rm", "busy", check=False)
    assert outcomes
