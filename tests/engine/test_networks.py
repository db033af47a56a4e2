# SPDX-License-Identifier: Apache-2.0
"""Networks of the user, as people and Compose use them: with either command line, and real packets between containers."""
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time

import pytest

from conftest import Hulld

SERVER = "mkdir -p /www && hostname > /www/index.html && exec httpd -f -p 80 -h /www"


@pytest.fixture(scope="module")
def engine(busybox):
    """An engine whose networks get subnets that no other engine on this machine uses."""
    hulld = Hulld()
    try:
        number = os.getpid() % 200
        hulld.pool = f"10.{20 + number // 16}.{number % 16 * 16}.0/20"
        hulld.start("--default-address-pool", f"base={hulld.pool},size=24")
        hulld.docker("import", busybox, "busybox")
        yield hulld
    finally:
        hulld.close()


@pytest.fixture(autouse=True)
def no_networks_left(engine):
    yield
    engine.remove_containers()
    engine.docker("network", "prune", "-f")
    names = engine.docker("network", "ls", "--format", "{{.Name}}").stdout.split()
    assert sorted(names) == ["bridge", "host", "none"]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def api(engine, method, path, body=None):
    connection = UnixConnection(engine.socket)
    headers = {"Content-Type": "application/json"} if body is not None else {}
    connection.request(method, "/v1.51" + path, json.dumps(body) if body is not None else None, headers)
    response = connection.getresponse()
    text = response.read().decode()
    return response.status, json.loads(text) if text.strip() else None


def inspect(engine, network):
    return json.loads(engine.docker("network", "inspect", network).stdout)[0]


def serve(cli, name, *options):
    cli("run", "-d", "--name", name, *options, "busybox", "sh", "-c", SERVER)


def fetch(cli, name, host, tries=20):
    """What a web server says to a container; None when it cannot be reached. (busybox's wget dies of the static libc.)"""
    host, _, port = host.partition(":")
    request = f"printf 'GET /index.html HTTP/1.0\\r\\n\\r\\n' | nc -w 2 {host} {port or 80}"
    for _ in range(tries):
        result = cli("exec", name, "sh", "-c", request, check=False)
        if result.returncode == 0 and "200 OK" in result.stdout:
            return result.stdout.splitlines()[-1]
        time.sleep(0.05)
    return None


def refused(cli, *command):
    result = cli(*command, check=False)
    assert result.returncode != 0, result.stdout
    return result.stderr.strip()


def test_a_network_has_a_bridge_and_a_subnet_of_its_own(cli):
    identity = cli("network", "create", "--label", "a=b", "net1").stdout.strip()
    assert len(identity) == 64
    assert os.path.isdir(f"/sys/class/net/br-{identity[:12]}/bridge")
    shape = inspect(cli.engine, "net1")
    assert shape["Id"] == identity and shape["Driver"] == "bridge" and shape["Scope"] == "local"
    assert shape["Labels"] == {"a": "b"} and shape["Options"] == {} and shape["Containers"] == {}
    assert shape["EnableIPv4"] is True and shape["EnableIPv6"] is False and shape["Internal"] is False
    (pool,) = shape["IPAM"]["Config"]
    assert pool["Gateway"].endswith(".1") and pool["Subnet"].endswith(".0/24")
    second = cli("network", "create", "net2").stdout.strip()
    assert inspect(cli.engine, "net2")["IPAM"]["Config"][0]["Subnet"] != pool["Subnet"]
    rows = cli("network", "ls", "--filter", "driver=bridge", "--format", "{{.Name}} {{.ID}}").stdout.splitlines()
    assert rows == ["bridge " + inspect(cli.engine, "bridge")["Id"][:12], f"net1 {identity[:12]}", f"net2 {second[:12]}"]
    assert cli("network", "rm", "net1", second[:12]).stdout.split() == ["net1", second[:12]]
    assert not os.path.exists(f"/sys/class/net/br-{identity[:12]}")


