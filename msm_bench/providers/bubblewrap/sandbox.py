"""The Inspect provider: `SandboxEnvironment` over a jail."""

import errno
import os
import socket
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any, Literal, overload

import anyio
import yaml
from inspect_ai.util import (
    ExecResult,
    OutputLimitExceededError,
    SandboxEnvironment,
    SandboxEnvironmentConfigType,
    SandboxEnvironmentLimits,
    SandboxUnavailableError,
    SandboxUserUnsupportedError,
    sandboxenv,
)
from pydantic import BaseModel

from msm_bench.errors import UserError, explain_invalid
from msm_bench.providers.bubblewrap.jail import ENVIRONMENT, UID, WORK, Answer, Jail, JailError, Limits, program

GRACE = 15
"""Seconds beyond a command's own time in which an answer must come."""
_FILE_SECONDS = 60


@sandboxenv(name="bubblewrap")
class BubblewrapSandboxEnvironment(SandboxEnvironment):
    """A jail a sample: own namespaces, no network, read-only system, `Limits`; its files are in memory and end with it.

    `--sandbox bubblewrap`, or `--sandbox bubblewrap:limits.yaml` with fields of `Limits`.
    """

    @classmethod
    async def task_init(cls, task_name: str, config: SandboxEnvironmentConfigType | None) -> None:
        """Say at the start that there is no `bwrap`."""
        program()
        _limits(config)

    @classmethod
    async def sample_init(
        cls, task_name: str, config: SandboxEnvironmentConfigType | None, metadata: dict[str, str]
    ) -> dict[str, SandboxEnvironment]:
        """Start a jail."""
        try:
            jail = await anyio.to_thread.run_sync(Jail.start, _limits(config))
        except JailError as error:
            raise SandboxUnavailableError(f"sandbox bubblewrap: {error}") from None
        return {"default": cls(jail)}

    @classmethod
    async def sample_cleanup(
        cls,
        task_name: str,
        config: SandboxEnvironmentConfigType | None,
        environments: dict[str, SandboxEnvironment],
        interrupted: bool,
    ) -> None:
        """End the jail, also when the sample was cancelled."""
        with anyio.CancelScope(shield=True):
            for environment in environments.values():
                await anyio.to_thread.run_sync(environment.as_type(cls)._jail.stop)

    @classmethod
    def config_deserialize(cls, config: dict[str, Any]) -> BaseModel:
        """The limits of a log."""
        return Limits.model_validate(config)

    def __init__(self, jail: Jail) -> None:
        super().__init__()
        self._jail = jail

    async def exec(
        self,
        cmd: list[str],
        input: str | bytes | None = None,
        cwd: str | None = None,
        env: dict[str, str] | None = None,
        user: str | None = None,
        timeout: int | None = None,
        timeout_retry: bool = True,
        concurrency: bool = True,
    ) -> ExecResult[str]:
        """Run a command in the jail; as `SandboxEnvironment.exec`. A command that timed out is not tried again."""
        if user is not None and user not in ("agent", str(UID)):
            raise SandboxUserUnsupportedError(f"sandbox bubblewrap: there is no user {user!r}, only agent")
        seconds = timeout or self._jail.limits.seconds
        limit = SandboxEnvironmentLimits.MAX_EXEC_OUTPUT_SIZE
        request = {
            "op": "exec",
            "cmd": cmd,
            "cwd": _inside(cwd or "."),
            "env": {**ENVIRONMENT, **(env or {})},
            "timeout": seconds,
            "limit": limit,
        }
        given = _encoded(input or b"")
        header, body = await self._ask(request, given, seconds)
        if "error" in header:
            return _not_started(header, cmd)
        out, error = (part.decode(errors="replace") for part in (body[: header["stdout"]], body[header["stdout"] :]))
        if header["verdict"] == "limit":
            raise OutputLimitExceededError(SandboxEnvironmentLimits.MAX_EXEC_OUTPUT_SIZE_STR, out or error)
        if header["verdict"] != "ended":
            raise TimeoutError(f"command took longer than {seconds} s")
        return ExecResult(header["returncode"] == 0, header["returncode"], out, error)

    async def write_file(self, file: str, contents: str | bytes) -> None:
        """Write a file; its folders are made."""
        header, _ = await self._ask({"op": "write", "path": _inside(file)}, _encoded(contents), _FILE_SECONDS)
        _raise(header, file, writing=True)

    @overload
    async def read_file(self, file: str, text: Literal[True] = True) -> str: ...

    @overload
    async def read_file(self, file: str, text: Literal[False]) -> bytes: ...

    async def read_file(self, file: str, text: bool = True) -> str | bytes:
        """Read a regular file."""
        limit = SandboxEnvironmentLimits.MAX_READ_FILE_SIZE
        request = {"op": "read", "path": _inside(file), "limit": limit}
        header, body = await self._ask(request, b"", _FILE_SECONDS)
        if header.get("error") == "OverflowError":
            raise OutputLimitExceededError(SandboxEnvironmentLimits.MAX_READ_FILE_SIZE_STR, None)
        _raise(header, file)
        return body.decode() if text else body

    def default_polling_interval(self) -> float:
        """Seconds; asking costs little here."""
        return 0.2

    async def _ask(self, request: dict[str, Any], body: bytes, seconds: float) -> Answer:
        """One request to the supervisor, in a thread; when it is cancelled the supervisor sees the hang-up."""
        connection, remote = socket.socketpair()
        connection.settimeout(seconds + GRACE)
        try:
            return await anyio.to_thread.run_sync(
                self._jail.ask, connection, remote, request, body, seconds, abandon_on_cancel=True, limiter=_threads()
            )
        except JailError as error:
            raise SandboxUnavailableError(f"sandbox bubblewrap: {error}") from None
        except anyio.get_cancelled_exc_class():
            connection.shutdown(socket.SHUT_RDWR)  # the thread closes it: a number closed here could be taken again
            raise


