# SPDX-License-Identifier: Apache-2.0
"""The events of everything that happens to containers, and the ways to ask for them."""
import json
import re
import socket
import subprocess
import time

import pytest


def past(engine, *options):
    lines = engine.docker("events", "--since", "0", "--until", f"{time.time():.9f}", *options, "--format", "{{json .}}").stdout
    return [json.loads(line) for line in lines.splitlines()]


def actions(found):
    return [event["Action"] for event in found]


def attributes(found, action):
    return next(event["Actor"]["Attributes"] for event in found if event["Action"].split(":")[0] == action)


def test_the_life_of_a_container_in_events(cli):
    engine = cli.engine
    identifier = cli("run", "-d", "--name", "life", "-l", "team=blue", "busybox", "sh", "-c", "trap 'exit 4' TERM; while :; do sleep 0.02; done").stdout.strip()
    cli("exec", "life", "true")
    cli("pause", "life")
    cli("unpause", "life")
    cli("rename", "life", "lives")
    cli("restart", "lives")
    cli("stop", "lives")
    cli("rm", "lives")
    found = past(engine, "--filter", f"container={identifier}")
    assert actions(found) == ["create", "start", "exec_create: true", "exec_start: true", "exec_die", "pause", "unpause", "rename",
                              "kill", "die", "stop", "start", "restart", "kill", "die", "stop", "destroy"]
    for event in found:
        assert event["Type"] == "container" and event["scope"] == "local" and event["Actor"]["ID"] == identifier
        assert event["time"] == event["timeNano"] // 10**9
        shared = event["Actor"]["Attributes"]
        assert shared["image"] == "busybox" and shared["team"] == "blue" and shared["name"] in ("life", "lives")
    assert found == sorted(found, key=lambda event: event["timeNano"])
    assert attributes(found, "die")["exitCode"] == "4" and attributes(found, "die")["execDuration"].isdigit()
    assert attributes(found, "kill")["signal"] == "15" and attributes(found, "rename")["oldName"] == "/life"
    assert re.fullmatch("[0-9a-f]{64}", attributes(found, "exec_create")["execID"])
    assert attributes(found, "exec_die")["exitCode"] == "0"


def test_force_removal_and_attach(cli):
    engine = cli.engine
    identifier = cli("run", "-d", "--name", "forced", "busybox", "sleep", "100").stdout.strip()
    cli("rm", "-f", "forced")
    assert actions(past(engine, "--filter", f"container={identifier}"))[-3:] == ["kill", "die", "destroy"]
    cli("run", "--name", "attached", "busybox", "true")
    assert actions(past(engine, "--filter", "container=attached"))[-4:] == ["create", "attach", "start", "die"]


def test_out_of_memory_comes_before_the_end(engine):
    engine.docker("run", "--name", "greedy", "-m", "8m", "--memory-swap", "8m", "busybox", "sh", "-c", "head -c 100m /dev/zero | tail | wc -c; sleep 0.2", check=False)
    found = actions(past(engine, "--filter", "container=greedy"))
    assert found.count("oom") >= 1 and found.index("oom") < found.index("die")


def test_filters(engine):
    first = engine.docker("run", "-d", "--name", "alpha", "-l", "tier=1", "busybox", "true").stdout.strip()
    engine.docker("run", "-d", "--name", "beta", "-l", "tier=2", "busybox", "true")
    engine.docker("volume", "create", "evented")
    engine.docker("volume", "rm", "evented")
    engine.docker("wait", "alpha", "beta")
    assert {event["Actor"]["Attributes"]["name"] for event in past(engine, "--filter", "container=alpha")} == {"alpha"}
    assert past(engine, "--filter", f"container={first[:12]}") == past(engine, "--filter", f"container={first}") != []
    assert set(actions(past(engine, "--filter", "event=create", "--filter", "event=die", "--filter", "type=container"))) == {"create", "die"}
    assert {event["Actor"]["Attributes"]["name"] for event in past(engine, "--filter", "label=tier=2")} == {"beta"}
    assert {event["Type"] for event in past(engine, "--filter", "type=volume")} == {"volume"}
    assert actions(past(engine, "--filter", "volume=evented")) == ["create", "destroy"]
    assert all(event["Actor"]["Attributes"]["image"] == "busybox" for event in past(engine, "--filter", "image=busybox", "--filter", "type=container"))
    assert past(engine, "--filter", "scope=swarm") == [] and past(engine, "--filter", "scope=local") != []
    assert past(engine, "--filter", "daemon=nobody") == []
    engine.docker("commit", "--change", "LABEL tier=3", "alpha", "labelled")
    engine.docker("tag", "labelled", "labelled:too")
    tagged = past(engine, "--filter", "type=image", "--filter", "label=tier=3", "--filter", "event=tag")
    assert [event["Actor"]["Attributes"]["name"] for event in tagged] == ["labelled:latest", "labelled:too"]
    engine.docker("rmi", "labelled", "labelled:too")
    refused = engine.docker("events", "--since", "0", "--until", f"{time.time():.9f}", "--filter", "colour=red", check=False)
    assert refused.returncode == 1 and "invalid filter" in refused.stderr