def test_containers_of_a_network_find_each_other_by_name(cli):
    cli("network", "create", "net1")
    serve(cli, "web", "--network", "net1", "--network-alias", "www")
    cli("run", "-d", "--name", "client", "--network", "net1", "busybox", "sleep", "100")
    hostname = cli("inspect", "--format", "{{.Config.Hostname}}", "web").stdout.strip()
    for name in ("web", "www", hostname, "web.net1"):
        assert fetch(cli, "client", name) == hostname, name
    containers = inspect(cli.engine, "net1")["Containers"]
    assert {c["Name"] for c in containers.values()} == {"web", "client"}
    assert all(c["IPv4Address"].endswith("/24") and c["MacAddress"] and c["EndpointID"] for c in containers.values())


def test_networks_are_isolated_from_each_other(cli):
    cli("network", "create", "net1")
    cli("network", "create", "net2")
    serve(cli, "web", "--network", "net1", "-p", "0:80")
    cli("run", "-d", "--name", "stranger", "--network", "net2", "busybox", "sleep", "100")
    address = cli.engine.inspect("web", "{{.NetworkSettings.Networks.net1.IPAddress}}")
    assert fetch(cli, "stranger", address, tries=1) is None
    assert fetch(cli, "stranger", "web", tries=1) is None
    port = cli("port", "web", "80/tcp").stdout.split(":")[-1].strip()
    gateway = inspect(cli.engine, "net2")["IPAM"]["Config"][0]["Gateway"]
    assert fetch(cli, "stranger", f"{gateway}:{port}"), "what is published is reachable through the host"


def test_connect_and_disconnect_while_it_runs(cli):
    for name in ("net1", "net2"):
        cli("network", "create", name)
    serve(cli, "web", "--network", "net1")
    cli("run", "-d", "--name", "client", "--network", "net2", "busybox", "sleep", "100")
    assert fetch(cli, "client", "web", tries=1) is None
    cli("network", "connect", "--alias", "other", "net2", "web")
    assert fetch(cli, "client", "other")
    assert "eth1" in cli("exec", "web", "ls", "/sys/class/net").stdout.split()
    address = cli.engine.inspect("web", "{{.NetworkSettings.Networks.net2.IPAddress}}")
    assert address in cli("exec", "web", "cat", "/etc/hosts").stdout
    message = refused(cli, "network", "connect", "net2", "web")
    assert "endpoint with name web already exists in network net2" in message
    cli("network", "disconnect", "net2", "web")
    assert "eth1" not in cli("exec", "web", "ls", "/sys/class/net").stdout.split()
    assert address not in cli("exec", "web", "cat", "/etc/hosts").stdout
    assert fetch(cli, "client", "other", tries=1) is None
    assert "is not connected to network net2" in refused(cli, "network", "disconnect", "net2", "web")


def test_published_ports_and_default_route_follow_the_gateway(cli):
    for name in ("b-net", "a-net"):
        cli("network", "create", name)
    serve(cli, "web", "--network", "b-net", "-p", "0:80")
    port = cli("port", "web", "80/tcp").stdout.split(":")[-1].strip()
    route = lambda: [line for line in cli("exec", "web", "ip", "route").stdout.splitlines() if "default" in line][0]
    assert "eth0" in route()
    cli("network", "connect", "a-net", "web")
    assert "eth1" in route(), "the smaller name gives the gateway"
    assert cli("port", "web", "80/tcp").stdout.split(":")[-1].strip() == port
    def get():
        with socket.create_connection(("127.0.0.1", int(port)), 2) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return connection.recv(100)
    assert b"200 OK" in get()
    cli("network", "disconnect", "a-net", "web")
    assert "eth0" in route() and b"200 OK" in get()
    cli("network", "connect", "--gw-priority", "-1", "a-net", "web")
    assert "eth0" in route()


