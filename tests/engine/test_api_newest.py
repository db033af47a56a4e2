# SPDX-License-Identifier: Apache-2.0
"""What came with the versions 1.52 to 1.56 of the Engine API, and what those before go on to see."""
import json
import os
import time

import pytest

from conftest import SLOT
from test_api import api  # noqa: F401
from test_api_versions import BOX, MAC, created, inspected
from test_limits import DISK, device_number, needs_disk, v1_only

SUBNET, SUBNET6 = f"10.{60 + SLOT % 40}.174.0/24", f"fd00:{SLOT:x}:{os.getpid() % 65536:x}:52::/64"


def lines(api, path, accept=None):  # noqa: F811
    answer = api("GET", path, headers={"Accept": accept} if accept else {})
    assert answer.status == 200, answer.body
    return answer.headers["Content-Type"], answer.body


@pytest.fixture
def happened(engine):
    """The path of two events that are over."""
    began = time.time()
    engine.docker("volume", "create", "gone")
    engine.docker("volume", "rm", "gone")
    return f"events?since={began:.9f}&until={time.time():.9f}&filters=" + '{"volume":["gone"]}'


@pytest.mark.parametrize("version, accept, expected", [
    ("1.51", None, "application/json"), ("1.52", None, "application/jsonl"), ("1.56", "*/*", "application/jsonl"),
    ("1.51", "application/x-ndjson", "application/x-ndjson"), ("1.56", "application/json-seq", "application/json-seq"),
    ("1.56", "application/x-ndjson;q=0.5, application/json-seq; q=0.7", "application/json-seq"),
    ("1.56", "application/json-seq;q=0, text/plain", "application/jsonl"),
    ("1.56", "application/json-seq, application/jsonl", "application/jsonl")])
def test_events_come_in_the_form_that_was_asked_for(api, happened, version, accept, expected):  # noqa: F811
    media_type, body = lines(api, f"/v{version}/{happened}", accept)
    assert media_type == expected
    records = body.splitlines(keepends=True)
    if expected == "application/json-seq":
        assert all(record.startswith(b"\x1e") for record in records)
        records = [record[1:] for record in records]
    assert [json.loads(record)["Action"] for record in records] == ["create", "destroy"]
    assert all(record.endswith(b"}\n") for record in records)


def test_events_without_the_fields_of_1_21(api):  # noqa: F811
    identity = created(api, {}, name="told")["Id"]
    path = f"events?since=0&until={time.time():.9f}&filters=" + json.dumps({"container": [identity]}, separators=(",", ":"))
    old, new = (json.loads(lines(api, f"/v{version}/{path}")[1]) for version in ("1.51", "1.52"))
    assert (old.pop("status"), old.pop("id"), old.pop("from")) == ("create", identity, "busybox")
    assert old == new


def test_the_place_on_the_default_bridge_is_among_the_networks(api, engine):  # noqa: F811
    identity = engine.docker("run", "-d", "--mac-address", MAC, "busybox", "sleep", "60").stdout.strip()
    old, new = (inspected(api, identity, version) for version in ("1.51", "1.52"))
    assert set(new["NetworkSettings"]) == {"SandboxID", "SandboxKey", "Ports", "Networks"}
    assert set(new["NetworkSettings"]) < set(old["NetworkSettings"]) and old["NetworkSettings"]["IPAddress"]
    assert new["NetworkSettings"]["Networks"] == old["NetworkSettings"]["Networks"]
    assert old["Config"]["MacAddress"] == new["Config"]["MacAddress"] == MAC
    assert "OnBuild" in old["Config"] and "OnBuild" not in new["Config"]


def test_what_create_warns_of(api):  # noqa: F811
    ports = {"HostConfig": {"PortBindings": {"80/tcp": [], "81/udp": None, "82/tcp": [{"HostPort": "0"}]}}}
    warnings = created(api, ports, "1.52")["Warnings"]
    assert warnings == ["Following container port(s) have an empty list of port-bindings: 80/tcp, 81/udp. "
                        "Such bindings will be discarded in a future version."]
    assert created(api, ports, "1.51")["Warnings"] == []


