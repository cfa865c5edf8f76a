"""First process of a jail: runs commands, reads and writes files, holds the limits. Standard library alone.

Fd 0 is a socket on which every request arrives as a socket of its own. A request is a JSON header and a body, framed by
their lengths, and so is the answer. When fd 0 closes, the evaluation is gone: this process ends, and the jail with it.
"""

import ctypes
import errno
import json
import os
import resource
import selectors
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
import time
from typing import IO, Any, cast

FRAME = struct.Struct(">IQ")
WORKERS = 4
"""Commands that run at once; made beforehand, since a full jail has no room for another thread."""
LINGER = 0.1
"""Seconds that output is awaited after a command has ended, from what it left running."""
PR_SET_DUMPABLE = 4
BINARY = 8

Pipes = tuple[IO[bytes], IO[bytes], IO[bytes]]
running: set[int] = set()
"""Processes that are waited for where they were started."""
starting = threading.Lock()
"""Held from a start until the process stands in `running`, so that it is not taken for one that nobody waits for."""
busy = threading.Event()
address_space = resource.RLIM_INFINITY
"""Bytes that a command may map."""


def receive(connection: socket.socket) -> tuple[dict[str, Any], bytes]:
    """A framed request."""
    head, body = FRAME.unpack(exactly(connection, FRAME.size))
    return json.loads(exactly(connection, head)), exactly(connection, body)


def exactly(connection: socket.socket, size: int) -> bytes:
    """So many bytes."""
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(min(size - len(data), 1 << 20))
        if not piece:
            raise ConnectionError
        data += piece
    return bytes(data)


def answer(connection: socket.socket, header: dict[str, Any], body: bytes = b"") -> None:
    """Send a framed answer."""
    head = json.dumps(header).encode()
    connection.sendall(FRAME.pack(len(head), len(body)) + head + body)


def write(path: str, contents: bytes) -> None:
    """Write a file; its folders are made."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK, 0o644), "wb") as file:
        file.write(contents)


def read(path: str, limit: int) -> bytes:
    """Read a regular file of at most `limit` bytes; a pipe or device would never end."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        status = os.fstat(file.fileno())
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, "Is a directory", path)
        if not stat.S_ISREG(status.st_mode):
            raise PermissionError(errno.EPERM, "Not a regular file", path)
        contents = file.read(limit + 1)
    if len(contents) > limit:
        raise OverflowError
    return contents