def test_several_networks_at_create_and_a_stopped_one_connected(cli):
    for name in ("net1", "net2", "net3"):
        cli("network", "create", name)
    cli("create", "--name", "many", "--network", "net1", "--network", "name=net2,alias=x", "busybox", "sleep", "100")
    cli("network", "connect", "net3", "many")
    assert inspect(cli.engine, "net3")["Containers"] == {}
    cli("start", "many")
    assert cli("exec", "many", "ls", "/sys/class/net").stdout.split() == ["eth0", "eth1", "eth2", "lo"]
    assert cli.engine.inspect("many", "{{len .NetworkSettings.Networks}}") == "3"
    names = json.loads(cli.engine.inspect("many", "{{json .NetworkSettings.Networks.net2.DNSNames}}"))
    assert names[:2] == ["many", "x"] and len(names[2]) == 12


def test_networks_that_are_named_take_the_place_of_the_default_one(engine):
    for name in ("net1", "net2"):
        engine.docker("network", "create", name)
    body = {"Image": "busybox", "Cmd": ["sleep", "100"], "NetworkingConfig": {"EndpointsConfig": {"net1": {}, "net2": {}}}}
    status, made = api(engine, "POST", "/containers/create?name=box", body)
    assert status == 201, made
    engine.docker("start", "box")
    assert engine.inspect("box", "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}").split() == ["net1", "net2"]
    assert engine.docker("exec", "box", "ls", "/sys/class/net").stdout.split() == ["eth0", "eth1", "lo"]
    assert engine.inspect("box", "{{.HostConfig.NetworkMode}}") == "bridge"


def test_addresses_can_be_chosen_in_a_subnet_that_was(cli):
    base = ".".join(cli.engine.pool.split(".")[:2]) + ".250"
    cli("network", "create", "--subnet", f"{base}.0/24", "--ip-range", f"{base}.128/25", "--gateway", f"{base}.254",
        "--aux-address", f"router={base}.128", "net1")
    (pool,) = inspect(cli.engine, "net1")["IPAM"]["Config"]
    assert pool == {"Subnet": f"{base}.0/24", "IPRange": f"{base}.128/25", "Gateway": f"{base}.254",
                    "AuxiliaryAddresses": {"router": f"{base}.128"}}
    cli("run", "-d", "--name", "one", "--network", "net1", "--ip", f"{base}.9", "--mac-address", "02:42:aa:bb:cc:dd",
        "busybox", "sleep", "100")
    cli("run", "-d", "--name", "two", "--network", "net1", "busybox", "sleep", "100")
    shown = "{{.NetworkSettings.Networks.net1.IPAddress}} {{.NetworkSettings.Networks.net1.MacAddress}}"
    assert cli.engine.inspect("one", shown) == f"{base}.9 02:42:aa:bb:cc:dd"
    assert cli.engine.inspect("two", shown).startswith(f"{base}.129 ")
    assert "02:42:aa:bb:cc:dd" in cli("exec", "one", "ip", "link", "show", "eth0").stdout
    message = refused(cli, "run", "--rm", "--network", "net1", "--ip", f"{base}.9", "busybox", "true")
    assert "Address already in use" in message
    cli("restart", "-t", "0", "one")
    assert cli.engine.inspect("one", shown) == f"{base}.9 02:42:aa:bb:cc:dd"
    message = refused(cli, "run", "--rm", "--network", "net1", "--ip", "203.0.113.1", "busybox", "true")
    assert "no configured subnet contains IP address 203.0.113.1" in message


def test_internal_networks_have_no_way_out(cli):
    cli("network", "create", "--internal", "net1")
    serve(cli, "web", "--network", "net1")
    cli("run", "-d", "--name", "client", "--network", "net1", "busybox", "sleep", "100")
    assert fetch(cli, "client", "web")
    assert "default" not in cli("exec", "client", "ip", "route").stdout
    assert cli.engine.inspect("web", "{{.NetworkSettings.Networks.net1.Gateway}}") == ""


