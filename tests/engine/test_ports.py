# SPDX-License-Identifier: Apache-2.0
"""Published ports: every form, both families, from the host, from containers and from another machine (a network
namespace behind a wire of its own)."""
import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import time

import pytest

from conftest import SLOT, Hulld

POOL = f"10.{60 + SLOT % 40}.240.0/20"
HOST, PEER = f"10.{60 + SLOT % 40}.239.1", f"10.{60 + SLOT % 40}.239.2"
HOST6, PEER6 = f"fd00:{SLOT + 1:x}:239::1", f"fd00:{SLOT + 1:x}:239::2"
OWN_LOOPBACK = f"127.0.{SLOT + 1}.1"  # nobody else's test publishes there


@pytest.fixture(scope="module")
def engine(busybox):
    hulld = Hulld()
    try:
        hulld.start("--default-address-pool", f"base={POOL},size=24")
        hulld.docker("import", busybox, "busybox")
        yield hulld
    finally:
        hulld.close()


@pytest.fixture(autouse=True)
def nothing_left(engine):
    yield
    engine.remove_containers()
    engine.docker("network", "prune", "-f")


class Peer:
    """Another machine on a network with this one."""

    def __init__(self):
        self.name, self.wire = f"htpeer{SLOT}", f"htw{SLOT}"
        self.close()
        ip = lambda *words: subprocess.run(["ip", *words], check=True)
        ip("netns", "add", self.name)
        ip("link", "add", self.wire, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        ip("addr", "add", f"{HOST}/24", "dev", self.wire)
        ip("addr", "add", f"{HOST6}/64", "dev", self.wire, "nodad")
        ip("link", "set", self.wire, "up")
        for words in (["addr", "add", f"{PEER}/24", "dev", "eth0"], ["addr", "add", f"{PEER6}/64", "dev", "eth0", "nodad"],
                      ["link", "set", "lo", "up"], ["link", "set", "eth0", "up"], ["route", "add", "default", "via", HOST],
                      ["-6", "route", "add", "default", "via", HOST6]):
            ip("-n", self.name, *words)

    def python(self, text, *arguments):
        return subprocess.run(["ip", "netns", "exec", self.name, sys.executable, "-c", text, *map(str, arguments)],
                              capture_output=True, text=True, timeout=20)

    def tcp(self, host, port, patience=5):
        """What a server there says, "" when it cannot be reached."""
        return self.python("import socket,sys\n"
                           "s = socket.create_connection((sys.argv[1], int(sys.argv[2])), int(sys.argv[3]))\n"
                           "print(s.recv(100).decode())", host, port, patience).stdout.strip()

    def close(self):
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True)
        subprocess.run(["ip", "link", "del", self.wire], capture_output=True)


@pytest.fixture
def peer():
    machine = Peer()
    yield machine
    machine.close()


# Tells each client who it is, over TCP and UDP and both families.
SERVER = """
import socket, sys, threading
def tcp(s):
    while True:
        c, a = s.accept()
        c.sendall(a[0].encode()); c.close()
def udp(s):
    while True:
        d, a = s.recvfrom(100)
        s.sendto(a[0].encode() + b' ' + str(s.getsockname()[1]).encode(), a)
for port in map(int, sys.argv[1:]):
    for family in (socket.AF_INET, socket.AF_INET6):
        for kind, serve in ((socket.SOCK_STREAM, tcp), (socket.SOCK_DGRAM, udp)):
            s = socket.socket(family, kind)
            if family == socket.AF_INET6: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(('::' if family == socket.AF_INET6 else '0.0.0.0', port))
            if kind == socket.SOCK_STREAM: s.listen()
            threading.Thread(target=serve, args=(s,), daemon=True).start()
print('ready', flush=True)
threading.Event().wait()
"""


