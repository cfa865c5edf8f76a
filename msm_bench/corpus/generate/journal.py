"""The journal of a generation run: every answer that a model gave, a line each, in the order that they came in.

It is what makes a run resumable. The run is a pure function of its journal; started again it asks only what the
journal does not hold, and so it never pays for an answer twice. A request that was given up while others were
answered stands there too.
"""

from pathlib import Path
from typing import IO

from pydantic import BaseModel, ConfigDict, ValidationError

from msm_bench.errors import UserError

UNANSWERED = "unanswered"
"""The stop reason of a request that was given up."""


class Answer(BaseModel):
    """What a model answered to one request."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    """Hash of the request: model, prompt, schema and sampling."""
    stage: str
    """The prompt file that asked."""
    prompt_sha256: str
    """Hash of what the model read."""
    model: str
    """Who answered."""
    parameters: dict[str, float]
    """How it was sampled."""
    text: str
    """What it wrote, without its hidden reasoning."""
    stop_reason: str
    """Why it stopped, in Inspect's words: stop, max_tokens, content_filter …; or `UNANSWERED`."""
    error: str | None = None
    """Why there is no answer."""
    input_tokens: int
    """As the provider counts them, cached ones included."""
    output_tokens: int
    """As the provider counts them."""
    cost: float | None
    """In dollars, where the price is known."""


class Journal:
    """Answers by key, in a JSON-lines file that only grows; a line that a killed run left unfinished is cut off."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._starts: dict[str, int] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[bytes] = path.open("a+b")
        self._index()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._starts)

    def get(self, key: str) -> Answer | None:
        """The answer to the request `key`, if there is one."""
        if key not in self._starts:
            return None
        self._file.seek(self._starts[key])
        return Answer.model_validate_json(self._file.readline())

    def add(self, answer: Answer) -> None:
        """Keep an answer; it is in the hands of the system when this returns."""
        start = self._file.seek(0, 2)
        self._file.write(answer.model_dump_json().encode() + b"\n")
        self._file.flush()
        self._starts[answer.key] = start

    def _index(self) -> None:
        """Learn where each answer stands.

        Raises:
            UserError: a line other than the last is no answer.
        """
        self._file.seek(0)
        start = 0
        for number, line in enumerate(self._file, 1):
            if not line.endswith(b"\n"):
                self._file.truncate(start)
                return
            try:
                key = Answer.model_validate_json(line).key
            except ValidationError:
                raise UserError(
                    f"{self._path}:{number}: not an answer of a model; delete the line to have it asked again"
                ) from None
            self._starts[key] = start
            start += len(line)