def test_without_icc_containers_do_not_reach_each_other(cli):
    cli("network", "create", "-o", "com.docker.network.bridge.enable_icc=false", "net1")
    serve(cli, "web", "--network", "net1")
    cli("run", "-d", "--name", "client", "--network", "net1", "busybox", "sleep", "100")
    assert fetch(cli, "client", "web", tries=1) is None
    gateway = inspect(cli.engine, "net1")["IPAM"]["Config"][0]["Gateway"]
    assert cli("exec", "client", "ping", "-c", "1", "-W", "2", gateway).returncode == 0


def test_options_name_and_mtu(cli):
    name = f"hx{os.getpid() % 10000}"
    cli("network", "create", "-o", f"com.docker.network.bridge.name={name}", "-o", "com.docker.network.driver.mtu=1400",
        "net1")
    assert open(f"/sys/class/net/{name}/mtu").read().strip() == "1400"
    assert cli("run", "--rm", "--network", "net1", "busybox", "cat", "/sys/class/net/eth0/mtu").stdout.strip() == "1400"


@pytest.mark.parametrize("arguments, message", [
    (["create", "bridge"], "operation is not permitted on predefined bridge network"),
    (["create", "-d", "host", "x"], 'only one instance of "host" network is allowed'),
    (["create", "-d", "nothing", "x"], "could not find plugin nothing"),
    (["create", "--subnet", "10.0.0.1/24", "x"], "invalid subnet 10.0.0.1/24: it should be 10.0.0.0/24"),
    (["create", "-o", "com.docker.network.driver.mtu=many", "x"], "com.docker.network.driver.mtu"),
    (["rm", "bridge"], "bridge is a pre-defined network and cannot be removed"),
    (["rm", "nothing"], "network nothing not found"),
    (["connect", "nothing", "x"], "network nothing not found"),
])
def test_what_is_refused_and_how(cli, arguments, message):
    assert message in refused(cli, "network", *arguments)


def test_errors_have_dockers_status(engine):
    assert api(engine, "POST", "/networks/create", {"Name": "net1"})[0] == 201
    assert api(engine, "POST", "/networks/create", {"Name": "net1"}) == (
        409, {"message": "network with name net1 already exists"})
    subnet = inspect(engine, "net1")["IPAM"]["Config"][0]["Subnet"]
    status, body = api(engine, "POST", "/networks/create", {"Name": "net2", "IPAM": {"Config": [{"Subnet": subnet}]}})
    assert status == 403 and "Pool overlaps with other one on this address space" in body["message"]
    status, body = api(engine, "POST", "/networks/create", {"Name": "net2", "IPAM": {"Config": [
        {"Subnet": "10.0.0.1/24", "Gateway": "10.0.9.1", "IPRange": "10.0.0.0/16"}]}})
    assert status == 400 and body["message"].startswith("invalid network config:\n")
    assert len(body["message"].splitlines()) >= 4, body
    engine.docker("run", "-d", "--name", "user", "--network", "net1", "busybox", "sleep", "100")
    status, body = api(engine, "DELETE", "/networks/net1")
    assert status == 403
    assert body["message"].startswith('error while removing network: network net1 has active endpoints (name:"user" id:')
    engine.docker("run", "-d", "--name", "hosted", "--network", "host", "busybox", "sleep", "100")
    assert api(engine, "POST", "/networks/net1/connect", {"Container": "hosted"})[0] == 400
    status, body = api(engine, "POST", "/containers/create", {
        "Image": "busybox", "Cmd": ["true"], "NetworkingConfig": {"EndpointsConfig": {
            "bridge": {"Aliases": ["x"], "IPAMConfig": {"IPv4Address": "10.9.9.9"}}}}})
    assert status == 400
    assert "user-specified IP address is supported on user-defined networks only" in body["message"]
    assert "network-scoped aliases are only supported for user-defined networks" in body["message"]


