# SPDX-License-Identifier: Apache-2.0
"""IPv6 on networks of the user: addresses, names, published ports."""
import json
import os
import socket
import subprocess

import pytest

from conftest import Hulld

SERVER = "mkdir -p /www && echo served > /www/index.html && exec httpd -f -p [::]:80 -h /www"

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/net/if_inet6"), reason="this kernel has no IPv6")


@pytest.fixture(scope="module")
def engine(busybox):
    hulld = Hulld()
    try:
        number = os.getpid() % 200
        hulld.pool6 = f"fd00:66:{os.getpid() % 65536:x}"
        hulld.start("--default-address-pool", f"base=10.{60 + number // 16}.{number % 16 * 16}.0/20,size=24",
                    "--default-address-pool", f"base={hulld.pool6}::/56,size=64")
        hulld.docker("import", busybox, "busybox")
        hulld.docker("network", "create", "--ipv6", "six")
        yield hulld
        hulld.remove_containers()
        hulld.docker("network", "rm", "six")
    finally:
        hulld.close()


def endpoint(engine, name):
    return json.loads(engine.inspect(name, "{{json .NetworkSettings.Networks.six}}"))


def test_a_dual_stack_network_has_a_private_prefix(engine):
    shape = json.loads(engine.docker("network", "inspect", "six").stdout)[0]
    assert shape["EnableIPv6"] is True
    four, six = shape["IPAM"]["Config"]
    assert six["Subnet"].startswith("fd") and six["Subnet"].endswith("/64") and six["Gateway"].startswith("fd")
    assert ":" not in four["Subnet"]


def test_prefixes_come_from_the_engines_pools(engine):
    subnets = set()
    for name in ("pool1", "pool2"):
        engine.docker("network", "create", "--ipv6", "--ipv4=false", name)
        (pool,) = json.loads(engine.docker("network", "inspect", name).stdout)[0]["IPAM"]["Config"]
        assert pool["Subnet"].startswith(engine.pool6 + ":") and pool["Subnet"].endswith("/64"), pool
        subnets.add(pool["Subnet"])
    assert len(subnets) == 2
    engine.docker("network", "rm", "pool1", "pool2")


def test_containers_talk_and_find_each_other(engine):
    engine.docker("run", "-d", "--name", "web", "--network", "six", "busybox", "sh", "-c", SERVER)
    engine.docker("run", "-d", "--name", "client", "--network", "six", "busybox", "sleep", "100")
    web = endpoint(engine, "web")
    assert web["GlobalIPv6Address"].startswith("fd") and web["GlobalIPv6PrefixLen"] == 64 and web["IPv6Gateway"]
    shown = engine.docker("exec", "client", "nslookup", "-type=AAAA", "web").stdout
    assert web["GlobalIPv6Address"] in shown
    request = f"printf 'GET /index.html HTTP/1.0\\r\\n\\r\\n' | nc -w 3 {web['GlobalIPv6Address']} 80"
    assert engine.docker("exec", "client", "sh", "-c", request).stdout.endswith("served\n")
    assert web["GlobalIPv6Address"] in engine.docker("exec", "web", "cat", "/etc/hosts").stdout
    route = engine.docker("exec", "web", "ip", "-6", "route", "show", "default").stdout
    assert f"default via {web['IPv6Gateway']}" in route


def test_published_ports_answer_on_both_families(engine):
    engine.docker("run", "-d", "--name", "web", "--network", "six", "-p", "0:80", "busybox", "sh", "-c", SERVER)
    ports = json.loads(engine.inspect("web", '{{json (index .NetworkSettings.Ports "80/tcp")}}'))
    assert sorted(p["HostIp"] for p in ports) == ["0.0.0.0", "::"]
    assert len({p["HostPort"] for p in ports}) == 1
    port = int(ports[0]["HostPort"])
    hosts = ["127.0.0.1", endpoint(engine, "web")["IPv6Gateway"]]
    shown = subprocess.run(["ip", "-6", "-o", "addr", "show", "scope", "global"], capture_output=True, text=True).stdout
    hosts += [line.split()[3].split("/")[0] for line in shown.splitlines() if " eth" in line][:1]
    for host in hosts:
        with socket.create_connection((host, port), 3) as connection:
            connection.sendall(b"GET /index.html HTTP/1.0\r\n\r\n")
            assert b"200 OK" in connection.recv(200), host


def test_only_ipv6_and_a_chosen_address(engine):
    prefix = f"fd00:6:{os.getpid() % 60000:x}:6"
    engine.docker("network", "create", "--ipv4=false", "--ipv6", "--subnet", f"{prefix}::/64", "only")
    engine.docker("run", "-d", "--name", "one", "--network", "only", "--ip6", f"{prefix}::99", "busybox", "sleep", "100")
    shown = engine.docker("exec", "one", "ip", "addr", "show", "eth0").stdout
    assert f"{prefix}::99/64" in shown and "inet " not in shown
    engine.remove_containers()
    engine.docker("network", "rm", "only")
