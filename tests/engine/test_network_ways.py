# SPDX-License-Identifier: Apache-2.0
"""What a container's interfaces get and lose: addresses that were asked for, IPv6 that was switched off, ways out."""
import ipaddress
import json
import os
import subprocess
import time

import pytest

from conftest import SLOT, Hulld
from test_networks import UnixConnection, api, no_networks_left  # noqa: F401

POOL = f"10.{60 + SLOT % 40}.192.0/20"
PREFIX6 = f"fd51:{os.getpid() % 0x10000:x}:{SLOT:x}"
SWITCHED_OFF = "net.ipv6.conf.all.disable_ipv6=1"


@pytest.fixture(scope="module")
def engine(busybox):
    hulld = Hulld()
    try:
        hulld.start("--default-address-pool", f"base={POOL},size=24")
        hulld.docker("import", busybox, "busybox")
        yield hulld
    finally:
        hulld.close()


def run(engine, name, *arguments):
    engine.docker("run", "-d", "--name", name, *arguments, "busybox", "sleep", "100")


def place(engine, container, network):
    return api(engine, "GET", f"/containers/{container}/json")[1]["NetworkSettings"]["Networks"][network]


def networks_of(engine, container):
    return sorted(api(engine, "GET", f"/containers/{container}/json")[1]["NetworkSettings"]["Networks"])


def inside(engine, container, *command):
    return engine.docker("exec", container, *command, check=False).stdout


@pytest.fixture
def both(engine):
    """A network of both families."""
    engine.docker("network", "create", "--ipv6", "--subnet", f"{PREFIX6}::/64", "both")


@pytest.mark.parametrize("option", [
    ["--network", "both", "--sysctl", SWITCHED_OFF],
    ["--network", "name=both,driver-opt=com.docker.network.endpoint.sysctls=net.ipv6.conf.IFNAME.disable_ipv6=1"],
])
def test_a_container_without_ipv6_has_no_address_of_it(engine, both, option):
    run(engine, "four", *option)
    run(engine, "six", "--network", "both")
    shown = place(engine, "four", "both")
    assert shown["IPAddress"] and (shown["GlobalIPv6Address"], shown["GlobalIPv6PrefixLen"]) == ("", 0)
    assert "inet6" not in inside(engine, "four", "ip", "address", "show", "eth0")
    # It has no name of that family either.
    assert "bad address" in engine.docker("exec", "six", "ping", "-6", "-c", "1", "four", check=False).stderr
    assert engine.docker("exec", "six", "ping", "-4", "-c", "1", "-W", "5", "four").returncode == 0


def test_hosts_names_ipv6_only_where_it_is(engine):
    run(engine, "six")
    run(engine, "four", "--sysctl", SWITCHED_OFF)
    assert "::1\tlocalhost" in inside(engine, "six", "cat", "/etc/hosts")
    lines = inside(engine, "four", "cat", "/etc/hosts").splitlines()
    assert lines == ["127.0.0.1\tlocalhost", f"{place(engine, 'four', 'bridge')['IPAddress']}\t{inside(engine, 'four', 'hostname').strip()}"]


def test_the_link_local_address_is_made_of_the_mac_that_was_asked_for(engine, both):
    mac = "02:42:0a:0b:0c:0d"
    run(engine, "first", "--network", f"name=both,mac-address={mac}")
    run(engine, "second", "--network", "bridge")
    engine.docker("network", "disconnect", "bridge", "second")
    assert api(engine, "POST", "/networks/both/connect",
               {"Container": "second", "EndpointConfig": {"MacAddress": "02:42:0a:0b:0c:0e"}})[0] == 200
    assert "inet6 fe80::42:aff:fe0b:c0d/64" in inside(engine, "first", "ip", "-6", "address")
    assert "inet6 fe80::42:aff:fe0b:c0e/64" in inside(engine, "second", "ip", "-6", "address")


