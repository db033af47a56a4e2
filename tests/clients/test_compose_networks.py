# SPDX-License-Identifier: Apache-2.0
"""docker compose, unmodified, with what projects say of networks, ports, volumes and mounts."""
import json
import re
import socket
import subprocess
import sys

import pytest

from client_programs import client_engine, program_image  # noqa: F401
from conftest import SLOT, write_files
from test_compose import Compose

NET = f"10.{60 + SLOT % 40}.192"
NET6 = f"fd00:{SLOT + 1:x}:192"
HOST = f"127.0.{SLOT + 1}.8"
SERVE = 'sh -c "mkdir /www; hostname > /www/index.html; exec httpd -f -p 80 -h /www"'

NETWORKS = f"""
name: nets
x-box: &box {{image: busybox, stop_grace_period: 0s, command: sleep 600}}
services:
  web:
    <<: *box
    command: {SERVE}
    hostname: web-host
    networks:
      front: {{ipv4_address: {NET}.20, aliases: [site, www], mac_address: "02:42:aa:00:00:01", priority: 10, gw_priority: 5,
              link_local_ips: [169.254.7.7], interface_name: wan0,
              driver_opts: {{com.docker.network.endpoint.sysctls: "net.ipv4.conf.IFNAME.log_martians=1"}}}}
      back: {{aliases: [inner]}}
      outside: {{}}
    ports:
      - {{target: 80, published: "7080", host_ip: {HOST}, protocol: tcp, mode: host, name: page, app_protocol: http}}
      - {{target: 81, published: "7090-7099", host_ip: {HOST}}}
      - "{HOST}:7000-7009:7000-7009/udp"
      - "{HOST}::82"
    sysctls: {{net.core.somaxconn: 123, net.ipv4.ip_local_port_range: "20000 30000"}}
    dns_search: [corp.example]
    dns_opt: ["timeout:1"]
    extra_hosts: ["gate=host-gateway", "db.example:{NET}.99"]
  client:
    <<: *box
    networks: [front, back]
    links: ["web:linked"]
  inside:
    <<: *box
    networks: [back]
  six:
    <<: *box
    command: {SERVE}
    networks: {{six: {{ipv6_address: "{NET6}::77"}}}}
  six-client:
    <<: *box
    networks: [six]
  shares:
    <<: *box
    network_mode: service:web
  alone:
    <<: *box
    network_mode: none
  hosted:
    <<: *box
    network_mode: host
networks:
  front:
    driver: bridge
    driver_opts: {{com.docker.network.bridge.name: cf{SLOT}, com.docker.network.driver.mtu: 1400}}
    labels: {{tier: front}}
    ipam:
      driver: default
      config: [{{subnet: {NET}.0/24, gateway: {NET}.254, ip_range: {NET}.128/25, aux_addresses: {{router: {NET}.128}}}}]
  back: {{internal: true, attachable: true}}
  six: {{enable_ipv6: true, ipam: {{config: [{{subnet: "{NET6}::/64"}}]}}}}
  outside: {{external: true, name: elsewhere}}
"""


@pytest.fixture
def compose(client_engine, tmp_path):  # noqa: F811
    made = Compose(client_engine, tmp_path)
    yield made
    made("down", "-v", "-t", "0", "--remove-orphans", check=False)
    client_engine.docker("network", "rm", "elsewhere", check=False)
    assert client_engine.docker("ps", "-aq").stdout == ""
    assert client_engine.docker("network", "ls", "-q", "--filter", "type=custom").stdout == ""


def run(compose, service, script, check=True):
    return compose("exec", "-T", service, "sh", "-c", script, check=check).stdout.strip()


def fetch(compose, service, host):
    """What the web server at `host` says; its name for itself."""
    return run(compose, service, f"printf 'GET /index.html HTTP/1.0\\r\\n\\r\\n' | nc -w 2 {host} 80 | tail -n 1", check=False)


