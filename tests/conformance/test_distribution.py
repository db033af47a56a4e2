# SPDX-License-Identifier: Apache-2.0
"""hull's registry under the OCI distribution conformance suite, and with the clients of others."""
import gzip
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile

import pytest

from hull_registry import (Registry, digest_of, go_tool, make_certificate, make_password_file, new_registry,  # noqa: F401
                           registry)

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "bench"))


def run(*command, **options):
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120, **options)
    assert result.returncode == 0, f"{' '.join(map(str, command))}:\n{result.stdout}{result.stderr}"
    return result.stdout


def run_suite(server, directory, version, **variables):
    suite = go_tool("conformance")
    environment = {**os.environ, "OCI_REGISTRY": server.address, "OCI_TLS": "disabled", "OCI_VERSION": version,
                   "OCI_RESULTS_DIR": str(directory), **variables}
    result = subprocess.run([suite], env=environment, capture_output=True, text=True, cwd=directory, timeout=300)
    text = result.stdout + result.stderr
    assert result.returncode == 0, text[-6000:]
    lines = dict(line.strip().split(":", 1) for line in text.splitlines() if ":" in line and ".." in line)
    return {name.rstrip("."): value.strip() for name, value in lines.items()}


@pytest.mark.parametrize("version", ["1.0", "1.1", "dev"])
def test_the_suite_passes_with_everything_on(new_registry, tmp_path, version):
    results = run_suite(new_registry(), tmp_path, version)
    assert results["FAIL"] == "0" and results["Error"] == "0", results
    not_passed = {name for name, value in results.items() if value not in ("Pass",) and not value.isdigit()}
    # What a version of the specification does not have yet, the suite leaves out by itself.
    left_out = {"1.0": {"Blob anonymous mount", "Referrers"}, "1.1": set(), "dev": set()}[version]
    optional = {"Sparse Manifests", "Blob upload cancel", "Manifest put with tag params", "Tag Param", "Tag Param sha512"}
    assert not_passed - left_out <= (optional if version != "dev" else {"Sparse Manifests"}), results


def test_the_suite_passes_over_tls_with_a_password(new_registry, tmp_path):
    certificate = make_certificate(tmp_path)
    passwords = make_password_file(tmp_path / "htpasswd", alice="secret")
    server = new_registry("--htpasswd", passwords, tls=certificate)
    results = run_suite(server, tmp_path, "1.1", OCI_TLS="enabled", OCI_USERNAME="alice", OCI_PASSWORD="secret",
                        SSL_CERT_FILE=str(certificate[0]), SSL_CERT_DIR=str(tmp_path / "none"))
    assert results["FAIL"] == "0" and results["Error"] == "0", results
    assert results["Blob push"] == "Pass" and results["Referrers"] == "Pass"


def make_layout(directory):
    """An image of two layers as an OCI layout; gives the digest of its manifest."""
    blobs = directory / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def add(data):
        digest = digest_of(data)
        (blobs / digest[7:]).write_bytes(data)
        return {"digest": digest, "size": len(data)}

    layers, diffs = [], []
    for number, size in enumerate((1000, 3_000_000)):
        content = directory / f"file{number}"
        content.write_bytes(os.urandom(size))
        path = directory / f"layer{number}.tar"
        with tarfile.open(path, "w") as tar:
            tar.add(content, f"file{number}")
        diffs.append(digest_of(path.read_bytes()))
        layers.append({"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                       **add(gzip.compress(path.read_bytes(), 1, mtime=0))})
        path.unlink(), content.unlink()
    config = add(json.dumps({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/true"]},
                             "rootfs": {"type": "layers", "diff_ids": diffs}}).encode())
    manifest = add(json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                               "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **config},
                               "layers": layers}).encode())
    (directory / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (directory / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [
        {"mediaType": "application/vnd.oci.image.manifest.v1+json", **manifest,
         "annotations": {"org.opencontainers.image.ref.name": "latest"}}]}))
    return manifest["digest"]


@pytest.fixture
def layout(tmp_path):
    directory = tmp_path / "layout"
    directory.mkdir()
    return directory, make_layout(directory)


def need(program):
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")
    return program


