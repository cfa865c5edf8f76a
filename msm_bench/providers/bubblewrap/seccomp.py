"""The system calls that a jail has no use for, as a filter for `bwrap --seccomp`.

Three kinds: those that hold memory which no limit of the jail sees (anonymous files, shared memory, System V), those
that reach another process of the jail, its supervisor above all, and those that are known as ways out of sandboxes.
What is filtered fails with EPERM. Numbers: asm/unistd_64.h of x86-64 and asm-generic/unistd.h.
"""

import platform
import struct
from collections.abc import Sequence

_DENIED = {
    # name: (x86-64, arm64)
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "ptrace": (101, 117),
    "syslog": (103, 116),
    "mount": (165, 40),
    "umount2": (166, 39),
    "mq_open": (240, 180),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "ioprio_set": (251, 30),
    "unshare": (272, 97),
    "vmsplice": (278, 75),
    "perf_event_open": (298, 241),
    "open_by_handle_at": (304, 265),
    "setns": (308, 268),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "memfd_create": (319, 279),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "pidfd_getfd": (438, 438),
    "mount_setattr": (442, 442),
    "landlock_create_ruleset": (444, 444),
    "memfd_secret": (447, 447),
}
_ON_ITSELF = {
    # allowed where these arguments are zero, which is the calling process
    "setpriority": (141, 140, (0, 1)),
    "sched_setparam": (142, 118, (0,)),
    "sched_setscheduler": (144, 119, (0,)),
    "sched_setaffinity": (203, 122, (0,)),
    "prlimit64": (302, 261, (0,)),
    "sched_setattr": (314, 274, (0,)),
}
_SOCKET, _FAMILIES = (41, 198), (1, 2, 10, 16)
"""Unix, IPv4, IPv6, netlink: all bound to the jail's own network."""
_MMAP, _SHARED_ANONYMOUS = (9, 222), 0x21
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32_BIT = 0x40000000

# classic BPF: operations, and the verdicts of seccomp
_LOAD, _AND, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
_KILL, _EPERM, _ALLOW = 0x80000000, 0x00050001, 0x7FFF0000

Step = tuple[int, int, int, int]
"""Operation, steps to skip if true, steps to skip if false, operand."""


def deny_filter(machine: str | None = None) -> bytes | None:
    """The filter's program for this machine; None for one whose numbers are not known here.

    Another architecture than the machine's is killed, the numbers of x32 are refused.
    """
    name = machine or platform.machine()
    if name not in _ARCHITECTURES:
        return None
    column = list(_ARCHITECTURES).index(name)
    program: list[Step] = [
        (_LOAD, 0, 0, 4),
        (_IF_EQUAL, 1, 0, _ARCHITECTURES[name]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),
        (_IF_AT_LEAST, 0, 1, _X32_BIT),
        (_RETURN, 0, 0, _EPERM),
    ]
    for numbers in _DENIED.values():
        program += _on(numbers[column], [(_RETURN, 0, 0, _EPERM)])
    for *own, arguments in _ON_ITSELF.values():
        program += _on(int(str(own[column])), _all_zero(arguments))
    families = [(_IF_EQUAL, len(_FAMILIES) - index, 0, family) for index, family in enumerate(_FAMILIES)]
    program += _on(_SOCKET[column], [_argument(0), *families, *_REFUSE_OR_ALLOW])
    shared = (_IF_EQUAL, 0, 1, _SHARED_ANONYMOUS)
    program += _on(_MMAP[column], [_argument(3), (_AND, 0, 0, _SHARED_ANONYMOUS), shared, *_REFUSE_OR_ALLOW])
    program.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("=HBBI", *step) for step in program)


_REFUSE_OR_ALLOW: tuple[Step, Step] = ((_RETURN, 0, 0, _EPERM), (_RETURN, 0, 0, _ALLOW))


def _on(number: int, steps: Sequence[Step]) -> list[Step]:
    """Steps for one call; each way through them ends in a verdict."""
    return [(_IF_EQUAL, 0, len(steps), number), *steps]


def _argument(index: int) -> Step:
    """Load the low half of an argument."""
    return (_LOAD, 0, 0, 16 + 8 * index)


def _all_zero(arguments: Sequence[int]) -> list[Step]:
    """Allowed if these arguments are zero."""
    steps: list[Step] = []
    for done, index in enumerate(arguments, start=1):
        left = 2 * (len(arguments) - done)
        # not zero: over the checks that are left and the verdict that allows
        steps += [_argument(index), (_IF_EQUAL, 0, left + 1, 0)]
    return [*steps, (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _EPERM)]