def test_a_network_that_is_gone_fails_at_the_start(cli):
    cli("network", "create", "net1")
    cli("create", "--name", "late", "--network", "net1", "busybox", "true")
    cli("network", "rm", "net1")
    assert "network net1 not found" in refused(cli, "start", "late")
    cli("network", "create", "net1")
    cli("start", "late")
    # Without it, it can be on another one.
    cli("wait", "late")
    cli("network", "rm", "net1")
    cli("network", "create", "net2")
    cli("network", "connect", "net2", "late")
    cli("network", "disconnect", "-f", "net1", "late")
    cli("start", "late")
    assert "network net1 not found" in refused(cli, "network", "disconnect", "-f", "net1", "late")


def test_filters_and_prune(cli):
    cli("network", "create", "--label", "keep", "used")
    cli("network", "create", "--label", "group=x", "idle")
    cli("run", "-d", "--name", "user", "--network", "used", "busybox", "sleep", "100")
    names = lambda *filters: cli("network", "ls", "--format", "{{.Name}}", *filters).stdout.split()
    assert names("--filter", "dangling=true") == ["idle"]
    assert names("--filter", "type=custom") == ["idle", "used"]
    assert names("--filter", "type=builtin") == ["bridge", "host", "none"]
    assert names("--filter", "label=group=x") == ["idle"]
    assert names("--filter", "name=us") == ["used"]
    assert "idle" in cli("network", "prune", "-f").stdout
    assert names("--filter", "type=custom") == ["used"]


def test_events_tell_who_comes_and_goes(engine):
    since = str(time.time())
    engine.docker("network", "create", "net1")
    engine.docker("run", "--rm", "--name", "short", "--network", "net1", "busybox", "true")
    engine.docker("network", "rm", "net1")
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        lines = engine.docker("events", "--since", since, "--until", str(time.time()), "--filter", "type=network",
                              "--format", "{{.Action}} {{.Actor.Attributes.name}}").stdout.splitlines()
        if len(lines) == 4:
            break
    assert sorted(lines) == ["connect net1", "create net1", "destroy net1", "disconnect net1"]


def test_networks_survive_the_death_of_the_engine(engine):
    engine.docker("network", "create", "net1")
    run = lambda *arguments, **options: engine.run("docker", *arguments, **options)
    serve(run, "web", "--network", "net1", "-p", "0:80")
    engine.docker("run", "-d", "--name", "client", "--network", "net1", "busybox", "sleep", "100")
    before = inspect(engine, "net1")
    address = engine.inspect("web", "{{.NetworkSettings.Networks.net1.IPAddress}}")
    assert fetch(run, "client", "web")
    engine.crash()
    engine.start()
    after = inspect(engine, "net1")
    assert after == before
    begin = time.monotonic()
    assert fetch(run, "client", "web"), "names are answered again"
    assert time.monotonic() - begin < 2
    engine.docker("run", "-d", "--name", "third", "--network", "net1", "busybox", "sleep", "100")
    assert engine.inspect("third", "{{.NetworkSettings.Networks.net1.IPAddress}}") != address
    assert fetch(run, "third", "web")
    engine.docker("network", "connect", "bridge", "third")


def test_a_create_that_is_cut_off_leaves_all_or_nothing(engine):
    for _ in range(3):
        worker = threading.Thread(target=lambda: engine.docker("network", "create", "cut", check=False))
        worker.start()
        time.sleep(0.02)
        engine.crash()
        worker.join()
        engine.start()
        present = "cut" in engine.docker("network", "ls", "--format", "{{.Name}}").stdout.split()
        if present:
            engine.docker("run", "--rm", "--network", "cut", "busybox", "true")
            engine.docker("network", "rm", "cut")


def test_links_on_a_network_of_the_user_are_names(cli):
    cli("network", "create", "net1")
    serve(cli, "web", "--network", "net1")
    cli("run", "-d", "--name", "client", "--network", "net1", "--link", "web:backend", "busybox", "sleep", "100")
    assert fetch(cli, "client", "backend")


def test_two_containers_with_one_alias_share_the_work(cli):
    cli("network", "create", "net1")
    for number in range(2):
        serve(cli, f"web{number}", "--network", "net1", "--network-alias", "pool")
    cli("run", "-d", "--name", "client", "--network", "net1", "busybox", "sleep", "100")
    assert len({fetch(cli, "client", "pool") for _ in range(20)} - {None}) == 2