def endpoint(compose, service, network):
    identity = compose("ps", "-q", service).stdout.strip()
    return json.loads(compose.engine.inspect(identity, "{{json .NetworkSettings.Networks}}"))[network]


ECHO = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 7005))
print("ready", flush=True)
while True:
    data, peer = s.recvfrom(100)
    s.sendto(data + b" back", peer)
"""


def test_networks_of_every_kind(compose):
    compose.engine.docker("network", "create", "elsewhere")
    write_files(compose.directory, {"compose.yaml": NETWORKS})
    compose("up", "-d")
    front = endpoint(compose, "web", "nets_front")
    assert (front["IPAddress"], front["MacAddress"]) == (f"{NET}.20", "02:42:aa:00:00:01")
    assert {"web", "site", "www"} <= set(front["DNSNames"])
    assert re.search(rf"inet {NET}\.20/24 .* wan0", run(compose, "web", "ip -4 addr show wan0"))
    assert "169.254.7.7" in run(compose, "web", "ip -4 addr show wan0")
    assert f"default via {NET}.254 dev wan0" in run(compose, "web", "ip route")
    assert run(compose, "web", "cat /sys/class/net/wan0/mtu /proc/sys/net/ipv4/conf/wan0/log_martians "
               "/proc/sys/net/core/somaxconn").split() == ["1400", "1", "123"]
    assert run(compose, "web", "cat /proc/sys/net/ipv4/ip_local_port_range").split() == ["20000", "30000"]
    resolv = run(compose, "web", "cat /etc/resolv.conf")
    assert "nameserver 127.0.0.11" in resolv and "search corp.example" in resolv and "timeout:1" in resolv
    hosts = run(compose, "web", "cat /etc/hosts")
    assert f"{NET}.99\tdb.example" in hosts and "\tgate" in hosts
    assert endpoint(compose, "client", "nets_front")["IPAddress"] == f"{NET}.129"
    for name in ("web", "site", "www", "inner", "linked", "web.nets_front", "nets-web-1"):
        assert fetch(compose, "client", name) == "web-host", name
    assert fetch(compose, "inside", "inner") == "web-host" and fetch(compose, "inside", "site") == ""
    assert "default" not in run(compose, "inside", "ip route")
    assert fetch(compose, "six-client", f"{NET6}::77") == fetch(compose, "six-client", "six") != ""
    assert run(compose, "shares", "hostname; ls /sys/class/net").split()[0] == "web-host"
    assert run(compose, "alone", "ls /sys/class/net") == "lo"
    assert f"cf{SLOT}" in run(compose, "hosted", "ls /sys/class/net").split()
    shape = json.loads(compose.engine.docker("network", "inspect", "nets_front").stdout)[0]
    assert shape["Labels"]["tier"] == "front" and shape["IPAM"]["Config"] == [
        {"Subnet": f"{NET}.0/24", "IPRange": f"{NET}.128/25", "Gateway": f"{NET}.254",
         "AuxiliaryAddresses": {"router": f"{NET}.128"}}]
    assert json.loads(compose.engine.docker("network", "inspect", "nets_back").stdout)[0]["Internal"] is True


def test_ports_in_the_long_form_ranges_and_udp(compose):
    compose.engine.docker("network", "create", "elsewhere")
    write_files(compose.directory, {"compose.yaml": NETWORKS})
    compose("up", "-d", "web")
    page = subprocess.run(["curl", "-s", f"http://{HOST}:7080/"], capture_output=True, text=True)
    assert page.stdout == "web-host\n"
    assert compose("port", "web", "80").stdout.strip() == f"{HOST}:7080"
    assert compose("port", "web", "81").stdout.strip() == f"{HOST}:7090"
    assert compose("port", "--protocol", "udp", "web", "7005").stdout.strip() == f"{HOST}:7005"
    assert compose("port", "web", "82").stdout.strip().startswith(f"{HOST}:")
    identity = compose("ps", "-q", "web").stdout.strip()
    server = subprocess.Popen(["nsenter", "-n", "-t", compose.engine.inspect(identity, "{{.State.Pid}}"), sys.executable, "-c", ECHO],
                              stdout=subprocess.PIPE)
    try:
        server.stdout.readline()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(5)
            client.sendto(b"there and", (HOST, 7005))
            assert client.recv(100) == b"there and back"
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def test_a_changed_network_is_made_anew_and_its_containers_follow(compose):
    compose.engine.docker("network", "create", "elsewhere")
    write_files(compose.directory, {"compose.yaml": NETWORKS})
    compose("up", "-d", "web", "client")
    write_files(compose.directory, {"compose.yaml": NETWORKS.replace("mtu: 1400", "mtu: 1380")})
    compose("up", "-d", "web", "client")
    # Compose stops the containers, and connects them to the new network without their settings for it.
    assert "1380" in run(compose, "web", "cat /sys/class/net/eth*/mtu").split()
    assert endpoint(compose, "web", "nets_front")["NetworkID"] == compose.engine.docker(
        "network", "inspect", "-f", "{{.Id}}", "nets_front").stdout.strip()
    assert fetch(compose, "client", "nets-web-1") == "web-host"
    down = compose("down", "-t", "0").stderr
    assert "Network nets_front  Removed" in down and "elsewhere" in compose.engine.docker("network", "ls").stdout
    missing = compose("up", "-d", "web", check=False) if compose.engine.docker("network", "rm", "elsewhere") else None
    assert missing.returncode != 0 and "network elsewhere declared as external, but could not be found" in missing.stderr


VOLUMES = """
name: vols
x-box: &box {image: content, stop_grace_period: 0s, command: sleep 600}
services:
  writer:
    <<: *box
    user: "1001:1002"
    volumes:
      - data:/data
      - {type: volume, source: bare, target: /bare, volume: {nocopy: true}}
      - {type: volume, source: data, target: /part, read_only: true, volume: {subpath: sub}}
      - {type: bind, source: ./shared, target: /shared, bind: {propagation: rprivate}}
      - {type: bind, source: ./made, target: /made, bind: {create_host_path: true}}
      - {type: bind, source: ./shared, target: /ro, read_only: true, bind: {recursive: readonly}}
      - {type: tmpfs, target: /scratch, tmpfs: {size: 1048576, mode: 0o1770}}
      - {type: image, source: content, target: /image, image: {subpath: data}}
      - ./shared/one:/one:ro
      - /anonymous
    tmpfs: ["/run:size=64k,mode=755", /tmp]
    configs:
      - {source: from-file, target: /etc/app/file}
      - {source: inline, target: /etc/app/inline}
      - from-variable
    secrets: [{source: key, target: key.pem}]
    shm_size: 8m
  reader:
    <<: *box
    read_only: true
    volumes_from: ["writer:ro"]
    depends_on: [writer]
  other:
    <<: *box
    volumes: ["host-directory:/here", "fast:/fast", "kept:/kept"]