def _limits(config: SandboxEnvironmentConfigType | None) -> Limits:
    if isinstance(config, str):
        try:
            with open(config, encoding="utf-8") as file, explain_invalid(config):
                return Limits.model_validate(yaml.safe_load(file))
        except OSError as error:
            raise UserError(f"sandbox bubblewrap: {config}: {error.strerror}") from None
    return config if isinstance(config, Limits) else Limits()


def _inside(path: str) -> str:
    """Paths are relative to the working directory; what they resolve to is up to the jail's own file system."""
    return str(PurePosixPath(WORK) / path)


def _encoded(contents: str | bytes) -> bytes:
    """As bytes; what a model wrote may hold halves of characters, which no encoding has."""
    return contents.encode(errors="replace") if isinstance(contents, str) else contents


@lru_cache(1)
def _threads() -> anyio.CapacityLimiter:
    """A limit of our own: commands that hang do not take the threads that others wait for."""
    return anyio.CapacityLimiter(512)


def _not_started(header: dict[str, Any], cmd: list[str]) -> ExecResult[str]:
    """What a shell says of a command that could not be started."""
    if header["error"] == "PermissionError":
        raise PermissionError(header["errno"], header["message"])
    missing = header["error"] == "FileNotFoundError"
    return ExecResult(False, 127 if missing else 126, "", f"{' '.join(cmd[:1])}: {header['message']}\n")


_MISSING = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO, None}
"""What a path can be that leads nowhere; None: it can't be one at all."""


def _raise(header: dict[str, Any], file: str, writing: bool = False) -> None:
    """The error that a file operation ended in, as one of those that `SandboxEnvironment` names."""
    if "error" not in header:
        return
    number = header["errno"]
    if number == errno.EISDIR:
        raise IsADirectoryError(number, os.strerror(number), file)
    if number in _MISSING and not writing:
        raise FileNotFoundError(errno.ENOENT, header["message"], file)
    raise PermissionError(number or errno.EINVAL, header["message"], file)