@contextlib.contextmanager
def servers(engine, container, *ports):
    """Servers in the namespace of a container."""
    pid = engine.inspect(container, "{{.State.Pid}}")
    process = subprocess.Popen(["nsenter", "-n", "-t", pid, sys.executable, "-c", SERVER, *map(str, ports)],
                               stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"ready\n"
        yield
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def serve(engine):
    """Starts servers in the namespace of a container: serve(container, port, …)."""
    with contextlib.ExitStack() as running:
        yield lambda container, *ports: running.enter_context(servers(engine, container, *ports))


def box(engine, name, *options):
    engine.docker("run", "-d", "--name", name, *options, "busybox", "sleep", "1000")


def tcp(host, port):
    try:
        with socket.create_connection((host, port), 2) as connection:
            return connection.recv(100).decode()
    except OSError:
        return ""


def udp(host, port):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(2)
        client.sendto(b"?", (host, port))
        try:
            return client.recv(100).decode()
        except OSError:
            return ""


def port_of(engine, container, inside):
    return int(engine.docker("port", container, inside).stdout.splitlines()[0].rsplit(":", 1)[1])


def test_a_range_of_5001_ports_is_published_in_one_go(cli, serve):
    begin = time.monotonic()
    cli("run", "-d", "--name", "range", "-p", f"{OWN_LOOPBACK}:5000-10000:5000-10000/udp", "busybox", "sleep", "1000")
    print(f"run with 5001 ports: {time.monotonic() - begin:.3f} s")
    serve("range", 5000, 7777, 10000)
    for port in (5000, 7777, 10000):
        assert udp(OWN_LOOPBACK, port).endswith(f" {port}")
    assert len(cli("port", "range").stdout.splitlines()) == 5001
    assert f"{OWN_LOOPBACK}:5000-10000->5000-10000/udp" in cli("ps").stdout
    table = cli.engine.firewall_table
    elements = lambda: subprocess.run(["nft", "list", "map", "ip", table, "published_ranges"], capture_output=True,
                                      text=True).stdout
    assert f"{OWN_LOOPBACK} . udp . 5000-10000 : " in elements() and elements().count("udp") == 1
    cli.engine.crash()
    cli.engine.start()
    assert udp(OWN_LOOPBACK, 9999) == "" and udp(OWN_LOOPBACK, 7777).endswith(" 7777")
    cli("rm", "-f", "range")
    assert "udp" not in elements()


def test_ranges_that_change_their_numbers_and_short_ones(engine, serve):
    box(engine, "shifted", "-p", f"{OWN_LOOPBACK}:6200-6299:7200-7299", "-p", f"{OWN_LOOPBACK}:6300-6303:6300-6303", "-p",
        f"{OWN_LOOPBACK}:6320-6349:6320-6349/udp", "-p", f"{OWN_LOOPBACK}:6350:80/udp")
    serve("shifted", 7200, 7299, 6300, 6303, 6320, 6349, 80)
    for outside in (6200, 6299, 6300, 6303):
        assert tcp(OWN_LOOPBACK, outside), outside
    assert udp(OWN_LOOPBACK, 6320).endswith(" 6320") and udp(OWN_LOOPBACK, 6349).endswith(" 6349")
    assert udp(OWN_LOOPBACK, 6350).endswith(" 80") and not tcp(OWN_LOOPBACK, 6325)
    engine.docker("network", "create", "--ipv6", "six")
    box(engine, "both", "--network", "six", "-p", "127.0.0.1:6400-6430:6400-6430", "-p", "[::1]:6400-6430:6400-6430")
    serve("both", 6400, 6430)
    assert tcp("::1", 6400) and tcp("::1", 6430) and tcp("127.0.0.1", 6430)


def test_forms_of_publish(cli, serve):
    cli("run", "-d", "--name", "one", "-p", f"{OWN_LOOPBACK}:6000-6002:80-82", "-p", f"{OWN_LOOPBACK}::90", "-p",
        f"{OWN_LOOPBACK}:6010-6019:91", "busybox", "sleep", "1000")
    cli("run", "-d", "--name", "two", "-p", f"{OWN_LOOPBACK}:6010-6019:91", "busybox", "sleep", "1000")
    serve("one", 80, 82, 90, 91)
    assert tcp(OWN_LOOPBACK, 6000) and tcp(OWN_LOOPBACK, 6002) and not tcp("127.0.0.1", 6000)
    shown = {line.split(" -> ")[0]: line.split(" -> ")[1] for line in cli("port", "one").stdout.splitlines()}
    assert shown["81/tcp"] == f"{OWN_LOOPBACK}:6001" and shown["91/tcp"] == f"{OWN_LOOPBACK}:6010"
    low, high = map(int, open("/proc/sys/net/ipv4/ip_local_port_range").read().split())
    ephemeral = int(shown["90/tcp"].rsplit(":", 1)[1])
    assert low <= ephemeral <= high and tcp(OWN_LOOPBACK, ephemeral)
    assert cli("port", "two", "91").stdout.strip() == f"{OWN_LOOPBACK}:6011", "the first that is free"


def test_publish_all_takes_ports_of_the_hosts_range(cli, serve):
    cli("run", "-d", "--name", "all", "--expose", "80", "--expose", "81/udp", "--expose", "82/sctp", "-P", "busybox",
        "sleep", "1000")
    ports = json.loads(cli.engine.inspect("all", "{{json .NetworkSettings.Ports}}"))
    assert sorted(ports) == ["80/tcp", "81/udp", "82/sctp"]
    low, high = map(int, open("/proc/sys/net/ipv4/ip_local_port_range").read().split())
    assert all(low <= int(p["HostPort"]) <= high for bound in ports.values() for p in bound)
    serve("all", 80, 81)
    assert tcp("127.0.0.1", int(ports["80/tcp"][0]["HostPort"]))
    assert udp("127.0.0.1", int(ports["81/udp"][0]["HostPort"]))


def test_conflicts_say_who_has_the_port(cli):
    cli("run", "-d", "--name", "first", "-p", f"{OWN_LOOPBACK}:6100:80", "busybox", "sleep", "1000")
    failed = cli("run", "--name", "second", "-p", f"{OWN_LOOPBACK}:6100:80", "busybox", "true", check=False)
    assert failed.returncode == 125
    assert f"Bind for {OWN_LOOPBACK}:6100 failed: port is already allocated (by the container first)" in failed.stderr
    assert cli.engine.inspect("second", "{{.State.Status}}") == "created"
    with socket.create_server((OWN_LOOPBACK, 6101)):
        failed = cli("run", "--rm", "-p", f"{OWN_LOOPBACK}:6101:80", "busybox", "true", check=False)
    assert f"failed to bind host port for {OWN_LOOPBACK}:6101:" in failed.stderr
    assert f"address already in use (by " in failed.stderr and f"(process {os.getpid()})" in failed.stderr
    # Nothing is kept of a start that failed half-way.
    failed = cli("run", "--rm", "-p", f"{OWN_LOOPBACK}:6102:80", "-p", f"{OWN_LOOPBACK}:6100:81", "busybox", "true", check=False)
    assert failed.returncode == 125
    cli("run", "--rm", "-p", f"{OWN_LOOPBACK}:6102:80", "busybox", "true")


def test_both_loopbacks_of_the_host(engine, serve):
    engine.docker("network", "create", "--ipv6", "six")
    box(engine, "both", "--network", "six", "-p", "0:80", "-p", "0:81/udp", "-p", "[::1]:0:82")
    serve("both", 80, 81, 82)
    port, datagrams, hidden = (port_of(engine, "both", inside) for inside in ("80", "81/udp", "82"))
    assert tcp("127.0.0.1", port) and tcp("::1", port)
    assert udp("127.0.0.1", datagrams) and udp("::1", datagrams)
    assert tcp("::1", hidden) and not tcp("127.0.0.1", hidden)
    # What listens at ::1 itself is not disturbed.
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        with socket.create_connection(server.getsockname()[:2], 2):
            assert server.accept()[1][0] == "::1"


def test_clients_outside_are_seen_with_their_own_address(engine, peer, serve):
    engine.docker("network", "create", "--ipv6", "six")
    box(engine, "web", "--network", "six", "-p", "0:80", "-p", f"{HOST}:0:81", "-p", f"{OWN_LOOPBACK}:0:82")
    serve("web", 80, 81, 82)
    port, chosen, hidden = (port_of(engine, "web", inside) for inside in ("80", "81", "82"))
    assert peer.tcp(HOST, port) == PEER and peer.tcp(HOST6, port) == PEER6
    assert peer.tcp(HOST, chosen) == PEER and not tcp("127.0.0.1", chosen)
    assert peer.tcp(HOST, hidden, 1) == ""
    address = engine.inspect("web", "{{.NetworkSettings.Networks.six.IPAddress}}")
    assert peer.tcp(address, 80, 1) == "", "past the translation nothing comes in"


def crc32c(data):
    value = 0xffffffff
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82f63b78 if value & 1 else 0)
    return value ^ 0xffffffff


