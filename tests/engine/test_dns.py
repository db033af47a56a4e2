# SPDX-License-Identifier: Apache-2.0
"""The name server at 127.0.0.11 that containers on networks of the user have, asked with raw packets and by busybox."""
import os
import re
import socket
import struct
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from conftest import BIN, Hulld

A, PTR, AAAA, TXT = 1, 12, 28, 16


@pytest.fixture(scope="module")
def engine(busybox):
    hulld = Hulld()
    try:
        number = os.getpid() % 200
        hulld.start("--default-address-pool", f"base=10.{40 + number // 16}.{number % 16 * 16}.0/20,size=24")
        hulld.docker("import", busybox, "busybox")
        yield hulld
    finally:
        hulld.close()


@pytest.fixture
def network(engine):
    engine.docker("network", "create", "net1")
    yield "net1"
    engine.remove_containers()
    engine.docker("network", "rm", "net1")


def question(name, kind, identity=7, edns=False):
    packet = struct.pack(">6H", identity, 0x0100, 1, 0, 0, 1 if edns else 0)
    for label in name.split("."):
        packet += bytes([len(label)]) + label.encode()
    packet += b"\0" + struct.pack(">HH", kind, 1)
    return packet + (b"\0" + struct.pack(">HHIH", 41, 4096, 0, 0) if edns else b"")