ECHO = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 7))
print("ready", flush=True)
while True:
    data, peer = s.recvfrom(100)
    s.sendto(b"%s", peer)
"""


def echo_server(engine, container, word):
    pid = engine.inspect(container, "{{.State.Pid}}")
    process = subprocess.Popen(["nsenter", "-n", "-t", pid, sys.executable, "-c", ECHO % word], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    return process


def test_a_udp_client_that_goes_on_reaches_the_new_owner_of_the_port(engine):
    engine.docker("network", "create", "net1")
    gateway = inspect(engine, "net1")["IPAM"]["Config"][0]["Gateway"]
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(3)
    port = 20000 + os.getpid() % 10000
    for word, options in (("first", []), ("second", ["--network", "net1"])):
        engine.docker("run", "-d", "--name", word, "-p", f"{port}:7/udp", *options, "busybox", "sleep", "100")
        server = echo_server(engine, word, word)
        client.sendto(b"hello", (gateway, port))
        assert client.recv(100) == word.encode()
        server.kill()
        server.wait()
        engine.docker("rm", "-f", word)


def test_a_network_can_take_its_configuration_from_another_one(engine):
    base = ".".join(engine.pool.split(".")[:2]) + ".249"
    engine.docker("network", "create", "--config-only", "--subnet", f"{base}.0/24", "--label", "x=y", "-o",
                  "com.docker.network.driver.mtu=1300", "config")
    shape = inspect(engine, "config")
    assert shape["ConfigOnly"] is True and shape["Driver"] == "null"
    refusal = engine.docker("network", "create", "--config-from", "config", "--internal", "net1", check=False)
    assert "user-specified configurations are not supported" in refusal.stderr
    assert "not found" in engine.docker("network", "create", "--config-from", "nothing", "net1", check=False).stderr
    engine.docker("network", "create", "--config-from", "config", "net1")
    shape = inspect(engine, "net1")
    assert shape["ConfigFrom"] == {"Network": "config"} and shape["IPAM"]["Config"][0]["Subnet"] == f"{base}.0/24"
    assert engine.docker("run", "--rm", "--network", "net1", "busybox", "cat", "/sys/class/net/eth0/mtu").stdout == "1300\n"
    assert "is a configuration network" in engine.docker("run", "--rm", "--network", "config", "busybox", "true", check=False).stderr
    assert "is in use by the network net1" in engine.docker("network", "rm", "config", check=False).stderr
    engine.docker("network", "rm", "net1")
    engine.docker("network", "rm", "config")


def test_driver_options_of_an_endpoint(cli):
    cli("network", "create", "net1")
    cli("network", "create", "net2")
    option = "com.docker.network.endpoint"
    cli("run", "-d", "--name", "one", "--network",
        f"name=net1,driver-opt={option}.ifname=wan0,\"driver-opt={option}.sysctls=net.ipv4.conf.IFNAME.log_martians=1,"
        "net.ipv4.conf.IFNAME.forwarding=0\"", "busybox", "sleep", "100")
    setting = lambda name: cli("exec", "one", "cat", f"/proc/sys/net/ipv4/conf/{name}").stdout.strip()
    assert setting("wan0/log_martians") == "1" and setting("wan0/forwarding") == "0"
    cli("network", "connect", "--driver-opt", f"{option}.sysctls=net.ipv4.conf.IFNAME.log_martians=1", "net2", "one")
    assert setting("eth0/log_martians") == "1" and setting("default/log_martians") == "0"
    # Names that are asked for are kept free of those that are not; one that is taken is refused, and stays.
    cli("network", "create", "net3")
    cli("run", "-d", "--name", "two", "--network", "net1", "--network", f"name=net2,driver-opt={option}.ifname=eth0",
        "busybox", "sleep", "100")
    assert cli("exec", "two", "ls", "/sys/class/net").stdout.split() == ["eth0", "eth1", "lo"]
    assert "the network net2 has it" in refused(cli, "network", "connect", "--driver-opt", f"{option}.ifname=eth0", "net3", "two")
    assert cli("exec", "two", "ls", "/sys/class/net").stdout.split() == ["eth0", "eth1", "lo"]
    for wrong in ("net.ipv4.ip_forward=1", "net.ipv4.conf.all.x.y=1"):
        assert "invalid endpoint sysctl" in refused(cli, "run", "--rm", "--network",
                                                    f"name=net1,driver-opt={option}.sysctls={wrong}", "busybox", "true")


@pytest.fixture
def wire():
    """A wire with another machine at its end, and that machine's address."""
    name = f"htl{os.getpid() % 100000}"
    ip = lambda *words, **options: subprocess.run(["ip", *words], **{"check": True, **options})
    ip("netns", "add", name)
    ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
    ip("link", "set", name, "up")
    ip("-n", name, "addr", "add", "192.0.2.1/24", "dev", "eth0")
    ip("-n", name, "link", "set", "eth0", "up")
    yield name
    ip("netns", "del", name)
    ip("link", "del", name, check=False, capture_output=True)


