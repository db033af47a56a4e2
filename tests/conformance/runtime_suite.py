# SPDX-License-Identifier: Apache-2.0
"""The validation suite of the OCI runtime-tools: its programs, and what each may complain of."""
import re

PROGRAMS = """config_updates_without_affect create default delete delete_only_create_resources delete_resources hooks
hooks_stdin hostname kill kill_no_effect killsig linux_cgroups_blkio linux_cgroups_cpus linux_cgroups_devices
linux_cgroups_hugetlb linux_cgroups_memory linux_cgroups_network linux_cgroups_pids linux_cgroups_relative_blkio
linux_cgroups_relative_cpus linux_cgroups_relative_devices linux_cgroups_relative_hugetlb linux_cgroups_relative_memory
linux_cgroups_relative_network linux_cgroups_relative_pids linux_devices linux_masked_paths linux_mount_label
linux_ns_itype linux_ns_nopath linux_ns_path linux_ns_path_type linux_process_apparmor_profile linux_readonly_paths
linux_rootfs_propagation linux_seccomp linux_sysctl linux_uid_mappings misc_props mounts pidfile poststart
poststart_fail poststop poststop_fail prestart prestart_fail process process_capabilities process_capabilities_fail
process_oom_score_adj process_rlimits process_rlimits_fail process_user root_readonly_true start state""".split()

# What fails for the suite's own reasons: the lines that may be "not ok" (a pattern), and why. runc fails each of them too.
KNOWN = {
    "delete": (r"attempting to `delete` a container that is not `stopped` MUST",
               "a container that is created only can be deleted, as with runc and crun: engines rely on it"),
    "delete_resources": (r"pids limit is set correctly", "the suite compares two pointers, not the numbers behind them"),
    "linux_cgroups_pids": (r"pids limit is set correctly", "the suite compares two pointers"),
    "linux_cgroups_relative_pids": (r"pids limit is set correctly", "the suite compares two pointers"),
    "hooks_stdin": (r"MUST be passed to \"prestart\" hook",
                    "it expects the status created, and the specification says creating until create is done"),
    "linux_cgroups_memory": (r"memory kernel is set correctly", "kernels since 5.16 have no limit for kernel memory"),
    "linux_cgroups_relative_memory": (r"memory kernel is set correctly", "kernels since 5.16 have no such limit"),
    "linux_cgroups_blkio": (r"exit status 1", "leaf weights were CFQ's, which went with Linux 5.0"),
    "linux_cgroups_relative_blkio": (r"exit status 1", "leaf weights were CFQ's, which went with Linux 5.0"),
    "misc_props": (r"unknown annotation key", "its bundle lacks the program that it wants to run"),
    "process_capabilities_fail": (r"cannot be mapped to a relevant kernel interface MUST cause an error",
                                  "capabilities that nobody knows are passed over, as runc does since 1.1"),
    "process_rlimits": (r"has expected soft RLIMIT_NOFILE", "the Go runtime of the program that looks raises it itself"),
    "pidfile": (r"option works", "it signals a container whose program, `true`, has mostly ended by then"),
    "start": (r"exit status 1", "it wants a container without process to be created, and its start to succeed"),
}

# With control groups of version 2: what the suite cannot look at. It reads the files of version 1, or says that it does not
# know the other one; tests/vm/test_vm_oci_runtime.py has cases of its own by the same names.
ONLY_VERSION_1 = {name for name in PROGRAMS if "cgroups" in name} | {"delete_resources", "delete_only_create_resources"}


def unexpected(program, code, output):
    """The complaints that are not known."""
    pattern = KNOWN.get(program, (None,))[0]
    complaints = [line for line in output.splitlines() if line.startswith("not ok")]
    if code != 0:
        complaints.append(output.strip().splitlines()[-2] if program == "process_capabilities_fail" else
                          f"exit status {code}")
    return [line for line in complaints if not (pattern and re.search(pattern, line))]