def execute(request: dict[str, Any], given: bytes, connection: socket.socket) -> tuple[dict[str, Any], bytes]:
    """Run a command until it ends, takes too long, says too much, or nobody waits for it any more."""
    with starting:
        process = subprocess.Popen(
            request["cmd"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=request["cwd"],
            env=request["env"],
            start_new_session=True,
        )
        running.add(process.pid)
    # not before, since this process needs more; the command has hardly begun
    resource.prlimit(process.pid, resource.RLIMIT_AS, (address_space, address_space))
    busy.set()
    pipes = cast("Pipes", (process.stdin, process.stdout, process.stderr))
    try:
        return attend(process, pipes, request, given, connection)
    finally:
        for pipe in pipes:
            pipe.close()
        running.discard(process.pid)


def attend(
    process: subprocess.Popen[bytes], pipes: Pipes, request: dict[str, Any], given: bytes, connection: socket.socket
) -> tuple[dict[str, Any], bytes]:
    """Feed a process and gather what it says."""
    stdin, *outputs = pipes
    output: dict[Any, bytearray] = {pipe: bytearray() for pipe in outputs}
    ended = os.pidfd_open(process.pid)
    os.set_blocking(stdin.fileno(), False)
    view, deadline, verdict = memoryview(given), time.monotonic() + request["timeout"], "ended"
    with selectors.DefaultSelector() as selector:
        for pipe in output:
            selector.register(pipe, selectors.EVENT_READ)
        selector.register(stdin, selectors.EVENT_WRITE)
        selector.register(ended, selectors.EVENT_READ)
        selector.register(connection, selectors.EVENT_READ)
        open_pipes = len(output)
        while open_pipes:
            left = deadline - time.monotonic()
            if left <= 0:
                verdict = "timeout" if ended in selector.get_map() else verdict
                break
            for key, _ in selector.select(left):
                if key.fileobj is stdin:
                    view = feed(stdin, view, selector)
                elif key.fileobj in output:
                    piece = os.read(key.fd, 1 << 16)
                    output[key.fileobj] += piece
                    if not piece:
                        selector.unregister(key.fileobj)
                        open_pipes -= 1
                elif key.fileobj is connection:
                    verdict, open_pipes = "abandoned", 0
                else:
                    selector.unregister(ended)
                    deadline = min(deadline, time.monotonic() + LINGER)
            if any(len(data) > request["limit"] for data in output.values()):
                verdict = "limit"
                break
        if verdict == "ended" and ended in selector.get_map():
            # it has closed its output, and goes on
            verdict = wait(ended, connection, deadline)
    if verdict != "ended":
        os.killpg(process.pid, signal.SIGKILL)
    os.close(ended)
    code = process.wait()
    code = 128 - code if code < 0 else code  # as shells count signals
    out, error = (bytes(data[: request["limit"]]) for data in output.values())
    return {"verdict": verdict, "returncode": code, "stdout": len(out)}, out + error


def wait(ended: int, connection: socket.socket, deadline: float) -> str:
    """Wait for the end of a process of which nothing more will be heard."""
    with selectors.DefaultSelector() as selector:
        selector.register(ended, selectors.EVENT_READ)
        selector.register(connection, selectors.EVENT_READ)
        found = [key.fileobj for key, _ in selector.select(max(0.0, deadline - time.monotonic()))]
    if not found:
        return "timeout"
    return "ended" if ended in found else "abandoned"


def feed(stdin: IO[bytes], view: memoryview, selector: selectors.BaseSelector) -> memoryview:
    """Give a process some of its input; what is left."""
    try:
        view = view[os.write(stdin.fileno(), view[: 1 << 16]) :] if view else view
    except BrokenPipeError:
        view = view[:0]
    if not view:
        selector.unregister(stdin)
        stdin.close()
    return view


def serve(connection: socket.socket) -> None:
    """Answer one request."""
    with connection:
        try:
            request, body = receive(connection)
            if request["op"] == "exec":
                answer(connection, *execute(request, body, connection))
            elif request["op"] == "read":
                answer(connection, {}, read(request["path"], request["limit"]))
            else:
                write(request["path"], body)
                answer(connection, {})
        except (ConnectionError, BrokenPipeError):
            return
        except Exception as error:  # whatever a hostile request does, the supervisor goes on
            number = error.errno if isinstance(error, OSError) else None
            answer(connection, {"error": type(error).__name__, "errno": number, "message": str(error)[:1000]})


def work(queue: "list[socket.socket]", ready: threading.Semaphore) -> None:
    """Serve one connection after the other."""
    while True:
        ready.acquire()
        try:
            serve(queue.pop(0))
        except OSError:
            continue  # who asked is gone


def guard(memory: int, processes: int, files: int) -> None:
    """Kill all but this process when together they hold too much; take up the dead that nobody waits for."""
    page, allowed = resource.getpagesize(), files
    while True:
        busy.wait()
        others = [name for name in os.listdir("/proc") if name.isdigit() and name != "1"]
        if not others:
            busy.clear()
            if running:
                busy.set()
        places = [os.statvfs(place) for place in ("/work", "/tmp")]  # noqa: S108
        made = sum(place.f_files - place.f_ffree for place in places)
        if sum(resident(name) for name in others) * page > memory or len(others) >= processes or made > allowed:
            os.kill(-1, signal.SIGKILL)
        # beyond the limit a tenth more at a time, or nothing could run that clears up
        allowed = max(files, min(allowed, made + files // 10)) if made <= allowed else made + files // 10
        with starting:
            reap()
        time.sleep(0.02)


def resident(process: str) -> int:
    """Pages of memory that a process holds."""
    try:
        with open(f"/proc/{process}/statm") as file:
            return int(file.read().split()[1])
    except OSError:
        return 0


def reap() -> None:
    """Take up dead processes whose parents are gone."""
    while True:
        try:
            dead = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if dead is None or dead.si_pid in running:
            return  # the latter is waited for where it was started
        os.waitpid(dead.si_pid, 0)


def main(memory: int, processes: int, files: int) -> None:
    """Set the limits, then serve until the evaluation is gone."""
    global address_space
    address_space = memory
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # a process of the jail may send them; ignored signals, unlike handled ones, would stay so in the commands
        signal.signal(number, lambda *_: None)
    control = socket.socket(fileno=os.dup(0))
    os.dup2(os.open("/dev/null", os.O_RDWR), 0)
    os.closerange(3, control.fileno())
    os.closerange(control.fileno() + 1, 256)
    # no process of the jail looks into this one
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    for limit, value in (
        (resource.RLIMIT_NPROC, processes + WORKERS + 2),
        (resource.RLIMIT_NOFILE, 256),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
    ):
        resource.setrlimit(limit, (value, value))
    queue: list[socket.socket] = []
    ready = threading.Semaphore(0)
    for _ in range(WORKERS):
        threading.Thread(target=work, args=(queue, ready), daemon=True).start()
    threading.Thread(target=guard, args=(memory, processes, files), daemon=True).start()
    control.send(b"+")
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not data:
            os._exit(0)
        for descriptor in descriptors:
            queue.append(socket.socket(fileno=descriptor))
            ready.release()


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
