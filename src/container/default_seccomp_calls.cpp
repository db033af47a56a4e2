// SPDX-License-Identifier: Apache-2.0
#include "container/default_seccomp_calls.h"

namespace hull::container {

// clang-format off
const std::string_view kAlwaysAllowedCalls =
    // Files: opening, reading, writing.
    "_llseek cachestat close close_range copy_file_range creat dup dup2 dup3 fadvise64 fadvise64_64 fallocate "
    "fcntl fcntl64 fdatasync flock fsync ftruncate ftruncate64 ioctl lseek memfd_create memfd_secret open openat "
    "openat2 pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readv sendfile sendfile64 "
    "splice sync sync_file_range syncfs tee truncate truncate64 umask vmsplice write writev "
    // Files: names, attributes, directories, mounts to look at.
    "access chdir chmod chown chown32 faccessat faccessat2 fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown "
    "fchown32 fchownat fgetxattr flistxattr fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 "
    "futimesat getcwd getdents getdents64 getxattr getxattrat inotify_add_watch inotify_init inotify_init1 "
    "inotify_rm_watch lchown lchown32 lgetxattr link linkat listmount listxattr listxattrat llistxattr "
    "lremovexattr lsetxattr lstat lstat64 mkdir mkdirat mknod mknodat name_to_handle_at newfstatat readlink "
    "readlinkat removexattr removexattrat rename renameat renameat2 rmdir setxattr setxattrat stat stat64 statfs "
    "statfs64 statmount statx symlink symlinkat unlink unlinkat utime utimensat utimensat_time64 utimes "
    // Memory.
    "brk madvise map_shadow_stack membarrier mincore mlock mlock2 mlockall mmap mmap2 mprotect mremap mseal msync "
    "munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect process_mrelease remap_file_pages "
    // Processes, threads, signals.
    "execve execveat exit exit_group fork futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake "
    "get_robust_list get_thread_area getcpu getpgid getpgrp getpid getppid getpriority getsid gettid ioprio_get "
    "ioprio_set kill landlock_add_rule landlock_create_ruleset landlock_restrict_self pause pidfd_open "
    "pidfd_send_signal prctl restart_syscall riscv_hwprobe rseq rt_sigaction rt_sigpending rt_sigprocmask "
    "rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo "
    "sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam "
    "sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr "
    "sched_setparam sched_setscheduler sched_yield seccomp set_robust_list set_thread_area set_tid_address "
    "setpgid setpriority setsid sigaltstack signalfd signalfd4 sigprocmask sigreturn tgkill tkill uretprobe vfork "
    "wait4 waitid waitpid "
    // Who one is, and how much one may have.
    "capget capset getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getrandom getresgid "
    "getresgid32 getresuid getresuid32 getrlimit getrusage getuid getuid32 prlimit64 setfsgid setfsgid32 setfsuid "
    "setfsuid32 setgid setgid32 setgroups setgroups32 setregid setregid32 setresgid setresgid32 setresuid "
    "setresuid32 setreuid setreuid32 setrlimit setuid setuid32 sysinfo times ugetrlimit uname "
    // Waiting for several things.
    "_newselect epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait "
    "epoll_wait_old eventfd eventfd2 io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 "
    "io_setup io_submit poll ppoll ppoll_time64 pselect6 pselect6_time64 select "
    // Sockets.
    "accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg recvmmsg_time64 "
    "recvmsg send sendmmsg sendmsg sendto setsockopt shutdown socketcall socketpair "
    // System V and POSIX communication.
    "ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 "
    "mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt "
    "shmget "
    // Time.
    "adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 "
    "clock_nanosleep clock_nanosleep_time64 getitimer gettimeofday nanosleep setitimer time timer_create "
    "timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create "
    "timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64";
// clang-format on

}  // namespace hull::container