def test_inspect_of_an_image_leaves_out_what_is_empty(api):  # noqa: F811
    old, new = (api("GET", f"/v{version}/images/busybox/json").json for version in ("1.51", "1.52"))
    empty = {"Env", "Cmd", "Entrypoint", "Labels", "OnBuild", "User", "Volumes", "WorkingDir"}
    assert empty <= set(old["Config"]) and all(new["Config"].values())
    assert {"Parent", "DockerVersion", "Author"} <= set(old) and not {"Parent", "DockerVersion", "Author"} & set(new)
    assert {key: old[key] for key in new if key != "Config"} == {key: new[key] for key in new if key != "Config"}


def test_how_full_a_network_is(api, engine):  # noqa: F811
    engine.docker("network", "create", "--ipv6", "--subnet", SUBNET, "--ip-range", SUBNET.replace(".0/24", ".16/28"),
                  "--aux-address", "printer=" + SUBNET.replace(".0/24", ".20"), "--subnet", SUBNET6, "filling")
    try:
        def use(version="1.52"):
            status = api("GET", f"/v{version}/networks/filling").json.get("Status")
            return status and {subnet: (one["IPsInUse"], one["DynamicIPsAvailable"]) for subnet, one in status["IPAM"]["Subnets"].items()}
        # Network, broadcast, gateway and printer, of which the last two are in the range; of IPv6 the routers' address and the gateway.
        assert use() == {SUBNET: (4, 14), SUBNET6: (2, 2**64 - 2)} and use("1.51") is None
        engine.docker("run", "-d", "--name", "in", "--network", "filling", "busybox", "sleep", "60")
        assert use() == {SUBNET: (5, 13), SUBNET6: (3, 2**64 - 3)}
        engine.docker("run", "-d", "--name", "out", "--network", "filling", "--ip", SUBNET.replace(".0/24", ".99"), "busybox", "sleep", "60")
        assert use() == {SUBNET: (6, 13), SUBNET6: (4, 2**64 - 4)}
        engine.docker("rm", "-f", "in", "out")
        assert use() == {SUBNET: (4, 14), SUBNET6: (2, 2**64 - 2)}
        assert api("GET", "/v1.52/networks/none").json["Status"] == {"IPAM": {}}
        assert "Status" not in api("GET", "/v1.52/networks").json[0]
    finally:
        engine.remove_containers()
        engine.docker("network", "rm", "filling")


def test_the_disk_in_sums(api, engine):  # noqa: F811
    engine.docker("volume", "create", "idle")
    engine.docker("run", "-d", "-v", "used:/data", "busybox", "sh", "-c", "head -c 100000 /dev/zero > /data/file; exec sleep 60")
    engine.docker("run", "busybox", "sh", "-c", "head -c 50000 /dev/zero > /file")
    try:
        old, both, new = (api("GET", f"/v{version}").json for version in ("1.51/system/df", "1.52/system/df", "1.52/system/df?verbose=1"))
        lists, sums = {"LayersSize", "Images", "Containers", "Volumes", "BuildCache"}, {"ImageUsage", "ContainerUsage", "VolumeUsage", "BuildCacheUsage"}
        assert set(old) == lists and set(both) == lists | sums and set(new) == sums
        assert {kind: both[kind] for kind in lists - {"Containers"}} == {kind: old[kind] for kind in lists - {"Containers"}}
        for kind in sums:
            assert "Items" not in both[kind] and {key: one for key, one in new[kind].items() if key != "Items"} == both[kind]
        containers, volumes, images = new["ContainerUsage"], new["VolumeUsage"], new["ImageUsage"]
        assert (containers["TotalCount"], containers["ActiveCount"]) == (2, 1)
        ended = next(one for one in containers["Items"] if one["State"] == "exited")
        assert containers["Reclaimable"] == ended["SizeRw"] >= 50000
        assert containers["TotalSize"] == sum(one["SizeRw"] for one in containers["Items"])
        assert (volumes["TotalCount"], volumes["ActiveCount"]) == (2, 1) and volumes["TotalSize"] >= 100000
        assert images["TotalSize"] == old["LayersSize"] and images["ActiveCount"] == 1 and images["TotalCount"] == len(images["Items"])
        assert set(api("GET", "/v1.52/system/df?verbose=1&type=volume").json) == {"VolumeUsage"}
    finally:
        engine.remove_containers()
        engine.docker("volume", "rm", "used", "idle")