configs:
  from-file: {file: ./app.conf}
  inline: {content: "port = ${PORT-80}"}
  from-variable: {environment: KEY}
secrets: {key: {file: ./key.pem}}
volumes:
  data: {labels: {keep: "yes"}}
  bare: {}
  host-directory: {driver: local, driver_opts: {type: none, o: bind, device: DIRECTORY/host}}
  fast: {driver: local, driver_opts: {type: tmpfs, o: "size=2m,uid=1001", device: tmpfs}}
  kept: {external: true, name: elsewhere}
"""
CONTENT = "FROM busybox\nRUN mkdir -p /data/sub && echo from the image > /data/file && echo below > /data/sub/file && chown -R 1001:1002 /data\n"


def test_volumes_and_mounts_of_every_kind(compose, tmp_path):
    (tmp_path / "host").mkdir()
    write_files(tmp_path, {"compose.yaml": VOLUMES.replace("DIRECTORY", str(tmp_path)), "shared/one": "one\n", "app.conf": "a = 1\n",
                           "key.pem": "secret\n", "Dockerfile": CONTENT})
    engine = compose.engine
    engine.hull("build", "-t", "content", tmp_path)
    refused = compose("up", "-d", check=False)
    assert refused.returncode != 0 and 'external volume "elsewhere" not found' in refused.stderr
    engine.docker("volume", "create", "elsewhere")
    try:
        compose("up", "-d")
        assert run(compose, "writer", "cat /data/file /part/file; stat -c %u:%g /data/file; ls /bare | wc -l").split("\n") == [
            "from the image", "below", "1001:1002", "0"]
        assert run(compose, "writer", "echo x > /data/mine && cat /data/mine; touch /part/x /root/x 2>/dev/null || echo refused") == "x\nrefused"
        assert (tmp_path / "made").is_dir()
        assert run(compose, "writer", "cat /one /ro/one /image/file") == "one\none\nfrom the image"
        assert run(compose, "writer", "stat -c %a /scratch; cat /etc/app/file /etc/app/inline /from-variable /run/secrets/key.pem"
                   ) == "1770\na = 1\nport = 80secret of the shopsecret"
        sizes = run(compose, "writer", "for p in /scratch /dev/shm; do df -k $p | tail -n 1 | awk '{print $2}'; done").split()
        assert sizes == ["1024", "8192"]
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", tmp_path / "made"], check=True)
        subprocess.run(["umount", tmp_path / "made"], check=True)
        assert run(compose, "reader", "cat /data/mine; touch /data/y /y 2>/dev/null || echo refused") == "x\nrefused"
        assert run(compose, "other", "echo there > /here/file; df -k /fast | tail -n 1 | awk '{print $2}'; stat -c %u /fast") == "2048\n1001"
        assert (tmp_path / "host" / "file").read_text() == "there\n"
        labels = json.loads(engine.docker("volume", "inspect", "vols_data").stdout)[0]["Labels"]
        assert labels["keep"] == "yes" and labels["com.docker.compose.volume"] == "data"
        compose("up", "-d", "--force-recreate", "-t", "0", "writer")
        assert run(compose, "writer", "cat /data/mine") == "x", "volumes outlive their containers"
        compose("down", "-t", "0")
        assert {"vols_data", "vols_bare", "elsewhere"} <= set(engine.docker("volume", "ls", "-q").stdout.split())
        compose("up", "-d", "other")
        assert "still in use" not in compose("down", "-v", "-t", "0").stderr
        assert engine.docker("volume", "ls", "-q", "--filter", "label=com.docker.compose.project=vols").stdout == ""
        assert (tmp_path / "host" / "file").exists() and "elsewhere" in engine.docker("volume", "ls", "-q").stdout
    finally:
        compose("down", "-v", "-t", "0", check=False)
        engine.docker("volume", "rm", "elsewhere")
        engine.docker("volume", "prune", "-a", "-f")


SHARED = """
name: prop
services:
  box:
    image: busybox
    command: sleep 600
    stop_grace_period: 0s
    volumes: [{type: bind, source: ./shared, target: /x, bind: {propagation: rslave}}]
"""


def test_what_is_mounted_later_is_seen_where_mounts_propagate(compose, tmp_path):
    write_files(tmp_path, {"compose.yaml": SHARED, "shared/later/empty": ""})
    subprocess.run(["mount", "--bind", tmp_path / "shared", tmp_path / "shared"], check=True)
    subprocess.run(["mount", "--make-shared", tmp_path / "shared"], check=True)
    try:
        compose("up", "-d")
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", tmp_path / "shared" / "later"], check=True)
        write_files(tmp_path, {"shared/later/new": ""})
        assert run(compose, "box", "ls /x/later") == "new"
    finally:
        compose("down", "-t", "0")
        subprocess.run(["umount", "-R", tmp_path / "shared"], check=True)