def test_since_and_until(engine):
    engine.docker("run", "--name", "early", "busybox", "true")
    middle = time.time()
    time.sleep(0.05)
    engine.docker("run", "--name", "late", "busybox", "true")

    def names(*options):
        return {event["Actor"]["Attributes"].get("name") for event in past(engine, "--filter", "type=container", *options)} & {"early", "late"}
    assert names("--since", f"{middle:.9f}") == {"late"}
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(middle)) + f".{int(middle % 1 * 10**9):09d}Z"
    assert names("--since", stamp) == {"late"}
    assert names("--since", "10m") == {"early", "late"}
    lines = engine.docker("events", "--since", "0", "--until", f"{middle:.9f}", "--filter", "type=container", "--format", "{{.Actor.Attributes.name}}").stdout.split()
    assert "early" in lines and "late" not in lines
    refused = engine.docker("events", "--since", "20", "--until", "10", check=False)
    assert refused.returncode == 1 and "cannot be after" in refused.stderr


def test_the_last_256_can_be_read_again(engine):
    engine.docker("create", "--name", "many", "busybox", "true")
    names = ["many", "many2"]
    for turn in range(130):
        engine_rename(engine, names[turn % 2], names[(turn + 1) % 2])
    for turn in range(130):
        engine_rename(engine, names[turn % 2], names[(turn + 1) % 2])
    assert len(past(engine)) == 256


def engine_rename(engine, old, new):
    with socket.socket(socket.AF_UNIX) as wire:
        wire.connect(str(engine.socket))
        wire.sendall(f"POST /containers/{old}/rename?name={new} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        assert b" 204 " in wire.recv(100)


def test_a_follower_sees_them_at_once(cli):
    # From now on, however long it takes the client to ask.
    follower = cli.popen("events", "--since", f"{time.time():.6f}", "--filter", "container=seen", "--format", "{{.Action}}",
                         stdout=subprocess.PIPE, text=True)
    cli("run", "--rm", "--name", "seen", "busybox", "true")
    expected = ["create", "attach", "start", "die", "destroy"]
    assert [follower.stdout.readline().strip() for _ in expected] == expected
    follower.terminate()
    follower.wait(5)


def test_a_terminal_says_when_it_is_resized(engine):
    import docker
    client = docker.DockerClient(base_url=f"unix://{engine.socket}")
    container = client.containers.run("busybox", ["sleep", "100"], tty=True, detach=True, name="sized")
    container.resize(height=20, width=60)
    found = past(engine, "--filter", "container=sized", "--filter", "event=resize")
    assert attributes(found, "resize")["height"] == "20" and attributes(found, "resize")["width"] == "60"
    container.top()
    assert "top" in actions(past(engine, "--filter", "container=sized"))
    client.close()


def test_the_head_comes_before_anything_happens_and_old_fields_are_there(engine):
    with socket.socket(socket.AF_UNIX) as wire:
        wire.connect(str(engine.socket))
        wire.sendall(b"GET /v1.44/events?filters=%7B%22container%22%3A%5B%22old-fields%22%5D%7D HTTP/1.1\r\nHost: x\r\n\r\n")
        wire.settimeout(3)
        head = wire.recv(4096)
        assert head.startswith(b"HTTP/1.1 200") and b"application/json" in head
        engine.docker("create", "--name", "old-fields", "busybox", "true")
        body = wire.recv(4096)
    event = json.loads(body[body.index(b"{"):body.rindex(b"}") + 1])
    assert event["status"] == "create" and event["from"] == "busybox" and event["id"] == event["Actor"]["ID"]
