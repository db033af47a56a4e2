# SPDX-License-Identifier: Apache-2.0
"""The registry while it is killed, while its disk is full, and while garbage is collected under it."""
import http.client
import json
import os
import random
import signal
import subprocess
import threading
import time

from conftest import wait_until
from hull_registry import MANIFEST, digest_of, new_registry, with_query  # noqa: F401


def test_an_upload_survives_kill_9(new_registry):
    server = new_registry()
    data = os.urandom(8_000_000)
    location = server.begin("crash")
    connection = server.stuck_patch(location, data, 5_000_000)
    server.kill()
    connection.close()
    server.start()
    begin = server.received(location)
    assert 4_000_000 <= begin <= 5_000_000
    rest = server.request("PATCH", location, data[begin:], {"Content-Range": f"{begin}-{len(data) - 1}"})
    assert rest.status == 202
    server.kill()
    server.start()
    done = server.request("PUT", with_query(location, digest=digest_of(data)))
    assert done.status == 201
    assert server.request("GET", done.headers["Location"]).body == data


def test_what_was_acknowledged_is_there_after_kill_9_at_any_moment(new_registry):
    server = new_registry()
    rng = random.Random(4)
    acknowledged = {}
    for round_number in range(8):
        stop = threading.Event()

        def push(worker, round_number=round_number):
            count = 0
            while not stop.is_set():
                name, tag = f"any/{worker}", f"t{round_number}-{count}"
                layer = os.urandom(30_000)
                try:
                    digest = server.push_image(name, tag, layer=layer)
                except (OSError, http.client.HTTPException):
                    return  # it was killed: nothing was promised
                acknowledged[name, tag] = digest, digest_of(layer), layer
                count += 1

        workers = [threading.Thread(target=push, args=(n,)) for n in range(3)]
        [worker.start() for worker in workers]
        time.sleep(0.1 + rng.random() * 0.15)
        server.kill()
        stop.set()
        [worker.join() for worker in workers]
        server.start()
    assert len(acknowledged) > 10
    for (name, tag), (digest, layer_digest, layer) in acknowledged.items():
        answer = server.request("GET", f"/v2/{name}/manifests/{tag}")
        assert answer.status == 200 and digest_of(answer.body) == digest
        assert server.request("GET", f"/v2/{name}/blobs/{layer_digest}").body == layer
    # And what a crash left half done goes away, without anything that is needed.
    for path in server.root.glob("repositories/any/*/_uploads/*"):
        os.utime(path, (0, 0))
    assert server.hull("gc", "--grace", "0s").returncode == 0
    assert list(server.root.glob("repositories/any/*/_uploads/*")) == []
    for (name, tag), (_, layer_digest, layer) in acknowledged.items():
        assert server.request("GET", f"/v2/{name}/blobs/{layer_digest}").body == layer


def test_garbage_collection_takes_nothing_from_those_who_push(new_registry):
    """Images share layers that come and go; collectors run all the time; every push that is acknowledged is whole."""
    server = new_registry()
    stop, failures, pushed = threading.Event(), [], []
    layers = [os.urandom(20_000) for _ in range(4)]

    def push(worker):
        rng = random.Random(worker)
        count = 0
        while not stop.is_set():
            name, tag = f"gc/{rng.randrange(2)}", f"w{worker}-{count}"
            layer = rng.choice(layers)
            digest = digest_of(layer)
            # As clients do it: ask, and send only what is missing.
            if server.request("HEAD", f"/v2/{name}/blobs/{digest}").status != 200:
                mounted = server.request("POST", f"/v2/{name}/blobs/uploads/?mount={digest}&from=gc/{rng.randrange(2)}")
                if mounted.status == 202:
                    done = server.request("PUT", with_query(mounted.headers["Location"], digest=digest), layer)
                    assert done.status == 201, done.body
            config = json.dumps({"tag": tag}).encode()
            time.sleep(rng.random() * 0.05)
            manifest = {"schemaVersion": 2, "mediaType": MANIFEST,
                        "config": {"mediaType": "c/d", "size": len(config), "digest": server.push_blob(name, config)},
                        "layers": [{"mediaType": "e/f", "size": len(layer), "digest": digest}]}
            answer = server.request("PUT", f"/v2/{name}/manifests/{tag}", json.dumps(manifest).encode(), {"Content-Type": MANIFEST})
            if answer.status != 201:
                failures.append(answer.body)
                return
            if rng.random() < 0.7:  # most go again, so that their layers become garbage
                server.request("DELETE", f"/v2/{name}/manifests/{answer.headers['Docker-Content-Digest']}")
            else:
                pushed.append((name, tag, digest))
            count += 1

    def collect():
        while not stop.is_set():
            result = server.hull("gc", "--grace", "1s", "--untagged", check=False)
            if result.returncode != 0 and "another process" not in result.stderr:
                failures.append(result.stderr)

    threads = [threading.Thread(target=push, args=(n,)) for n in range(4)] + [threading.Thread(target=collect) for _ in range(2)]
    [thread.start() for thread in threads]
    time.sleep(6)
    stop.set()
    [thread.join() for thread in threads]
    assert not failures, failures[:3]
    assert len(pushed) > 20
    for name, tag, digest in pushed:
        assert server.request("GET", f"/v2/{name}/manifests/{tag}").status == 200
        assert digest_of(server.request("GET", f"/v2/{name}/blobs/{digest}").body) == digest


