# SPDX-License-Identifier: Apache-2.0
"""Two engines on one bridge, as somebody gets them who starts a second one without a thought."""
import os
import time
import urllib.request

import pytest

from conftest import SLOT, Hulld, wait_until

OWN_LOOPBACK = f"127.0.{SLOT + 1}.3"
PORTS = (6401, 6402)


@pytest.fixture
def engines(busybox):
    first, second = Hulld(), Hulld()
    second.bridge, second.bip = first.bridge, first.bip
    try:
        for engine, half in ((first, "0"), (second, "128")):
            network = first.bip.rsplit(".", 1)[0]
            engine.start("--fixed-cidr", f"{network}.{half}/25")
            engine.docker("import", busybox, "busybox")
        yield first, second
    finally:
        second.close()
        first.close()


def serve(engine, port):
    started = engine.docker("run", "-d", "--name", "web", "-p", f"{OWN_LOOPBACK}:{port}:80", "--hostname", f"port{port}", "busybox",
                            "httpd", "-f", "-p", "80", "-h", "/etc")
    assert "drops forwarded packets" not in started.stderr or "hull" not in started.stderr


def answer(port):
    with urllib.request.urlopen(f"http://{OWN_LOOPBACK}:{port}/hostname", timeout=5) as response:
        return response.read().decode().strip()


def all_answer():
    wait_until(lambda: [answer(port) for port in PORTS] == [f"port{port}" for port in PORTS], 5)


def processor_time(engine):
    fields = open(f"/proc/{engine.process.pid}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_they_do_not_fight(engines):
    for engine, port in zip(engines, PORTS):
        serve(engine, port)
    all_answer()
    before = [processor_time(engine) for engine in engines]
    time.sleep(1)
    assert all(processor_time(engine) - was < 0.2 for engine, was in zip(engines, before))
    assert "putting it back" not in "".join(engine.log.read_text() for engine in engines)


def test_a_restart_of_one_leaves_the_other_alone(engines):
    for engine, port in zip(engines, PORTS):
        serve(engine, port)
    for engine in engines:
        engine.crash()
        engine.start()
        all_answer()
    engines[1].docker("rm", "-f", "web")
    assert answer(PORTS[0]) == f"port{PORTS[0]}"