def test_sctp_is_translated(engine, peer):
    box(engine, "phone", "-p", "0:5060/sctp")
    port = port_of(engine, "phone", "5060/sctp")
    pid = engine.inspect("phone", "{{.State.Pid}}")
    listen = ("import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_RAW, 132)\ns.settimeout(10)\nprint('ready', flush=True)\n"
              "p, a = s.recvfrom(2000)\nprint(a[0], int.from_bytes(p[22:24], 'big'), flush=True)")
    inside = subprocess.Popen(["nsenter", "-n", "-t", pid, sys.executable, "-c", listen], stdout=subprocess.PIPE, text=True)
    assert inside.stdout.readline() == "ready\n"
    # An INIT chunk (RFC 9260): tag 1, window 65535, one stream each way, first number 1.
    chunk = struct.pack("!BBHIIHHI", 1, 0, 20, 1, 65535, 1, 1, 1)
    packet = struct.pack("!HHII", 4444, port, 0, 0) + chunk
    packet = packet[:8] + struct.pack("<I", crc32c(packet)) + packet[12:]
    peer.python("import socket,sys\ns = socket.socket(socket.AF_INET, socket.SOCK_RAW, 132)\n"
                "s.sendto(bytes.fromhex(sys.argv[2]), (sys.argv[1], 0))", HOST, packet.hex())
    assert inside.communicate(timeout=15)[0] == f"{PEER} 5060\n"