def in_namespace(engine, container, code):
    """Runs Python in the network namespace of a container."""
    pid = engine.inspect(container, "{{.State.Pid}}")
    result = subprocess.run(["nsenter", "-n", "-t", pid, sys.executable, "-c", textwrap.dedent(code)],
                            capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def ask(engine, container, packet, tcp=False):
    """The answer to a packet, as bytes; None when there is none within two seconds."""
    out = in_namespace(engine, container, f"""
        import socket, struct
        packet = bytes.fromhex("{packet.hex()}")
        with socket.socket(socket.AF_INET, socket.SOCK_{'STREAM' if tcp else 'DGRAM'}) as s:
            s.settimeout(2)
            s.connect(("127.0.0.11", 53))
            s.sendall({'struct.pack(">H", len(packet)) + ' if tcp else ''}packet)
            try:
                answer = s.recv(70000)
                print(answer{'[2:]' if tcp else ''}.hex())
            except TimeoutError:
                print("none")
        """)
    return None if out == "none" else bytes.fromhex(out)


def code_of(answer):
    return struct.unpack(">H", answer[2:4])[0] & 15


def count_of(answer):
    return struct.unpack(">H", answer[6:8])[0]


def start(engine, name, *options):
    engine.docker("run", "-d", "--name", name, *options, "busybox", "sleep", "1000")


def test_names_addresses_and_what_is_missing(engine, network):
    start(engine, "web", "--network", network)
    start(engine, "client", "--network", network)
    address = engine.inspect("web", "{{.NetworkSettings.Networks.net1.IPAddress}}")
    for tcp in (False, True):
        answer = ask(engine, "client", question("web", A), tcp)
        assert code_of(answer) == 0 and count_of(answer) == 1
        assert answer.endswith(socket.inet_aton(address)) and struct.pack(">I", 600) in answer
        answer = ask(engine, "client", question("WEB", AAAA, edns=True), tcp)
        assert code_of(answer) == 0 and count_of(answer) == 0, "known, but without an address of IPv6"
    reverse = ".".join(reversed(address.split("."))) + ".in-addr.arpa"
    answer = ask(engine, "client", question(reverse, PTR))
    assert b"\x03web\x04net1\x00" in answer
    shown = engine.docker("exec", "client", "nslookup", "web").stdout
    assert address in shown and "127.0.0.11" in shown


def test_resolv_conf_names_the_engine(engine, network):
    start(engine, "client", "--network", network, "--dns-search", "example.org", "--dns", "192.0.2.53")
    text = engine.docker("exec", "client", "cat", "/etc/resolv.conf").stdout
    assert re.findall(r"^nameserver (\S+)$", text, re.M) == ["127.0.0.11"]
    assert "search example.org" in text and "ndots:0" in text and "ExtServers: [192.0.2.53]" in text


def test_a_container_may_be_a_name_server_itself(engine, network):
    start(engine, "client", "--network", network)
    out = in_namespace(engine, "client", """
        import socket
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.bind(("0.0.0.0", 53))
        tcp = socket.socket(); tcp.bind(("0.0.0.0", 53)); tcp.listen()
        print("bound")
        """)
    assert out == "bound"


class Upstream:
    """A name server on the host's side: answers every A question with 192.0.2.77, and records what it was asked."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 53))
        self.listener = socket.create_server((address, 53))
        self.asked = []
        self.threads = [threading.Thread(target=work, daemon=True) for work in (self.serve, self.serve_tcp)]
        for thread in self.threads:
            thread.start()

    @staticmethod
    def answer(packet):
        return (packet[:2] + b"\x81\x80" + packet[4:6] + b"\0\1\0\0\0\0" + packet[12:] +
                b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton("192.0.2.77"))

    def serve(self):
        while True:
            try:
                packet, peer = self.socket.recvfrom(4096)
            except OSError:
                return
            if peer is None:  # shut down
                return
            self.asked.append(packet)
            if b"slow" not in packet:
                self.socket.sendto(self.answer(packet), peer)

    def serve_tcp(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client:
                packet = client.recv(4096)[2:]
                answer = self.answer(packet)
                client.sendall(struct.pack(">H", len(answer)) + answer)

    def close(self):
        for one in (self.socket, self.listener):
            try:
                one.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads
            except OSError:
                pass
            one.close()
        for thread in self.threads:
            thread.join(5)


@pytest.fixture
def upstream(engine, network):
    gateway = engine.docker("network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", network).stdout
    server = Upstream(gateway.strip())
    server.address = gateway.strip()
    yield server
    server.close()


def test_other_names_are_asked_for_outside(engine, network, upstream):
    start(engine, "client", "--network", network, "--dns", upstream.address)
    for tcp in (False, True):
        answer = ask(engine, "client", question("example.org", A, 4242), tcp)
        assert answer[:2] == struct.pack(">H", 4242) and answer.endswith(socket.inet_aton("192.0.2.77"))
    assert len(upstream.asked) == 1
    ask(engine, "client", question("client", A))
    assert len(upstream.asked) == 1, "names of containers are not told to anybody"


def test_many_questions_at_once_and_a_slow_one_do_not_wait_for_each_other(engine, network, upstream):
    start(engine, "client", "--network", network, "--dns", upstream.address)
    out = in_namespace(engine, "client", f"""
        import socket, time
        slow = bytes.fromhex("{question('slow.example', A, 1).hex()}")
        begin = time.monotonic()
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(2); s.connect(("127.0.0.11", 53))
        s.send(slow)
        for i in range(200):
            s.send(bytes([i, 1]) + bytes.fromhex("{question('quick.example', A, 1).hex()}")[2:])
        got = {{s.recv(4096)[0] for _ in range(200)}}
        print(len(got), time.monotonic() - begin < 1.5)
        """)
    assert out == "200 True"


def test_without_an_upstream_it_fails_instead_of_hanging(engine, network):
    start(engine, "client", "--network", network, "--dns", "127.0.0.1")
    answer = ask(engine, "client", question("example.org", A))
    assert answer is not None and code_of(answer) == 2


def test_internal_networks_ask_nobody_outside(engine):
    engine.docker("network", "create", "--internal", "shut")
    start(engine, "client", "--network", "shut")
    assert code_of(ask(engine, "client", question("example.org", A))) == 2
    assert code_of(ask(engine, "client", question("client", A))) == 0
    engine.remove_containers()
    engine.docker("network", "rm", "shut")


def test_nonsense_is_survived(engine, network):
    start(engine, "client", "--network", network)
    in_namespace(engine, "client", """
        import os, socket
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(("127.0.0.11", 53))
        for size in range(0, 600):
            s.send(os.urandom(size))
        """)
    assert code_of(ask(engine, "client", question("client", A))) == 0


def test_renaming_a_container_renames_it_for_others(engine, network):
    start(engine, "old", "--network", network)
    start(engine, "client", "--network", network)
    engine.docker("rename", "old", "new")
    assert count_of(ask(engine, "client", question("new", A))) == 1
    reverse = engine.inspect("new", "{{.NetworkSettings.Networks.net1.IPAddress}}").split(".")[::-1]
    assert b"\x03new\x04net1" in ask(engine, "client", question(".".join(reverse) + ".in-addr.arpa", PTR))


def test_it_is_quick(engine, network):
    start(engine, "client", "--network", network)
    out = in_namespace(engine, "client", f"""
        import socket, time
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(2); s.connect(("127.0.0.11", 53))
        packet = bytes.fromhex("{question('client', A).hex()}")
        begin, count = time.monotonic(), 0
        while time.monotonic() - begin < 0.5:
            for _ in range(32): s.send(packet)
            for _ in range(32): s.recv(512)
            count += 32
        print(int(count / (time.monotonic() - begin)))
        """)
    print("cached names per second:", out)
    assert int(out) > 2000, "even on a busy machine, with the client in Python"


def test_it_is_back_within_a_second_after_the_engine_died(engine, network):
    start(engine, "web", "--network", network)
    start(engine, "client", "--network", network)
    engine.crash()
    engine.start()
    begin = time.monotonic()
    while True:
        try:
            answer = ask(engine, "client", question("web", A))
            break
        except AssertionError:
            assert time.monotonic() - begin < 3
    assert code_of(answer) == 0 and count_of(answer) == 1


def test_questions_of_other_types_and_their_options_pass_through_as_they_are(engine, network, upstream):
    start(engine, "client", "--network", network, "--dns", upstream.address)
    for name, kind in (("_sip._tcp.example.org", 33), ("client", 33), ("example.org", TXT)):
        for edns in (False, True):
            sent = question(name, kind, 99, edns)
            answer = ask(engine, "client", sent)
            assert upstream.asked[-1] == sent and answer == Upstream.answer(sent)
    answer = ask(engine, "client", question("client", A, edns=True))
    assert struct.unpack(">H", answer[10:12])[0] == 1, "who speaks EDNS is answered in it"
    assert answer.endswith(b"\0" + struct.pack(">HHIH", 41, 1232, 0, 0))


def test_many_addresses_of_one_name_are_cut_to_fit(engine, network):
    for number in range(40):
        engine.docker("create", "--name", f"m{number}", "--network", network, "--network-alias", "many", "busybox", "sleep", "1000")
    engine.docker("start", *[f"m{n}" for n in range(40)], timeout=120)
    whole = ask(engine, "m0", question("many", A, edns=True))
    assert count_of(whole) == 40
    cut = ask(engine, "m0", question("many", A))
    assert len(cut) <= 512 and count_of(cut) < 40 and struct.unpack(">H", cut[2:4])[0] & 0x0200, "truncated, and says so"
    assert count_of(ask(engine, "m0", question("many", A), tcp=True)) == 40


def test_resolver_options(engine, network):
    start(engine, "client", "--network", network, "--dns-option", "ndots:2", "--dns-option", "timeout:1", "--dns-search", "example.org")
    text = engine.docker("exec", "client", "cat", "/etc/resolv.conf").stdout
    assert "nameserver 127.0.0.11" in text and "options ndots:2 timeout:1" in text and "search example.org" in text


def test_a_resolver_at_the_hosts_loopback_is_asked_from_the_host(busybox, tmp_path):
    """As with the stub of systemd-resolved: no container could reach it."""
    own, wire = f"127.{os.getpid() % 200 + 1}.0.53", f"hdl{os.getpid() % 100000}"
    resolv_conf, real = tmp_path / "resolv.conf", BIN / "hulld"
    resolv_conf.write_text(f"nameserver {own}\n")
    hulld = Hulld()
    server = Upstream(own)
    try:
        # hulld with another /etc/resolv.conf than the machine's.
        program = tmp_path / "hulld"
        program.write_text(f"#!/bin/sh\nexec unshare -m --propagation slave sh -c 'mount --bind {resolv_conf} /etc/resolv.conf && "
                           f"exec \"$0\" \"$@\"' {real} \"$@\"\n")
        program.chmod(0o755)
        hulld.program = program
        number = os.getpid() % 200
        hulld.start("--default-address-pool", f"base=10.{40 + number // 16}.{number % 16 * 16 + 15}.0/24,size=26")
        hulld.docker("import", busybox, "busybox")
        hulld.docker("network", "create", "net1")
        start(hulld, "client", "--network", "net1")
        for tcp in (False, True):
            assert ask(hulld, "client", question("example.org", A), tcp).endswith(socket.inet_aton("192.0.2.77"))
        shown = hulld.docker("exec", "client", "cat", "/etc/resolv.conf").stdout
        assert "nameserver 127.0.0.11" in shown and own in shown
        assert own not in hulld.docker("run", "--rm", "busybox", "cat", "/etc/resolv.conf").stdout, "nobody listens there inside"
        hulld.remove_containers()
        hulld.docker("network", "rm", "net1")
        # On the network of a wire somebody knows a way out, though the engine does not.
        subprocess.run(["ip", "link", "add", wire, "type", "veth", "peer", "name", f"{wire}p"], check=True)
        for internal in ([], ["--internal"]):
            hulld.docker("network", "create", "-d", "macvlan", "-o", f"parent={wire}", "--subnet", "192.0.2.0/24", *internal, "net2")
            start(hulld, "client", "--network", "net2")
            assert ask(hulld, "client", question("example.org", A)).endswith(socket.inet_aton("192.0.2.77")) is not bool(internal)
            hulld.remove_containers()
            hulld.docker("network", "rm", "net2")
    finally:
        subprocess.run(["ip", "link", "del", wire], capture_output=True)
        server.close()
        hulld.close()