def test_an_address_can_be_chosen_in_a_subnet_that_was_not(engine):
    engine.docker("network", "create", "given")
    subnet = api(engine, "GET", "/networks/given")[1]["IPAM"]["Config"][0]["Subnet"]
    wanted = subnet.replace(".0/24", ".77")
    run(engine, "one", "--network", "given", "--ip", wanted)
    assert place(engine, "one", "given")["IPAddress"] == wanted
    refused = engine.docker("run", "--rm", "--network", "given", "--ip", "203.0.113.1", "busybox", "true", check=False)
    assert "no configured subnet contains IP address 203.0.113.1" in refused.stderr


@pytest.mark.parametrize("address, message", [
    ({"IPv4Address": "here"}, "invalid IPv4 address: here: unable to parse IP"),
    ({"IPv6Address": "192.0.2.1"}, "invalid IPv6 address: 192.0.2.1"),
    ({"IPv6Address": "::ffff:192.0.2.1"}, "invalid IPv6 address: ::ffff:192.0.2.1"),
])
def test_addresses_that_are_none_of_their_family(engine, both, address, message):
    status, body = api(engine, "POST", "/containers/create", {
        "Image": "busybox", "Cmd": ["true"], "HostConfig": {"NetworkMode": "both"},
        "NetworkingConfig": {"EndpointsConfig": {"both": {"IPAMConfig": address}}}})
    assert status == 400 and message in body["message"].splitlines()


def test_a_default_route_of_somebody_else_stays(engine):
    engine.docker("network", "create", "--internal", "closed")
    engine.docker("network", "create", "open")
    run(engine, "one", "--cap-add", "NET_ADMIN", "--network", "closed")
    gateway = place(engine, "one", "closed")["IPAddress"].rsplit(".", 1)[0] + ".1"
    engine.docker("exec", "one", "ip", "route", "add", "default", "via", gateway)
    refused = engine.docker("network", "connect", "open", "one", check=False)
    assert refused.returncode == 1 and "failed to set gateway: file exists" in refused.stderr
    assert networks_of(engine, "one") == ["closed"]
    assert api(engine, "GET", "/networks/open")[1]["Containers"] == {}
    assert inside(engine, "one", "ls", "/sys/class/net").split() == ["eth0", "lo"]
    assert f"default via {gateway} " in inside(engine, "one", "ip", "route")
    engine.docker("exec", "one", "ip", "route", "del", "default")
    engine.docker("network", "connect", "open", "one")
    assert f"default via {place(engine, 'one', 'open')['Gateway']} " in inside(engine, "one", "ip", "route")


def test_a_disconnect_goes_on_where_the_next_way_out_is_down(engine):
    for name in ("first", "second"):
        engine.docker("network", "create", name)
    run(engine, "one", "--cap-add", "NET_ADMIN", "--network", "name=first,gw-priority=1", "--network",
        "name=second,driver-opt=com.docker.network.endpoint.ifname=eth9")
    engine.docker("exec", "one", "ip", "link", "set", "eth9", "down")
    engine.docker("network", "disconnect", "first", "one")
    assert networks_of(engine, "one") == ["second"]
    engine.docker("network", "connect", "first", "one")
    engine.docker("restart", "-t", "0", "one")
    assert networks_of(engine, "one") == ["first", "second"]


def test_who_is_off_all_networks_is_shown_on_none(engine):
    engine.docker("network", "create", "gone")
    run(engine, "one", "--network", "gone")
    engine.docker("stop", "-t", "0", "one")
    engine.docker("network", "rm", "gone")
    engine.docker("network", "disconnect", "-f", "gone", "one")
    assert networks_of(engine, "one") == []
    run(engine, "two")
    engine.docker("network", "disconnect", "bridge", "two")
    assert networks_of(engine, "two") == []


