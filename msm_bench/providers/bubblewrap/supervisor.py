"""First process of a jail: lets requests be served, holds the limits, ends with the evaluation. Standard library alone.

Fd 0 is a socket. Each message on it is a request's time limit, with a socket of the request's own, which carries a JSON
header and a body, framed by their lengths, and then the answer. When fd 0 closes, the evaluation is gone: this process
ends, and the jail with it.

All that runs here besides is hostile, and runs as the same user. So this process has one thread, opens no path that it
is given and waits for nobody: a request is served in a process forked for it, which may be stopped or killed; then the
answer is given in its stead.
"""

import ctypes
import errno
import json
import os
import resource
import select
import selectors
import signal
import socket
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Collection
from contextlib import suppress
from typing import IO, Any, NamedTuple, NoReturn, cast

FRAME = struct.Struct(">IQ")
SECONDS = struct.Struct(">d")
LINGER = 0.1
"""Seconds that output is awaited after a command has ended, from what it left running."""
GRACE = 3.0
"""Seconds beyond its time limit after which a request is answered from here."""
TICK = 0.02
"""Seconds between two looks at what runs."""
PLACES = ("/home/agent", "/tmp", "/dev/shm")  # noqa: S108
"""Where files can be written."""
KILLED = 128 + signal.SIGKILL
PR_SET_DUMPABLE = 4

Header = dict[str, Any]
Pipes = tuple[IO[bytes], IO[bytes], IO[bytes]]


class Limits(NamedTuple):
    """What the jail may use."""

    memory: int
    """Bytes resident in all processes, and addresses of each."""
    processes: int
    files: int


class Job(NamedTuple):
    """A request that is being served."""

    connection: socket.socket
    deadline: float


def main(memory: int, processes: int, files: int) -> NoReturn:
    """Start requests, and look after what runs, until the evaluation is gone."""
    limits = Limits(memory, processes, files)
    control = set_up(limits)
    jobs: dict[int, Job] = {}
    condemned: set[int] = set()
    allowed, alone = files, True
    control.send(b"+")
    while True:
        if select.select([control], [], [], None if alone else TICK)[0]:
            message, descriptors, _, _ = socket.recv_fds(control, SECONDS.size, 1)
            if not message:
                os._exit(0)
            for descriptor in descriptors:
                begin(socket.socket(fileno=descriptor), SECONDS.unpack(message)[0], control, limits, jobs)
        with suppress(Exception):  # what is looked at may be gone the next moment; this process must go on
            others = running()
            alone = not others and not jobs
            condemned &= others
            allowed = guard(others - jobs.keys() - condemned, limits, allowed, condemned)
            overdue(jobs)
        reap(jobs)


