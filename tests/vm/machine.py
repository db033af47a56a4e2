# SPDX-License-Identifier: Apache-2.0
"""A virtual machine with Debian's stock kernel over the files of this machine.

The kernel package is downloaded once into build/vm and unpacked there, never installed. QEMU emulates (no KVM
needed); the machine's root is the host's root over 9p, read-only, under an overlay in memory; cgroup v2 is
mounted with all controllers. A second 9p share carries the command in, and its output and status out.
"""
import argparse
import gzip
import io
import os
import pathlib
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile

import pytest

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("HULL_BUILD", HERE.parent.parent / "build")).resolve()
CACHE = BUILD / "vm"
MODULES = ["virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci",
           "netfs", "fscache", "9pnet", "9pnet_virtio", "9p", "overlay"]


class Unavailable(Exception):
    """There is no virtual machine to be had here; the text says why."""


def kernel_tree():
    """The unpacked kernel package: downloads and unpacks it at the first call."""
    tree = CACHE / "kernel"
    if not (tree / "boot").is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        package = next(iter(sorted(CACHE.glob("linux-image-[0-9]*.deb"))), None) or download()
        fresh = pathlib.Path(tempfile.mkdtemp(dir=CACHE))
        subprocess.run(["dpkg", "-x", package, fresh], check=True)
        shutil.rmtree(tree, ignore_errors=True)
        fresh.rename(tree)
    return tree


def download():
    """Fetches the package that linux-image-amd64 stands for."""
    try:
        shown = subprocess.run(["apt-cache", "depends", "linux-image-amd64"],
                               capture_output=True, text=True, check=True)
        name = next(word for word in shown.stdout.split() if word.startswith("linux-image-6"))
        subprocess.run(["apt-get", "download", name], cwd=CACHE, check=True, capture_output=True, timeout=300)
        return next(CACHE.glob(f"{name}_*.deb"))
    except (OSError, StopIteration, subprocess.SubprocessError) as error:
        raise Unavailable(f"the package linux-image-amd64 cannot be downloaded: {error}") from error


def cpio_entry(out, name, mode, data=b""):
    """Appends one file in the "newc" form (Documentation/driver-api/early-userspace/buffer-format.rst)."""
    encoded = name.encode() + b"\0"
    numbers = [0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0]
    out.write(b"070701" + b"".join(b"%08X" % number for number in numbers) + encoded)
    out.write(b"\0" * (-out.tell() % 4))
    out.write(data)
    out.write(b"\0" * (-out.tell() % 4))


def initramfs(tree):
    """The first files of the machine: busybox, the modules for 9p and overlay, init.sh."""
    busybox = shutil.which("busybox")
    if not busybox:
        raise Unavailable("busybox-static is not installed")
    out = io.BytesIO()
    for directory in ("bin", "proc", "dev", "host", "over", "root", "modules"):
        cpio_entry(out, directory, stat.S_IFDIR | 0o755)
    cpio_entry(out, "bin/busybox", stat.S_IFREG | 0o755, pathlib.Path(busybox).read_bytes())
    cpio_entry(out, "init", stat.S_IFREG | 0o755, (HERE / "init.sh").read_bytes())
    order = []
    for module in MODULES:
        found = next(iter(tree.glob(f"lib/modules/*/kernel/**/{module}.ko")), None)
        if found:  # some are built in, depending on the kernel's version
            cpio_entry(out, f"modules/{module}.ko", stat.S_IFREG | 0o644, found.read_bytes())
            order.append(module)
    cpio_entry(out, "modules/order", stat.S_IFREG | 0o644, "\n".join(order).encode())
    cpio_entry(out, "TRAILER!!!", 0)
    path = CACHE / "initramfs.gz"
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_bytes(gzip.compress(out.getvalue(), 1))
    fresh.rename(path)
    return path


def depmod(tree):
    """Lets modprobe find the modules inside the machine; without kmod on the host there are just none to find."""
    version = next((tree / "lib/modules").iterdir()).name
    program = shutil.which("depmod", path="/usr/sbin:/sbin")
    if program and not (tree / "lib/modules" / version / "modules.dep").exists():
        subprocess.run([program, "-b", tree, version], check=True)


def share(path, tag, read_only):
    options = f"local,path={path},mount_tag={tag},security_model=none,multidevs=remap"
    return ["-virtfs", options + (",readonly=on" if read_only else "")]


def run(command, memory=1024, timeout=300, systemd=False, root="/"):
    """Runs the shell text `command` in a fresh machine, with `systemd` as a service of systemd (nothing else is started).
    `root`: whose files the machine has, when not this one's. Gives (exit status, output). Throws Unavailable."""
    if systemd and not os.path.exists(os.path.join(root, "lib/systemd/systemd")):
        raise Unavailable("systemd is not installed")
    qemu = shutil.which("qemu-system-x86_64")
    if not qemu:
        raise Unavailable("qemu-system-x86_64 is not installed")
    if os.uname().machine != "x86_64":
        raise Unavailable("the virtual machine is an x86-64 one")
    tree = kernel_tree()
    depmod(tree)
    with tempfile.TemporaryDirectory(prefix="hull-vm-") as exchange:
        directory = pathlib.Path(exchange)
        (directory / "command").write_text(command + "\n")
        if systemd:
            (directory / "systemd").touch()
        shutil.copy(HERE / "second.sh", directory)
        argv = [qemu, "-accel", "tcg", "-cpu", "max", "-smp", "2", "-m", str(memory), "-no-reboot", "-nographic",
                "-nic", "none", "-append", "console=ttyS0 quiet panic=-1",
                "-kernel", str(next((tree / "boot").glob("vmlinuz-*"))), "-initrd", str(initramfs(tree)),
                *share(root, "host", True), *share(tree / "lib/modules", "modules", True), *share(exchange, "exchange", False)]
        try:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False)
            console = (done.stdout + done.stderr).decode(errors="replace")
        except subprocess.TimeoutExpired as late:
            console = f"no answer within {timeout} s\n" + (late.stdout or b"").decode(errors="replace")
        output, status = directory / "output", directory / "status"
        text = output.read_text(errors="replace") if output.exists() else ""
        if not status.exists():
            return 255, text + "\nthe virtual machine ended without a status; its console:\n" + console
        return int(status.read_text()), text


def main():
    parser = argparse.ArgumentParser(prog="run.sh", description=__doc__)
    parser.add_argument("--memory", type=int, default=1024, metavar="MiB")
    parser.add_argument("--timeout", type=int, default=300, metavar="seconds")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    if not arguments.command:
        parser.error("no command given")
    try:
        status, output = run(shlex.join(arguments.command), arguments.memory, arguments.timeout)
    except Unavailable as reason:
        print(f"no virtual machine: {reason}", file=sys.stderr)
        return 77
    sys.stdout.write(output)
    return status


if __name__ == "__main__":
    sys.exit(main())


def run_script(name, busybox, *arguments, memory=1024):
    """Runs the script `name` beside this file in a fresh machine, with the directory of the programs, a busybox image to
    import and `arguments`. Gives its output; fails when the script does, skips where there is no machine."""
    tar = BUILD / "vm" / "busybox.tar"
    tar.parent.mkdir(exist_ok=True)
    shutil.copyfile(busybox, tar)
    try:
        status, output = run(" ".join(map(str, [HERE / name, BUILD / "bin", tar, *arguments])), memory, timeout=600)
    except Unavailable as reason:
        pytest.skip(str(reason))
    assert status == 0, output
    return output