@pytest.mark.parametrize("method, network, mode, message", [
    ("connect", "host", "bridge", "cannot connect container to host network - container must be created in host network mode"),
    ("disconnect", "host", "host", "cannot disconnect container from host network - container was created in host network mode"),
    ("connect", "bridge", "host", "container sharing network namespace with another container or host cannot be connected to any other network"),
    ("connect", "none", "bridge", "container cannot be connected to multiple networks with one of the networks in private (none) mode"),
])
def test_networks_that_do_not_mix(engine, method, network, mode, message):
    run(engine, "one", "--network", mode)
    assert api(engine, "POST", f"/networks/{network}/{method}", {"Container": "one"}) == (400, {"message": message})


def test_aliases_are_refused_before_networks_that_do_not_mix(engine):
    run(engine, "one", "--network", "none")
    for network in ("bridge", "host", "none"):
        status, body = api(engine, "POST", f"/networks/{network}/connect",
                           {"Container": "one", "EndpointConfig": {"Aliases": ["x"]}})
        assert status == 400 and "network-scoped aliases are only supported for user-defined networks" in body["message"]


def test_ports_of_the_host_stand_before_those_of_the_container(engine):
    mode = "com.docker.network.bridge.gateway_mode_ipv"
    engine.docker("network", "create", "--ipv6", "--subnet", f"{PREFIX6}:1::/64", "-o", f"{mode}6=routed", "mixed")
    run(engine, "one", "--network", "mixed", "-p", "0:80")
    shown = api(engine, "GET", "/containers/one/json")[1]["NetworkSettings"]["Ports"]["80/tcp"]
    assert [one["HostIp"] for one in shown] == ["0.0.0.0", "::"] and shown[1]["HostPort"] == ""


def test_older_clients_have_no_networks_without_ipv4(engine):
    body = {"Name": "old", "EnableIPv4": False, "EnableIPv6": True, "IPAM": {"Config": [{"Subnet": f"{PREFIX6}:2::/64"}]}}
    for version, has_ipv4 in (("1.47", True), ("1.48", False)):
        connection = UnixConnection(engine.socket)
        connection.request("POST", f"/v{version}/networks/create", json.dumps(body), {"Content-Type": "application/json"})
        assert connection.getresponse().status == 201
        assert api(engine, "GET", "/networks/old")[1]["EnableIPv4"] is has_ipv4
        engine.docker("network", "rm", "old")


def test_a_subnet_can_be_asked_for_by_its_size(engine):
    status, _ = api(engine, "POST", "/networks/create", {"Name": "sized", "EnableIPv6": True, "IPAM": {
        "Config": [{"Subnet": "0.0.0.0/27"}, {"Subnet": "::/112"}]}})
    assert status == 201
    four, six = (ipaddress.ip_network(one["Subnet"]) for one in api(engine, "GET", "/networks/sized")[1]["IPAM"]["Config"])
    assert four.prefixlen == 27 and four.subnet_of(ipaddress.ip_network(POOL))
    assert six.prefixlen == 112 and six.subnet_of(ipaddress.ip_network("fd00::/8"))
    status, body = api(engine, "POST", "/networks/create", {"Name": "big", "IPAM": {"Config": [{"Subnet": "0.0.0.0/8"}]}})
    assert status == 400 and body["message"] == "all predefined address pools have been fully subnetted"


def test_a_default_bridge_that_somebody_deleted_is_made_again(engine):
    bridge = api(engine, "GET", "/networks/bridge")[1]["Options"]["com.docker.network.bridge.name"]
    run(engine, "first")
    # Another wire is ready for the next one.
    deadline = time.monotonic() + 20
    while len(os.listdir(f"/sys/class/net/{bridge}/brif")) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    subprocess.run(["ip", "link", "del", bridge], check=True)
    run(engine, "second", "-p", "0:80")
    gateway = place(engine, "second", "bridge")["Gateway"]
    assert engine.docker("exec", "second", "ping", "-c", "1", "-W", "5", gateway).returncode == 0