def test_several_platforms_of_an_archive(api):  # noqa: F811
    here = api("GET", "/images/busybox/json").json["Architecture"]
    own, other = (json.dumps({"os": "linux", "architecture": name}, separators=(",", ":")) for name in (here, "riscv64"))
    path = "images/busybox/get?platform="
    assert api("GET", f"/v1.51/{path}{own}&platform={own}").message == (
        "multiple platform parameters are not supported in this API version; use API version 1.52 or later")
    assert api("GET", f"/v1.52/{path}{own}&platform={own}").headers["Content-Type"] == "application/x-tar"
    assert "does not provide the specified platform (linux/riscv64)" in api("GET", f"/v1.52/{path}{own}&platform={other}").message


def test_logs_as_objects(api, engine):  # noqa: F811
    identity = engine.docker("run", "-d", "-l", "team=blue", "--log-opt", "labels=team", "busybox", "sh", "-c",
                             "echo out; sleep 0.1; echo err >&2").stdout.strip()
    engine.docker("wait", identity)
    path = f"containers/{identity}/logs?stdout=1&stderr=1&details=1"
    for accept, query, media_type in ((None, "&format=json", "application/x-ndjson"), ("application/jsonl", "", "application/jsonl"),
                                      ("application/json-seq", "&format=json", "application/json-seq")):
        answer = lines(api, f"/v1.54/{path}{query}", accept)
        assert answer[0] == media_type
        records = [json.loads(line.lstrip(b"\x1e")) for line in answer[1].splitlines()]
        assert [(one["Line"], one["Source"], one["Attrs"]) for one in records] == [
            ("out\n", "stdout", [{"Key": "team", "Value": "blue"}]), ("err\n", "stderr", [{"Key": "team", "Value": "blue"}])]
        assert records[0]["Timestamp"] < records[1]["Timestamp"]
    assert lines(api, f"/v1.53/{path}&format=json")[0] == "application/vnd.docker.multiplexed-stream"
    assert lines(api, f"/v1.56/{path}", "*/*")[0] == "application/vnd.docker.multiplexed-stream"
    wrong = api("GET", f"/v1.54/{path}&format=xml")
    assert (wrong.status, wrong.message) == (400, "unsupported log format")


def test_who_signed_an_image_is_asked_for_beside_its_manifests(api):  # noqa: F811
    assert api("GET", "/v1.54/images/json?identity=1").message == "conflicting options: identity requires manifests=1"
    assert api("GET", "/v1.54/images/json?identity=1&manifests=1").status == 200
    assert api("GET", "/v1.53/images/json?identity=1").status == 200


@v1_only
@needs_disk
def test_rules_of_devices_are_updated_and_taken_away(api, engine):  # noqa: F811
    identity = created(api, {"HostConfig": {"BlkioDeviceReadBps": [{"Path": DISK, "Rate": 1 << 20}]}})["Id"]
    engine.docker("start", identity)

    def update(changes, version="1.55"):
        answer = api("POST", f"/v{version}/containers/{identity}/update", changes)
        assert answer.status == 200, answer.body
        kept = inspected(api, identity)["HostConfig"]
        files = ("read_bps_device", "write_iops_device")
        group = f"/sys/fs/cgroup/blkio/{engine.cgroup_parent.lstrip('/')}/{identity}"
        values = [open(f"{group}/blkio.throttle.{file}").read().strip() for file in files]
        return [kept["BlkioDeviceReadBps"], kept["BlkioDeviceWriteIOps"]], values

    number = device_number(DISK)
    slow, few = [{"Path": DISK, "Rate": 2 << 20}], [{"Path": DISK, "Rate": 300}]
    assert update({"BlkioDeviceReadBps": slow}, "1.54")[1] == [f"{number} {1 << 20}", ""], "not looked at before 1.55"
    kept, values = update({"BlkioDeviceReadBps": slow, "BlkioDeviceWriteIOps": few})
    assert kept == [slow, few] and values == [f"{number} {2 << 20}", f"{number} 300"]
    kept, values = update({"BlkioDeviceReadBps": [], "CpuShares": 512})
    assert not kept[0] and kept[1] == few and values == ["", f"{number} 300"]
    kept, values = update({"BlkioDeviceWriteIOps": []})
    assert not kept[1] and values == ["", ""]
