"""The filter of system calls in the sandbox, made by libseccomp and handed to bubblewrap as a BPF program."""

from __future__ import annotations

import ctypes
import errno
import os
import tempfile
from functools import cache
from typing import Any

_LIBRARY = "libseccomp.so.2"
_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_EQUAL, _GREATER, _MASKED_EQUAL = 4, 6, 7  # libseccomp's comparisons
_NAMESPACES = (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)  # clone's flags
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_SET_LEASE = 1024  # fcntl's: whoever owns a file can have others wait for a minute when they open it
_FAMILIES = (1, 2, 10)  # Unix sockets are the kernel's, ZeroMQ asks for IPv4 and IPv6; others lead out of the sandbox
_NETLINK = 16  # ZeroMQ asks its protocol 0 for the interfaces

# Ways to more rights, to other processes' memory, to the kernel's insides, and to memory that nobody counts.
_REFUSED = """
    acct add_key adjtimex bpf chroot clock_adjtime clock_settime delete_module fanotify_init finit_module fsconfig
    fsmount fsopen fspick init_module ioperm iopl kcmp kexec_file_load kexec_load keyctl lookup_dcookie mbind
    migrate_pages modify_ldt mount mount_setattr move_mount move_pages msgget name_to_handle_at nfsservctl
    open_by_handle_at open_tree perf_event_open personality pidfd_getfd pivot_root process_madvise process_vm_readv
    process_vm_writev ptrace quotactl quotactl_fd reboot request_key set_mempolicy setdomainname sethostname setns
    settimeofday shmget swapoff swapon sysfs syslog umount umount2 unshare uselib userfaultfd vhangup vmsplice
"""
# Programs try these first and have another way where a system does not know them.
_UNKNOWN = "clone3 io_uring_enter io_uring_register io_uring_setup memfd_create memfd_secret"


class _Argument(ctypes.Structure):
    _fields_ = (
        ("number", ctypes.c_uint),
        ("comparison", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


@cache
def unavailable_reason() -> str:
    """Why there is no filter here, in one line; empty if there is."""
    try:
        program()
    except OSError as error:
        return f"libseccomp cannot be used ({error}); on Debian or Ubuntu: apt-get install libseccomp2"
    return ""


@cache
def program() -> bytes:
    """The filter for the machine's own system calls; calls of another architecture end the process.

    Raises
    ------
    OSError : libseccomp is not there, or refuses a rule
    """
    library = ctypes.CDLL(_LIBRARY)
    library.seccomp_init.restype = ctypes.c_void_p
    rules = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(_ALLOW)))
    try:
        _add_rules(library, rules)
        with tempfile.TemporaryFile() as file:
            _succeed(library.seccomp_export_bpf(rules, file.fileno()))
            file.seek(0)
            return file.read()
    finally:
        library.seccomp_release(rules)


def _add_rules(library: Any, rules: Any) -> None:
    for name in _REFUSED.split():
        _refuse(library, rules, name, errno.EPERM)
    for name in _UNKNOWN.split():
        _refuse(library, rules, name, errno.ENOSYS)
    for flag in _NAMESPACES:
        _refuse(library, rules, "clone", errno.EPERM, _Argument(0, _MASKED_EQUAL, flag, flag))
    for request in (_TIOCSTI, _TIOCLINUX):
        _refuse(library, rules, "ioctl", errno.EPERM, _Argument(1, _MASKED_EQUAL, 0xFFFFFFFF, request))
    _refuse(library, rules, "fcntl", errno.EPERM, _Argument(1, _MASKED_EQUAL, 0xFFFFFFFF, _SET_LEASE))
    _refuse(library, rules, "socket", errno.EAFNOSUPPORT, _Argument(0, _GREATER, _NETLINK, 0))
    for family in range(_NETLINK):
        if family not in _FAMILIES:
            _refuse(library, rules, "socket", errno.EAFNOSUPPORT, _Argument(0, _EQUAL, family, 0))
    other_netlink = (_Argument(0, _EQUAL, _NETLINK, 0), _Argument(2, _GREATER, 0, 0))
    _refuse(library, rules, "socket", errno.EAFNOSUPPORT, *other_netlink)


def _refuse(library: Any, rules: Any, name: str, error: int, *arguments: _Argument) -> None:
    number = library.seccomp_syscall_resolve_name(name.encode())
    if number < 0:  # this architecture, or this libseccomp, does not know it
        return
    array = (_Argument * len(arguments))(*arguments)
    _succeed(library.seccomp_rule_add_array(rules, ctypes.c_uint32(_ERRNO | error), number, len(arguments), array))


def _succeed(status: int) -> None:
    if status < 0:
        raise OSError(-status, os.strerror(-status))