def set_up(limits: Limits) -> socket.socket:
    """Shut what came from outside, bar this process to those inside, set the limits; gives back the control socket."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # a process of the jail may send them; ignored signals, unlike handled ones, would stay so in the commands
        signal.signal(number, lambda *_: None)
    control = socket.socket(fileno=os.dup(0))
    nothing = os.open("/dev/null", os.O_RDWR)
    for descriptor in {int(name) for name in os.listdir("/proc/self/fd")} - {control.fileno(), nothing, 1, 2}:
        with suppress(OSError):
            os.close(descriptor)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)
    # no process of the jail looks into this one
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")  # when the machine runs out of memory, let it be here
    for limit, value in (
        (resource.RLIMIT_NPROC, limits.processes + 8),
        (resource.RLIMIT_NOFILE, 128),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
    ):
        resource.setrlimit(limit, (value, value))
    return control


def begin(
    connection: socket.socket, seconds: float, control: socket.socket, limits: Limits, jobs: dict[int, Job]
) -> None:
    """Let a process serve a request."""
    try:
        pid = os.fork()
    except OSError as error:
        fill_in(connection, failure(error))
        return
    if pid == 0:
        control.close()
        serve(connection, limits.memory)
        os._exit(0)
    jobs[pid] = Job(connection, time.monotonic() + seconds + GRACE)


def running() -> set[int]:
    """All processes of the jail but this one."""
    return {int(name) for name in os.listdir("/proc") if name.isdigit() and name != "1"}


def guard(others: Collection[int], limits: Limits, allowed: int, condemned: set[int]) -> int:
    """Kill all but this process when together they hold too much; the number of files that is allowed from here on.

    Who was killed joins the `condemned`: until they are gone they hold what they held, and who starts meanwhile is not
    to be killed for it.
    """
    places = [os.statvfs(place) for place in PLACES]
    made = sum(place.f_files - place.f_ffree for place in places)
    held = sum(map(resident, others)) * resource.getpagesize()
    if held > limits.memory or len(others) >= limits.processes or made > allowed:
        with suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
        condemned |= running()
    # beyond the limit a tenth more at a time, up to twice as many, or nothing could run that clears up
    return max(limits.files, min(made + limits.files // 10, 2 * limits.files)) if made > allowed else allowed


def resident(pid: int) -> int:
    """Pages of memory that a process holds; where its first thread has ended, its other threads know."""
    pages = statm(f"/proc/{pid}/statm")
    if pages:
        return pages
    with suppress(OSError):
        threads = os.listdir(f"/proc/{pid}/task")
        return max((statm(f"/proc/{pid}/task/{thread}/statm") for thread in threads), default=0)
    return 0


def statm(path: str) -> int:
    """The resident pages that a file of /proc tells."""
    try:
        with open(path) as file:
            return int(file.read().split()[1])
    except (OSError, IndexError):
        return 0


def overdue(jobs: dict[int, Job]) -> None:
    """Kill who serves a request for too long, with what it started, and answer in its stead."""
    now = time.monotonic()
    for pid, job in jobs.items():
        if now > job.deadline:
            fill_in(job.connection, ended("timeout"))
            for child in children(pid):
                with suppress(OSError):
                    os.killpg(child, signal.SIGKILL)
            os.kill(pid, signal.SIGKILL)


def children(parent: int) -> list[int]:
    """The processes that a process has started."""
    found = []
    for name in os.listdir("/proc"):
        with suppress(OSError, ValueError, IndexError), open(f"/proc/{int(name)}/stat", "rb") as file:
            # the name, in brackets, may hold anything
            if int(file.read().rpartition(b")")[2].split()[1]) == parent:
                found.append(int(name))
    return found


def reap(jobs: dict[int, Job]) -> None:
    """Take up the dead; who died over a request has its answer given."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        job = jobs.pop(pid, None)
        if job is None:
            continue
        if status != 0:
            fill_in(job.connection, ended("ended"))
        job.connection.close()


def ended(verdict: str) -> Header:
    """The answer for a command of which nothing is known but that it was killed."""
    return {"verdict": verdict, "returncode": KILLED, "stdout": 0}


def failure(error: Exception) -> Header:
    """The answer for a request that failed."""
    number, said = (error.errno, error.strerror) if isinstance(error, OSError) else (None, None)
    return {"error": type(error).__name__, "errno": number, "message": (said or str(error))[:1000]}


def fill_in(connection: socket.socket, header: Header) -> None:
    """Answer in another's stead, if that can be done at once."""
    with suppress(OSError):
        connection.send(framed(header), socket.MSG_DONTWAIT)


def framed(header: Header, body: bytes = b"") -> bytes:
    """An answer as it is sent."""
    head = json.dumps(header).encode()
    return FRAME.pack(len(head), len(body)) + head + body


def exactly(connection: socket.socket, size: int) -> bytes:
    """So many bytes.

    Raises:
        ConnectionError: there are fewer.
    """
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(min(size - len(data), 1 << 20))
        if not piece:
            raise ConnectionError("it has ended")
        data += piece
    return bytes(data)


# what follows runs in the process of a request


