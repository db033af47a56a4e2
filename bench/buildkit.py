# SPDX-License-Identifier: Apache-2.0
"""BuildKit as a peer of bench/build.py: buildkitd with its OCI worker (runc), and buildctl, as bench/install-buildkit
builds them. There is no registry: `FROM busybox` is a named context, an OCI layout that is written here."""
import gzip
import hashlib
import json
import os
import pathlib
import subprocess
import tempfile

import peers


def write_layout(directory, rootfs):
    """An OCI layout with one image of one layer, the tar `rootfs`; its digest."""
    blobs = pathlib.Path(directory) / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(data, media_type):
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

    plain = pathlib.Path(rootfs).read_bytes()
    layer = blob(gzip.compress(plain, mtime=0), "application/vnd.oci.image.layer.v1.tar+gzip")
    config = blob(json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {
        "type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(plain).hexdigest()]}}).encode(),
        "application/vnd.oci.image.config.v1+json")
    manifest = blob(json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                                "config": config, "layers": [layer]}).encode(), "application/vnd.oci.image.manifest.v1+json")
    (blobs.parent.parent / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (blobs.parent.parent / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))
    return manifest["digest"]


class BuildKit(peers.Engine):
    name = "buildkit"

    def __init__(self, directory, programs, rootfs):
        super().__init__(directory)
        self.programs = programs
        self.layout = os.path.join(self.directory, "layout")
        self.digest = write_layout(self.layout, rootfs)
        # The sockets of its containers have long paths.
        self.root = tempfile.mkdtemp(prefix="bk", dir="/var/tmp")
        self.start_daemon([os.path.join(programs, "buildkitd"), "--root", self.root, "--addr", f"unix://{self.socket}",
                           "--containerd-worker=false", "--oci-worker=true", "--oci-worker-binary", "runc",
                           "--oci-worker-net", "host", "--oci-worker-snapshotter", "overlayfs"],
                          self.control("debug", "workers"))

    def environment(self):
        return {**os.environ, "TMPDIR": "/var/tmp"}

    def control(self, *arguments):
        return [os.path.join(self.programs, "buildctl"), "--addr", f"unix://{self.socket}", *arguments]

    def build(self, context, *flags, output="type=image,name=bench"):
        subprocess.run(self.control(
            "build", "--frontend", "dockerfile.v0", "--local", f"context={context}", "--local", f"dockerfile={context}",
            "--oci-layout", f"busybox={self.layout}", "--opt", f"context:busybox=oci-layout://busybox@{self.digest}",
            "--output", output, "--progress", "plain", *flags), check=True, capture_output=True, env=self.environment())

    def remove_all(self):
        """Nothing of it outlives its directory."""

    def close(self):
        super().close()
        subprocess.run(["rm", "-rf", "--one-file-system", self.root])