def test_skopeo_copies_both_ways(registry, layout, tmp_path):
    need("skopeo")
    directory, digest = layout
    image = f"docker://{registry.address}/skopeo/image:1"
    run("skopeo", "copy", "--dest-tls-verify=false", f"oci:{directory}:latest", image)
    assert json.loads(run("skopeo", "inspect", "--tls-verify=false", image))["Digest"] == digest
    run("skopeo", "copy", "--src-tls-verify=false", image, f"oci:{tmp_path / 'back'}:latest")
    assert json.loads((tmp_path / "back" / "index.json").read_text())["manifests"][0]["digest"] == digest
    # From repository to repository: the blobs are mounted, not sent again.
    run("skopeo", "copy", "--src-tls-verify=false", "--dest-tls-verify=false", image,
        f"docker://{registry.address}/skopeo/other:1")
    assert json.loads(run("skopeo", "list-tags", "--tls-verify=false", f"docker://{registry.address}/skopeo/other"))["Tags"] == ["1"]
    run("skopeo", "delete", "--tls-verify=false", f"docker://{registry.address}/skopeo/other:1")
    assert registry.request("GET", "/v2/skopeo/other/tags/list").json()["tags"] == []


def test_skopeo_over_tls_with_a_password(new_registry, layout, tmp_path):
    need("skopeo")
    server = new_registry("--htpasswd", make_password_file(tmp_path / "htpasswd", alice="secret"),
                          tls=make_certificate(tmp_path))
    image = f"docker://{server.address}/a/b:1"
    run("skopeo", "copy", "--dest-tls-verify=false", "--dest-creds=alice:secret", f"oci:{layout[0]}:latest", image)
    assert json.loads(run("skopeo", "inspect", "--tls-verify=false", "--creds=alice:secret", image))["Digest"] == layout[1]
    wrong = subprocess.run(["skopeo", "inspect", "--tls-verify=false", "--creds=alice:wrong", image], capture_output=True, text=True)
    assert wrong.returncode != 0 and "unauthorized" in wrong.stderr


def test_crane(registry, layout, tmp_path):
    crane = go_tool("crane")
    image = f"{registry.address}/crane/image:1"
    run(crane, "push", "--insecure", layout[0], image)
    assert layout[1] in run(crane, "digest", "--insecure", image)
    assert json.loads(run(crane, "manifest", "--insecure", image))["layers"]
    run(crane, "copy", "--insecure", image, f"{registry.address}/crane/copy:2")
    run(crane, "tag", "--insecure", f"{registry.address}/crane/copy:2", "3")
    assert run(crane, "ls", "--insecure", f"{registry.address}/crane/copy").split() == ["2", "3"]
    assert "crane/copy" in run(crane, "catalog", "--insecure", registry.address).split()
    run(crane, "pull", "--insecure", "--format", "oci", image, tmp_path / "pulled")
    assert layout[1] in (tmp_path / "pulled" / "index.json").read_text()
    run(crane, "delete", "--insecure", f"{registry.address}/crane/copy@{layout[1]}")
    assert run(crane, "ls", "--insecure", f"{registry.address}/crane/copy").split() == []


def test_oras_pushes_artifacts_and_finds_referrers(registry, tmp_path):
    oras = go_tool("oras")
    (tmp_path / "hello.txt").write_text("hello\n")
    (tmp_path / "sbom.json").write_text("{}\n")
    artifact = f"{registry.address}/oras/artifact:v1"
    run(oras, "push", "--plain-http", artifact, "--artifact-type", "application/vnd.test", "hello.txt", cwd=tmp_path)
    run(oras, "attach", "--plain-http", artifact, "--artifact-type", "application/vnd.test.sbom", "sbom.json", cwd=tmp_path)
    found = json.loads(run(oras, "discover", "--plain-http", "--format", "json", artifact))
    assert [one["artifactType"] for one in found.get("referrers", found.get("manifests"))] == ["application/vnd.test.sbom"]
    run(oras, "pull", "--plain-http", "-o", tmp_path / "out", artifact)
    assert (tmp_path / "out" / "hello.txt").read_text() == "hello\n"
    run(oras, "cp", "--from-plain-http", "--to-plain-http", "-r", artifact, f"{registry.address}/oras/copy:v1")
    assert run(oras, "repo", "tags", "--plain-http", f"{registry.address}/oras/copy").split() == ["v1"]


