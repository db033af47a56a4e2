# SPDX-License-Identifier: Apache-2.0
"""Programs that people run, from Debian, on networks: nginx, redis, curl, dig, iperf3. The image is made once with mmdebstrap,
from the package mirror that this machine uses; without one the tests are skipped."""
import json
import os
import subprocess

import pytest

from conftest import BUILD, Hulld, SLOT, wait_until

PACKAGES = "nginx-light,redis-server,curl,iperf3,bind9-dnsutils"


@pytest.fixture(scope="module")
def image():
    path = BUILD / "images" / "programs.tar"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}")
        try:
            subprocess.run(["nice", "mmdebstrap", "--variant=essential", f"--include={PACKAGES}", "--dpkgopt=path-exclude=/usr/share/doc/*",
                            "--aptopt=APT::Sandbox::User \"root\"", "bookworm", f"{fresh}.tar"], check=True, capture_output=True, timeout=400)
            os.rename(f"{fresh}.tar", path)
        except (OSError, subprocess.SubprocessError) as reason:
            pytest.skip(f"no image with {PACKAGES}: {reason}")
    return path


@pytest.fixture(scope="module")
def engine(image):
    hulld = Hulld()
    try:
        hulld.start("--default-address-pool", f"base=10.{60 + SLOT % 40}.208.0/20,size=24")
        hulld.docker("import", image, "programs", timeout=300)
        hulld.docker("network", "create", "--ipv6", "net1")
        yield hulld
        hulld.remove_containers()
        hulld.docker("network", "rm", "net1")
    finally:
        hulld.close()


@pytest.fixture(autouse=True)
def nothing_left(engine):
    yield
    engine.remove_containers()


def run(engine, name, *command, options=()):
    engine.docker("run", "-d", "--name", name, "--network", "net1", *options, "programs", *command)


PROXY = """
events {}
http {
  resolver 127.0.0.11 valid=1s;
  server { listen 80; listen [::]:80; set $where http://backend:80; location / { proxy_pass $where; } }
}
"""


def test_nginx_finds_its_backends_by_name_also_new_ones(engine, tmp_path):
    (tmp_path / "nginx.conf").write_text(PROXY)
    def backend(word):
        run(engine, word, "sh", "-c", f"echo {word} > /var/www/html/index.html; exec nginx -g 'daemon off;'",
            options=["--network-alias", "backend", "-v", "/var/www/html"])
    backend("first")
    run(engine, "proxy", "nginx", "-g", "daemon off;", options=["-v", f"{tmp_path}/nginx.conf:/etc/nginx/nginx.conf:ro", "-p", "0:80"])
    port = engine.docker("port", "proxy", "80").stdout.splitlines()[0].rsplit(":", 1)[1]
    ask = lambda host="127.0.0.1": subprocess.run(["curl", "-g", "-s", "-m", "2", f"http://{host}:{port}/"], capture_output=True,
                                                  text=True).stdout.strip()
    wait_until(lambda: ask() == "first")
    assert ask("[::1]") == "first"
    engine.docker("rm", "-f", "first")
    backend("second")
    wait_until(lambda: ask() == "second")


def test_redis_keeps_its_data_in_a_volume(engine):
    engine.docker("volume", "create", "redis")
    client = lambda *words: engine.docker("run", "--rm", "--network", "net1", "programs", "redis-cli", "-h", "db", *words,
                                          check=False).stdout.strip()
    for _ in range(2):
        run(engine, "db", "redis-server", "--protected-mode", "no", "--bind", "0.0.0.0", "--dir", "/data", "--appendonly", "yes",
            options=["-v", "redis:/data"])
        wait_until(lambda: client("ping") == "PONG")
        if client("get", "key") != "value":
            assert client("set", "key", "value") == "OK"
            engine.docker("stop", "db")
            engine.docker("rm", "db")
    assert client("get", "key") == "value"
    engine.docker("rm", "-f", "db")
    engine.docker("volume", "rm", "redis")


def test_dig_curl_and_iperf3_between_containers(engine):
    run(engine, "server", "iperf3", "-s")
    address = engine.inspect("server", "{{.NetworkSettings.Networks.net1.IPAddress}}")
    run(engine, "client", "sleep", "1000")
    shown = engine.docker("exec", "client", "dig", "+short", "server", "A").stdout
    assert shown.strip() == address
    assert engine.docker("exec", "client", "dig", "+short", "+tcp", "-x", address).stdout.strip() == "server.net1."
    assert "status: NOERROR" in engine.docker("exec", "client", "dig", "+bufsize=4096", "server", "AAAA").stdout
    result = json.loads(engine.docker("exec", "client", "iperf3", "-J", "-t", "1", "-c", "server").stdout)
    print(f"{result['end']['sum_received']['bits_per_second'] / 1e9:.1f} Gbit/s")
    assert result["end"]["sum_received"]["bytes"] > 0
