# SPDX-License-Identifier: Apache-2.0
"""`hull manifest` beside `docker manifest`: the same lists in the same files, and the same digests in a registry."""
import json
import os
import subprocess

import pytest

from conftest import BIN, docker_cli
from hull_registry import INDEX, descriptor, digest_of, registry  # noqa: F401

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"


class Programs:
    """Both command lines, with one directory of configuration."""

    def __init__(self, directory):
        self.environment = {**os.environ, "DOCKER_CONFIG": str(directory), "DOCKER_HOST": "unix:///nobody/is/here"}

    def __call__(self, program, *arguments, check=True):
        command = str(BIN / "hull") if program == "hull" else docker_cli()
        result = subprocess.run([command, "manifest", *arguments], env=self.environment, capture_output=True, text=True, timeout=60)
        assert not check or result.returncode == 0, result.stdout + result.stderr
        return result


@pytest.fixture
def run(tmp_path):
    return Programs(tmp_path / "config")


def push_image(registry, name, tag, docker=False, **platform):
    config = json.dumps({**platform, "rootfs": {"type": "layers", "diff_ids": []}, "of": name}).encode()
    layer = f"{name}{tag}".encode()
    kinds = ("application/vnd.docker.container.image.v1+json", "application/vnd.docker.image.rootfs.diff.tar.gzip") if docker else (
        "application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar+gzip")
    kind = DOCKER_MANIFEST if docker else "application/vnd.oci.image.manifest.v1+json"
    manifest = {"schemaVersion": 2, "mediaType": kind, "config": descriptor(kinds[0], config, registry.push_blob(name, config)),
                "layers": [descriptor(kinds[1], layer, registry.push_blob(name, layer))]}
    # With line breaks: the digest is that of these very bytes.
    return registry.push_manifest(name, tag, json.dumps(manifest, indent=3).encode(), kind)


@pytest.mark.parametrize("docker", [False, True], ids=["oci", "docker"])
def test_a_list_is_made_annotated_and_pushed_like_dockers(registry, run, docker):
    name = f"list/{'docker' if docker else 'oci'}"
    digests = [push_image(registry, name, "amd64", docker, architecture="amd64", os="linux"),
               push_image(registry, name, "arm", docker, architecture="arm", os="linux", variant="v7")]
    images = [f"{registry.address}/{name}:{tag}" for tag in ("amd64", "arm")]
    pushed = {}
    for program in ("hull", "docker"):
        target = f"{registry.address}/{name}:by-{program}"
        assert run(program, "create", "--insecure", target, *images).stdout == f"Created manifest list {target}\n"
        run(program, "annotate", "--arch", "arm64", "--variant", "v8", "--os-features", "sse4", "--os-version", "6", target, images[1])
        pushed[program] = run(program, "push", "--insecure", target).stdout.strip()
        answer = registry.request("GET", f"/v2/{name}/manifests/by-{program}", headers={"Accept": f"{INDEX}, {DOCKER_LIST}"})
        assert digest_of(answer.body) == pushed[program]
        lines = answer.json()["manifests"]
        assert [line["digest"] for line in lines] == digests
        assert lines[1]["platform"] == {"architecture": "arm64", "os": "linux", "os.version": "6", "os.features": ["sse4"], "variant": "v8"}
        assert answer.json()["mediaType"] == (DOCKER_LIST if docker else INDEX)
    assert pushed["hull"] == pushed["docker"]


def test_either_program_goes_on_with_what_the_other_began(registry, run):
    push_image(registry, "both", "a", architecture="amd64", os="linux")
    push_image(registry, "both", "b", architecture="s390x", os="linux")
    a, b, target = (f"{registry.address}/both:{tag}" for tag in ("a", "b", "list"))
    run("docker", "create", "--insecure", target, a)
    refused = run("hull", "create", "--insecure", target, b, check=False)
    assert refused.returncode == 1 and "refusing to amend an existing manifest list with no --amend flag" in refused.stderr
    run("hull", "create", "--insecure", "--amend", target, b)
    run("hull", "annotate", "--os", "freebsd", "--arch", "amd64", target, b)
    for arguments in ((target,), ("-v", target), (target, b), ("-v", target, b)):
        ours, theirs = (run(program, "inspect", "--insecure", *arguments).stdout for program in ("hull", "docker"))
        assert json.loads(ours) == json.loads(theirs), arguments
    assert run("hull", "inspect", target).stdout == run("docker", "inspect", target).stdout
    assert run("docker", "push", "--insecure", "--purge", target).returncode == 0
    gone = run("hull", "rm", target, check=False)
    assert gone.returncode == 1 and f"No such manifest: {target}" in gone.stderr