def serve(connection: socket.socket, memory: int) -> None:
    """Answer one request."""
    try:
        head, size = FRAME.unpack(exactly(connection, FRAME.size))
        request, body = json.loads(exactly(connection, head)), exactly(connection, size)
        if request["op"] == "exec":
            answer = framed(*execute(request, body, connection, memory))
        elif request["op"] == "read":
            answer = framed({}, read(request["path"], request["limit"]))
        else:
            write(request["path"], body)
            answer = framed({})
    except Exception as error:
        answer = framed(failure(error))
    with suppress(OSError):  # who asked may be gone
        connection.sendall(answer)


def write(path: str, contents: bytes) -> None:
    """Write a file; its folders are made."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK | os.O_NOCTTY
    with open(os.open(path, flags, 0o644), "wb") as file:
        file.write(contents)


def read(path: str, limit: int) -> bytes:
    """Read a regular file of at most `limit` bytes; a pipe or device would never end."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY), "rb") as file:
        status = os.fstat(file.fileno())
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, "Is a directory", path)
        if not stat.S_ISREG(status.st_mode):
            raise PermissionError(errno.EPERM, "Not a regular file", path)
        contents = file.read(limit + 1)
    if len(contents) > limit:
        raise OverflowError
    return contents


def execute(request: Header, given: bytes, connection: socket.socket, memory: int) -> tuple[Header, bytes]:
    """Run a command until it ends, takes too long, says too much, or nobody waits for it any more."""
    process = subprocess.Popen(
        request["cmd"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=request["cwd"],
        env=request["env"],
        start_new_session=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (memory, memory)),
    )
    stdin, *outputs = cast("Pipes", (process.stdin, process.stdout, process.stderr))
    said: dict[Any, bytearray] = {pipe: bytearray() for pipe in outputs}
    for pipe in (stdin, *outputs):
        os.set_blocking(pipe.fileno(), False)
    verdict = attend(process.pid, stdin, said, memoryview(given), request, connection)
    if verdict != "ended":
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    code = process.wait()
    out, error = (bytes(data[: request["limit"]]) for data in said.values())
    # as shells count signals
    return {"verdict": verdict, "returncode": 128 - code if code < 0 else code, "stdout": len(out)}, out + error


def attend(
    pid: int,
    stdin: IO[bytes],
    said: dict[Any, bytearray],
    left: memoryview,
    request: Header,
    connection: socket.socket,
) -> str:
    """Feed a process and gather what it says; how it came out."""
    ending, deadline = os.pidfd_open(pid), time.monotonic() + request["timeout"]
    over = False
    with selectors.DefaultSelector() as selector:
        selector.register(stdin, selectors.EVENT_WRITE)
        for source in (*said, ending, connection):
            selector.register(source, selectors.EVENT_READ)
        while not over or any(pipe in selector.get_map() for pipe in said):
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready and time.monotonic() >= deadline:
                return "ended" if over else "timeout"
            for key, _ in ready:
                if key.fileobj is stdin:
                    left = feed(stdin, left, selector)
                elif key.fileobj is connection:
                    return "abandoned"
                elif key.fileobj == ending:
                    selector.unregister(ending)
                    over, deadline = True, min(deadline, time.monotonic() + LINGER)
                elif not take(key.fd, said[key.fileobj]):
                    selector.unregister(key.fileobj)
            if any(len(data) > request["limit"] for data in said.values()):
                return "limit"
    return "ended"


def take(descriptor: int, data: bytearray) -> bool:
    """Take what a pipe has; whether there may be more. A command can take back what it said before it is read here."""
    with suppress(BlockingIOError):
        piece = os.read(descriptor, 1 << 16)
        data += piece
        return bool(piece)
    return True


def feed(stdin: IO[bytes], left: memoryview, selector: selectors.BaseSelector) -> memoryview:
    """Give a process some of its input; what is left."""
    try:
        left = left[os.write(stdin.fileno(), left[: 1 << 16]) :] if left else left
    except BlockingIOError:
        return left
    except BrokenPipeError:
        left = left[:0]
    if not left:
        selector.unregister(stdin)
        stdin.close()
    return left


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