def test_routed_networks_have_no_translation(engine, peer, serve):
    engine.docker("network", "create", "--ipv6", "-o", "com.docker.network.bridge.gateway_mode_ipv4=routed", "-o",
                  "com.docker.network.bridge.gateway_mode_ipv6=routed", "open")
    box(engine, "web", "--network", "open", "-p", "0:80")
    serve("web", 80, 81)
    assert json.loads(engine.inspect("web", '{{json (index .NetworkSettings.Ports "80/tcp")}}')) == [
        {"HostIp": "0.0.0.0", "HostPort": ""}, {"HostIp": "::", "HostPort": ""}]
    for family in ("IPAddress", "GlobalIPv6Address"):
        address = engine.inspect("web", f"{{{{.NetworkSettings.Networks.open.{family}}}}}")
        assert peer.tcp(address, 80) == (PEER6 if ":" in address else PEER)
        assert peer.tcp(address, 81, 1) == ""
    # The way out is not translated either.
    serve_at = f"import socket\ns = socket.create_server(('{PEER}', 9000))\nprint('ready', flush=True)\nprint(s.accept()[1][0], flush=True)"
    outside = subprocess.Popen(["ip", "netns", "exec", peer.name, sys.executable, "-c", serve_at], stdout=subprocess.PIPE, text=True)
    assert outside.stdout.readline() == "ready\n"
    engine.docker("exec", "web", "sh", "-c", f"nc -w 1 {PEER} 9000 < /dev/null", check=False)
    assert outside.communicate(timeout=10)[0].strip() == engine.inspect("web", "{{.NetworkSettings.Networks.open.IPAddress}}")