def test_podman_pushes_and_pulls(registry, layout, tmp_path):
    need("podman")
    run_root = tempfile.mkdtemp(prefix="hull-podman-")  # podman refuses long ones
    podman = ["podman", "--root", tmp_path / "storage", "--runroot", run_root, "--storage-driver", "vfs"]
    image = f"{registry.address}/podman/image:1"
    try:
        run(*podman, "pull", f"oci:{layout[0]}:latest")
        identity = run(*podman, "images", "-q").split()[0]
        run(*podman, "push", "--tls-verify=false", identity, image)
        run(*podman, "rmi", "-af")
        run(*podman, "pull", "--tls-verify=false", image)
        assert run(*podman, "images", "-q").split()[0] == identity
    finally:
        subprocess.run([*map(str, podman), "rmi", "-af"], capture_output=True)
        shutil.rmtree(run_root, ignore_errors=True)


def test_docker_pushes_and_pulls(registry, tmp_path_factory):
    if not os.path.exists("/usr/sbin/dockerd"):
        pytest.skip("dockerd is not installed")
    import peers
    directory = tmp_path_factory.mktemp("docker")
    peers.make_busybox_tar(directory / "busybox.tar")
    docker = peers.Docker(str(directory))  # the loopback is an insecure registry by default
    try:
        docker.call("import", str(directory / "busybox.tar"), "busybox")
        image = f"{registry.address}/docker/busybox:1"
        docker.call("tag", "busybox", image)
        docker.call("push", image)
        assert registry.request("HEAD", "/v2/docker/busybox/manifests/1").status == 200
        second = f"{registry.address}/docker/second:1"
        docker.call("tag", "busybox", second)
        assert "Mounted from docker/busybox" in docker.call("push", second).stdout
        docker.call("rmi", image, second, "busybox")
        docker.call("pull", image)
        assert docker.call("run", "--rm", "--network", "none", image, "echo", "hello").stdout == "hello\n"
    finally:
        docker.close()
        shutil.rmtree(directory, ignore_errors=True)


def podman(directory, *arguments, check=True):
    """Podman with a storage of its own."""
    result = subprocess.run(["podman", "--root", directory / "root", "--runroot", directory / "run", "--storage-driver", "vfs", *map(str, arguments)],
                            capture_output=True, text=True, timeout=180)
    assert not check or result.returncode == 0, result.stdout + result.stderr
    return result


def test_podman_pulls_and_pushes(registry, layout):
    need("podman"), need("skopeo")
    run("skopeo", "copy", "--dest-tls-verify=false", f"oci:{layout[0]}:latest", f"docker://{registry.address}/podman/image:1")
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="pd") as short:  # podman wants a short path
        directory, image = pathlib.Path(short), f"{registry.address}/podman/image:1"
        podman(directory, "pull", "--tls-verify=false", image)
        assert podman(directory, "inspect", "--format", "{{.Digest}}", image).stdout.strip() == layout[1]
        podman(directory, "tag", image, f"{registry.address}/podman/again:2")
        podman(directory, "push", "--tls-verify=false", f"{registry.address}/podman/again:2")
        assert registry.request("GET", "/v2/podman/again/tags/list").json()["tags"] == ["2"]
        podman(directory, "push", "--tls-verify=false", "--format", "v2s2", image, f"{registry.address}/podman/docker:1")
        pushed = registry.request("GET", "/v2/podman/docker/manifests/1", headers={"Accept": "*/*"}).json()
        assert pushed["mediaType"] == "application/vnd.docker.distribution.manifest.v2+json" and len(pushed["layers"]) == 2
        podman(directory, "rmi", "-a", "-f")


def test_umoci_unpacks_what_came_back(registry, layout, tmp_path):
    need("umoci"), need("skopeo")
    image = f"docker://{registry.address}/umoci/image:1"
    run("skopeo", "copy", "--dest-tls-verify=false", f"oci:{layout[0]}:latest", image)
    run("skopeo", "copy", "--src-tls-verify=false", image, f"oci:{tmp_path / 'back'}:latest")
    run("umoci", "unpack", "--image", f"{tmp_path / 'back'}:latest", tmp_path / "bundle")
    assert sorted(p.name for p in (tmp_path / "bundle" / "rootfs").iterdir()) == ["file0", "file1"]