def test_a_full_disk_is_said_and_freed(new_registry, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk], check=True)
    try:
        server = new_registry(root=disk / "root")
        kept = server.push_blob("full", os.urandom(1_000_000))
        big = os.urandom(12_000_000)
        for attempt in range(2):
            location = server.begin("full")
            answer = server.request("PATCH", location, big)
            assert answer.status == 507 and "disk is full" in answer.json()["errors"][0]["message"]
            assert server.request("GET", location).status == 404  # what had come does not keep the disk full
        single = server.request("POST", with_query("/v2/full/blobs/uploads/", digest=digest_of(big)), big)
        assert single.status == 507
        assert server.push_blob("full", os.urandom(3_000_000))
        assert server.request("GET", f"/v2/full/blobs/{kept}").status == 200
        server.close()
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_client_that_vanishes_in_the_middle_of_a_pull_costs_nothing(new_registry):
    server = new_registry()
    digest = server.push_blob("vanish", os.urandom(20_000_000))
    for _ in range(50):
        connection = server.connect()
        connection.request("GET", f"/v2/vanish/blobs/{digest}")
        response = connection.getresponse()
        response.read(1000)
        connection.close()
    count = lambda kind: len(os.listdir(f"/proc/{server.process.pid}/{kind}"))
    wait_until(lambda: count("fd") < 20 and count("task") < 10)
    assert server.request("GET", "/v2/").status == 200


def successor_of(server, old):
    """The process that serves after a handover: the newest hull-registry with our root."""
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != old:
            try:
                line = open(f"/proc/{entry}/cmdline", "rb").read()
            except OSError:
                continue
            if str(server.root).encode() in line and b"hull-registry" in line:
                return int(entry)
    return None


def test_a_handover_drops_no_connection(new_registry):
    server = new_registry()
    blob = os.urandom(30_000_000)
    digest = server.push_blob("handover", blob)
    upload = server.begin("handover")
    # A pull and a push are under way, and a connection is idle between two requests.
    slow = server.connect()
    slow.request("GET", f"/v2/handover/blobs/{digest}")
    pull = slow.getresponse()
    received = pull.read(1000)
    push = server.stuck_patch(upload, blob, 1_000_000)
    idle = server.connect()
    idle.request("GET", "/v2/")
    idle.getresponse().read()
    # And clients come all the time.
    stop, failures = threading.Event(), []

    def ask():
        while not stop.is_set():
            try:
                assert server.request("GET", "/v2/").status == 200
            except (OSError, AssertionError, http.client.HTTPException) as error:
                failures.append(repr(error))

    askers = [threading.Thread(target=ask) for _ in range(4)]
    [asker.start() for asker in askers]
    old = server.process.pid
    new = None
    try:
        server.process.send_signal(signal.SIGUSR2)
        server.wait_for_log("a new process serves")
        new = successor_of(server, old)
        assert new
        time.sleep(0.3)
        idle.request("GET", "/v2/")
        last = idle.getresponse()
        assert last.status == 200 and last.headers["Connection"] == "close"
        received += pull.read()
        assert received == blob
        push.send(blob[1_000_000:])
        answer = push.getresponse()
        assert answer.status == 202
        answer.read()
        done = server.request("PUT", with_query(upload, digest=digest))  # the successor finishes what we received
        assert done.status == 201
        [connection.close() for connection in (slow, push, idle)]
        assert server.process.wait(10) == 0
        time.sleep(0.2)
        stop.set()
        [asker.join() for asker in askers]
        assert not failures, failures[:3]
        assert server.request("GET", f"/v2/handover/blobs/{digest}").status == 200
    finally:
        stop.set()
        if new:
            os.kill(new, signal.SIGTERM)


def test_a_successor_that_cannot_start_changes_nothing(new_registry):
    server = new_registry()
    (server.root / "layout").write_text("99\n")
    server.process.send_signal(signal.SIGUSR2)
    server.wait_for_log("no handover: the new process does not serve; this one goes on")
    assert server.request("GET", "/v2/").status == 200