def test_unprotected_networks_let_everything_in(engine, peer, serve):
    engine.docker("network", "create", "-o", "com.docker.network.bridge.gateway_mode_ipv4=nat-unprotected", "open")
    engine.docker("network", "create", "other")
    box(engine, "web", "--network", "open", "-p", "0:80")
    box(engine, "client", "--network", "other")
    serve("web", 80, 81)
    address = engine.inspect("web", "{{.NetworkSettings.Networks.open.IPAddress}}")
    assert peer.tcp(HOST, port_of(engine, "web", "80")) == PEER and peer.tcp(address, 81) == PEER
    # Containers of other networks come in, too: from the address of this one's bridge.
    gateway = engine.inspect("web", "{{.NetworkSettings.Networks.open.Gateway}}")
    assert gateway == engine.docker("exec", "client", "sh", "-c", f"nc -w 1 {address} 81 < /dev/null").stdout.strip()


def test_isolated_networks_do_not_have_the_host_in_them(engine):
    refused = engine.docker("network", "create", "-o", "com.docker.network.bridge.gateway_mode_ipv4=isolated", "alone", check=False)
    assert "can only be used for an internal network" in refused.stderr
    identity = engine.docker("network", "create", "--internal", "-o", "com.docker.network.bridge.gateway_mode_ipv4=isolated",
                             "alone").stdout.strip()
    shown = subprocess.run(["ip", "-4", "-o", "addr", "show", "dev", f"br-{identity[:12]}"], capture_output=True, text=True)
    assert shown.stdout == ""
    box(engine, "one", "--network", "alone")
    assert engine.docker("exec", "one", "ip", "addr", "show", "eth0").stdout.count("inet ") == 1


def test_trusted_interfaces_and_the_hosts_address_of_a_network(engine, peer, serve):
    engine.docker("network", "create", "-o", f"com.docker.network.bridge.trusted_host_interfaces={peer.wire}", "-o",
                  f"com.docker.network.host_ipv4={HOST}", "near")
    box(engine, "web", "--network", "near", "-p", "0:80")
    serve("web", 80, 81)
    address = engine.inspect("web", "{{.NetworkSettings.Networks.near.IPAddress}}")
    assert peer.tcp(address, 80) == PEER and peer.tcp(address, 81, 1) == "", "published ports, and no others"
    refused = engine.docker("network", "create", "-o", "com.docker.network.host_ipv4=here", "wrong", check=False)
    assert "com.docker.network.host_ipv4" in refused.stderr


def test_direct_routing_and_packets_with_a_mark_get_in_where_the_engine_allows_it(peer, busybox):
    hulld, table = Hulld(), f"hull-test-mark-{SLOT}"
    address = lambda: hulld.inspect("web", "{{.NetworkSettings.Networks.bridge.IPAddress}}")  # noqa: E731
    try:
        with pytest.raises(RuntimeError, match='invalid firewall mark "x/1"'):
            hulld.start("--bridge-accept-fwmark", "x/1")
        hulld.start("--allow-direct-routing", "--bridge-accept-fwmark", "0x2/0x3")
        hulld.docker("import", busybox, "busybox")
        box(hulld, "web", "-p", "0:80")
        with servers(hulld, "web", 80, 81):
            assert peer.tcp(address(), 80) == PEER and peer.tcp(address(), 81, 1) == ""
            for mark, answer in ((6, PEER), (3, "")):
                subprocess.run(["nft", "-f", "-"], check=True, text=True, input=(
                    f"table ip {table}\ndelete table ip {table}\ntable ip {table} {{ chain marks {{ type filter hook prerouting priority mangle;"
                    f" iifname {peer.wire} meta mark set {mark}; }}; }}"))
                assert peer.tcp(address(), 81, 1) == answer
    finally:
        subprocess.run(["nft", "delete", "table", "ip", table], capture_output=True)
        hulld.close()