def test_inspect_of_what_a_registry_has(registry, run):
    digest = push_image(registry, "remote", "one", architecture="amd64", os="linux")
    one, target = f"{registry.address}/remote:one", f"{registry.address}/remote:list"
    run("hull", "create", "--insecure", target, one)
    run("hull", "push", "--insecure", "-p", target)
    for arguments in ((one,), ("-v", one), (target,), (f"{registry.address}/remote@{digest}",)):
        ours, theirs = (run(program, "inspect", "--insecure", *arguments).stdout for program in ("hull", "docker"))
        assert json.loads(ours) == json.loads(theirs), arguments
    missing = run("hull", "inspect", "--insecure", f"{registry.address}/remote:none", check=False)
    assert missing.returncode == 1 and f"no such manifest: {registry.address}/remote:none" in missing.stderr
    of_list = run("hull", "create", "--insecure", f"{registry.address}/remote:again", target, check=False)
    assert of_list.returncode == 1 and "is a manifest list" in of_list.stderr


def test_images_of_other_repositories_are_mounted(registry, run):
    digest = push_image(registry, "source/one", "1", architecture="amd64", os="linux")
    target = f"{registry.address}/target/list:1"
    run("hull", "create", "--insecure", target, f"{registry.address}/source/one:1")
    output = run("hull", "push", "--insecure", target).stdout
    assert f"Pushed ref {registry.address}/target/list@{digest} with digest: {digest}" in output
    assert registry.request("GET", f"/v2/target/list/manifests/{digest}").status == 200
    run("hull", "create", "--insecure", "elsewhere.example/list:1", f"{registry.address}/source/one:1")
    refused = run("hull", "push", "elsewhere.example/list:1", check=False)
    assert refused.returncode == 1 and "cannot use source images from a different registry than the target image" in refused.stderr


@pytest.mark.parametrize("arguments, expected", [
    (("annotate", "none:1", "image:1"), "manifest for image image:1 does not exist in none:1"),
    (("push", "none:1"), "docker.io/library/none:1 not found"),
    (("rm", "none:1", "none:2"), "No such manifest: docker.io/library/none:1\nNo such manifest: docker.io/library/none:2"),
    (("create", "UPPER", "a"), "error parsing name for manifest list UPPER"),
    (("create", "only-a-list"), "requires at least 2 arguments"),
    (("inspect", "a", "b", "c"), "requires at least 1 and at most 2 arguments"),
    (("nonsense",), "unknown command: hull manifest nonsense"),
])
def test_refusals(run, arguments, expected):
    result = run("hull", *arguments, check=False)
    assert result.returncode != 0 and expected in result.stderr, result.stderr


def test_a_platform_that_does_not_exist_is_refused(registry, run):
    push_image(registry, "odd", "1", architecture="amd64", os="linux")
    image, target = f"{registry.address}/odd:1", f"{registry.address}/odd:list"
    run("hull", "create", "--insecure", target, image)
    for program in ("hull", "docker"):
        refused = run(program, "annotate", "--arch", "pdp11", target, image, check=False)
        assert refused.returncode == 1 and "manifest entry for image has unsupported os/arch combination" in refused.stderr


def test_what_refers_to_an_image_is_shown(registry, run):
    digest = push_image(registry, "signed", "1", architecture="amd64", os="linux")
    for kind in ("application/x-signature", "application/x-sbom"):
        empty = registry.push_blob("signed", b"{}")
        registry.push_manifest("signed", digest_of(text := json.dumps({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "artifactType": kind,
            "config": descriptor("application/vnd.oci.empty.v1+json", b"{}", empty), "layers": [],
            "subject": {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": 1}}).encode()), text)
    found = json.loads(run("hull", "referrers", f"{registry.address}/signed:1").stdout)["manifests"]
    assert sorted(one["artifactType"] for one in found) == ["application/x-sbom", "application/x-signature"]
    one = json.loads(run("hull", "referrers", "--artifact-type", "application/x-sbom", f"{registry.address}/signed@{digest}").stdout)
    assert [line["artifactType"] for line in one["manifests"]] == ["application/x-sbom"]