def reaches(cli, container, address):
    return cli("exec", container, "ping", "-c", "1", "-W", "2", address, check=False).returncode == 0


@pytest.mark.parametrize("mode, neighbours", [("bridge", True), ("private", False), ("vepa", False)])
def test_macvlan(cli, wire, mode, neighbours):
    cli("network", "create", "-d", "macvlan", "-o", f"parent={wire}", "-o", f"macvlan_mode={mode}", "--subnet", "192.0.2.0/24",
        "--gateway", "192.0.2.1", "--ip-range", "192.0.2.64/26", "net1")
    for name in ("one", "two"):
        cli("run", "-d", "--name", name, "--network", "net1", "-p", "127.0.0.1::80", "busybox", "sleep", "1000")
    assert reaches(cli, "one", "192.0.2.1")
    two = cli.engine.inspect("two", "{{.NetworkSettings.Networks.net1.IPAddress}}")
    assert two.startswith("192.0.2.6") and reaches(cli, "one", two) == neighbours
    assert "default via 192.0.2.1" in cli("exec", "one", "ip", "route").stdout
    assert cli("port", "one").stdout == "", "the host is not in between"
    assert "two" in cli("exec", "one", "nslookup", "two").stdout
    message = refused(cli, "network", "create", "-d", "macvlan", "-o", f"parent={wire}", "net2")
    assert f"network net1 is already using parent interface {wire}" in message
    cli("run", "-d", "--name", "later", "busybox", "sleep", "1000")
    cli("network", "connect", "--ip", "192.0.2.77", "net1", "later")
    assert "192.0.2.77/24" in cli("exec", "later", "ip", "addr", "show", "eth1").stdout and reaches(cli, "later", "192.0.2.1")
    cli.engine.crash()
    cli.engine.start()
    assert reaches(cli, "one", "192.0.2.1")
    cli("network", "disconnect", "net1", "later")
    assert "eth1" not in cli("exec", "later", "ls", "/sys/class/net").stdout
    cli.engine.remove_containers()
    cli("network", "rm", "net1")
    assert os.path.exists(f"/sys/class/net/{wire}"), "what was there before stays"


@pytest.mark.parametrize("options, message", [
    (["-o", "macvlan_mode=wild"], 'requested macvlan_mode "wild" is not valid: use bridge, private, vepa, passthru'),
    (["-o", "parent=nothere0"], 'the parent "nothere0" of the network net1 is no interface of this host'),
    (["-o", "parent=nothere0.50"], "neither"),
    (["-o", "parent=lo"], "loopback interface is not a valid macvlan parent link"),
])
def test_macvlan_that_cannot_be(engine, options, message):
    assert message in engine.docker("network", "create", "-d", "macvlan", *options, "net1", check=False).stderr
