# SPDX-License-Identifier: Apache-2.0
"""Images as archives (save, load), their history, and the space that goes when they go."""
import hashlib
import io
import json
import shutil
import subprocess
import tarfile
import tempfile
import time

import pytest


def members(path):
    with tarfile.open(path) as tar:
        return {m.name: tar.extractfile(m).read() if m.isfile() else None for m in tar}


def layered(cli, name):
    """An image of two layers."""
    cli("run", "--name", f"base-{cli.name}", "busybox", "sh", "-c",
        "rm /bin/false; mkdir /d; for i in 1 2 3; do echo $i >/d/$i; done; ln /d/1 /d/hard; ln -s 1 /d/soft; mkdir '/d/" + "x" * 150 + "'")
    cli("commit", f"base-{cli.name}", name)
    cli("rm", f"base-{cli.name}")


def test_save_is_docker_archive_and_oci_layout_at_once(cli, tmp_path):
    name = f"saved-{cli.name}"
    layered(cli, name)
    cli("tag", name, f"{name}:v2")
    cli("save", "-o", tmp_path / "a.tar", name, "busybox:latest")
    found = members(tmp_path / "a.tar")
    for path, content in found.items():
        if path.startswith("blobs/sha256/") and content is not None:
            assert hashlib.sha256(content).hexdigest() == path.rsplit("/", 1)[1]
    manifest = json.loads(found["manifest.json"])
    assert [sorted(entry["RepoTags"]) for entry in manifest] == [[f"{name}:latest", f"{name}:v2"], ["busybox:latest"]]
    assert json.loads(found["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    index = json.loads(found["index.json"])
    assert len(index["manifests"]) == 3
    for entry in manifest:
        config = json.loads(found[entry["Config"]])
        assert ["blobs/sha256/" + digest.removeprefix("sha256:") for digest in config["rootfs"]["diff_ids"]] == entry["Layers"]
        assert all(layer in found for layer in entry["Layers"])
    cli("save", "-o", tmp_path / "b.tar", name, "busybox:latest")
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()
    # Without the image again: the same id, and it runs.
    identifier = cli.engine.inspect(name, "{{.Id}}")
    cli("rmi", name, f"{name}:v2")
    output = cli("load", "-i", tmp_path / "a.tar").stdout
    assert f"Loaded image: {name}:latest" in output and f"Loaded image: {name}:v2" in output
    assert cli.engine.inspect(name, "{{.Id}}") == identifier
    assert cli("run", "--rm", name, "ls", "/bin/false", check=False).returncode == 1
    assert cli("run", "--rm", name, "cat", "/d/hard", "/d/soft").stdout == "1\n1\n"
    # What was loaded can be saved again.
    cli("save", "-o", tmp_path / "c.tar", name, "busybox:latest")
    assert (tmp_path / "c.tar").read_bytes() == (tmp_path / "a.tar").read_bytes()
    cli("rmi", name, f"{name}:v2")


def test_load_keeps_parents_and_says_which_names_move(cli, tmp_path):
    def made_of(image, name):
        cli("run", "--name", "source", image, "touch", f"/{name}")
        made = cli("commit", "source").stdout.strip()
        cli("rm", "source")
        return made
    below = made_of("busybox", "below")
    above = made_of(below, "above")
    cli("save", "-o", tmp_path / "both.tar", above, below)
    cli("save", "-o", tmp_path / "alone.tar", above)
    cli("rmi", above, below)
    cli("load", "-i", tmp_path / "both.tar")
    assert cli.engine.inspect(above, "{{.Parent}}") == below
    assert cli.engine.inspect(below, "{{.Parent}}") == ""  # busybox is not in the archive
    cli("rmi", above)
    cli("load", "-i", tmp_path / "alone.tar")
    assert cli.engine.inspect(above, "{{.Parent}}") == ""

    cli("tag", above, "moving:1")
    cli("save", "-o", tmp_path / "named.tar", "moving:1")
    cli("tag", below, "moving:1")
    said = cli("load", "-i", tmp_path / "named.tar").stdout
    assert f"The image moving:1 already exists, renaming the old one with ID {below} to empty string\nLoaded image: moving:1" in said
    assert "already exists" not in cli("load", "-i", tmp_path / "named.tar").stdout
    cli("rmi", "moving:1", below)


def test_save_to_a_pipe_and_by_id(cli, tmp_path):
    identifier = cli.engine.inspect("busybox", "{{.Id}}")
    body = cli("save", identifier, text=False).stdout
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        assert json.load(tar.extractfile("manifest.json"))[0]["RepoTags"] is None
    assert "No such image: nothing:at-all" in cli("save", "nothing:at-all", check=False, text=True).stderr


@pytest.mark.parametrize("tool", ["skopeo", "podman"])
def test_other_tools_read_it(engine, tmp_path, tool):
    if not shutil.which(tool):
        pytest.skip(f"needs {tool}")
    engine.hull("save", "-o", tmp_path / "a.tar", "busybox")
    if tool == "skopeo":
        for transport in ("docker-archive", "oci-archive"):
            subprocess.run(["skopeo", "copy", "--insecure-policy", f"{transport}:{tmp_path}/a.tar:busybox:latest"
                            if transport == "docker-archive" else f"{transport}:{tmp_path}/a.tar", f"dir:{tmp_path}/{transport}"],
                           check=True, capture_output=True)
            # And back, as an OCI archive with compressed layers.
        subprocess.run(["skopeo", "copy", "--insecure-policy", f"dir:{tmp_path}/docker-archive", f"oci-archive:{tmp_path}/o.tar:docker.io/library/by-skopeo:1"],
                       check=True, capture_output=True)
        assert "by-skopeo:1" in engine.hull("load", "-i", tmp_path / "o.tar").stdout
        assert engine.hull("run", "--rm", "by-skopeo:1", "echo", "works").stdout == "works\n"
        engine.hull("save", "-o", tmp_path / "again.tar", "by-skopeo:1")
        engine.hull("rmi", "by-skopeo:1")
        assert "by-skopeo:1" in engine.hull("load", "-i", tmp_path / "again.tar").stdout
        engine.hull("rmi", "by-skopeo:1")
    else:
        with tempfile.TemporaryDirectory(dir="/tmp", prefix="pd") as short:  # podman wants a short path
            storage = ["podman", "--root", f"{short}/root", "--runroot", f"{short}/run", "--storage-driver", "vfs"]
            loaded = subprocess.run([*storage, "load", "-i", tmp_path / "a.tar"], capture_output=True, text=True)
            assert loaded.returncode == 0 and "busybox:latest" in loaded.stdout + loaded.stderr, loaded.stderr
            # And back, in each of its formats.
            identifier = engine.inspect("busybox", "{{.Id}}")
            for format in ("docker-archive", "oci-archive"):
                subprocess.run([*storage, "tag", "busybox:latest", f"localhost/by-podman:{format}"], check=True, capture_output=True)
                subprocess.run([*storage, "save", "--format", format, "-o", tmp_path / f"{format}.tar", f"localhost/by-podman:{format}"],
                               check=True, capture_output=True)
                assert f"by-podman:{format}" in engine.hull("load", "-i", tmp_path / f"{format}.tar").stdout
                assert engine.inspect(f"localhost/by-podman:{format}", "{{.Id}}") == identifier
                engine.hull("rmi", f"localhost/by-podman:{format}")


def test_history(cli):
    name = f"history-{cli.name}"
    layered(cli, name)
    assert len(cli("history", "-q", name).stdout.split()) == 2
    whole = cli("history", "--no-trunc", "--format", "{{.CreatedBy}}", name).stdout.splitlines()
    assert whole[0].startswith("sh -c rm /bin/false") and "x" * 150 in whole[0]
    sizes = cli("history", "-H=false", "--format", "{{.Size}}", name).stdout.split()
    assert int(sizes[0]) == 8 or int(sizes[0]) == 6
    cli("rmi", name)


def test_space_is_given_back(own_engine, busybox):
    engine = own_engine
    engine.docker("run", "--name", "writer", "-v", "/anonymous", "-v", "named:/named", "busybox", "sh", "-c",
                  "head -c 1000000 /dev/zero >/big; echo 1 >/anonymous/x; echo 22 >/named/y")
    listed = json.loads(engine.docker("ps", "-a", "-s", "--format", "json").stdout)
    assert listed["Size"].startswith("1MB (virtual ")
    inspected = json.loads(engine.docker("inspect", "-s", "writer").stdout)[0]
    assert 1000000 <= inspected["SizeRw"] <= 1000100 and inspected["SizeRootFs"] > inspected["SizeRw"]
    engine.docker("commit", "writer", "committed")
    table = {line.split("  ")[0]: line.split() for line in engine.docker("system", "df").stdout.splitlines()[1:]}
    assert table["Images"][1:3] == ["2", "1"] and table["Containers"][1:3] == ["1", "0"]
    assert table["Local Volumes"][2:4] == ["2", "2"]
    for program in ("docker", "hull"):
        verbose = engine.run(program, "system", "df", "-v").stdout
        assert "Images space usage:" in verbose and "committed" in verbose and "writer" in verbose and "named" in verbose
    engine.docker("container", "prune", "-f", "--filter", "label=nobody")
    assert engine.docker("ps", "-aq").stdout
    pruned = engine.hull("container", "prune", "-f").stdout
    assert "Total reclaimed space: 1MB" in pruned
    engine.docker("volume", "prune", "-f")
    assert engine.docker("volume", "ls", "-q").stdout.split() == ["named"]
    engine.hull("volume", "prune", "-f", "-a")
    engine.docker("system", "prune", "-f", "-a", "--volumes")
    assert engine.docker("images", "-q").stdout == "" and engine.docker("volume", "ls", "-q").stdout == ""
    engine.assert_clean()
    for directory in ("blobs/sha256", "layers", "snapshots", "containers", "volumes"):
        assert list((engine.data / directory).iterdir()) == [], directory
    deadline = time.monotonic() + 5  # what is out of sight is deleted in the background
    # (the empty files of ready-… belong to containers that are still to come)
    while [p for p in (engine.data / "incoming").rglob("*") if p.is_file() and "/ready-" not in str(p)]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    usage = json.loads(engine.docker("system", "df", "--format", "json").stdout.splitlines()[0])
    assert usage["Size"] == "0B" and usage["TotalCount"] == "0"


def test_images_as_a_tree(engine):
    engine.docker("tag", "busybox", "tree/other:1")
    holder = engine.docker("run", "-d", "busybox", "sleep", "60").stdout.strip()
    shown = {program: engine.run(program, "images", "--tree").stdout.splitlines() for program in ("hull", "docker")}
    # The same lines, but for docker's warning, legend and colours, and its mark for what is used.
    cells = lambda lines: [line.replace(" U ", " ✔ ").split() for line in lines if line.startswith(("└", "busybox", "tree"))]
    assert cells(line + " " for line in shown["docker"]) == cells(shown["hull"])
    head, *lines = shown["hull"]
    assert head.split() == ["IMAGE", "ID", "DISK", "USAGE", "CONTENT", "SIZE", "USED"]
    assert lines[0] == "busybox:latest" and lines[1].startswith("tree/other:1  ") and lines[1].endswith("✔")
    assert lines[2].startswith("└─ linux/amd64") and lines[2].endswith("✔")
    engine.docker("rm", "-f", holder)
    assert "✔" not in engine.hull("images", "--tree").stdout
    refused = engine.hull("images", "--tree", "-q", check=False)
    assert refused.returncode == 1 and "--quiet is not supported with --tree" in refused.stderr
    engine.docker("rmi", "tree/other:1")
