"""A chat-completions server on the loopback that misbehaves on purpose, and the same way every time.

What a request meets depends on its key, the hash of what was asked, and never on order or time:

    with FaultServer(Faults(too_many=0.2, refused=0.1), answers={"name": "Ada"}) as server:
        model = get_model("openai-api/fault/any", base_url=server.url, api_key="x", memoize=False)
"""

import json
import re
import socket
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from threading import Event, Lock, Thread
from typing import Any, NamedTuple, Self

Body = dict[str, Any]

REFUSAL = "I'm sorry, but I can't help with that."
SLOW_SECONDS = 0.05
LONG = {"response", "text", "reasoning", "body"}
KEYED_BY = ("messages", "response_format", "seed", "temperature", "max_tokens")
TRANSPORT = ("too_many", "broken", "dropped", "slow", "hangs")
CONTENT = ("cut_off", "refused", "malformed", "unclosed", "repeats")

VOCABULARY = """
determiner: the this that every our one each another
adjective: amber ancient blue bold brief bright broad busy calm careful clear cold curious deep dim distant dry early \
eager empty faint famous fast final firm flat foreign formal frozen gentle golden grey heavy hidden hollow humble idle \
inner keen large late lively lonely loose loud lower lucky mild modest narrow nearby neat new noisy northern odd old \
open outer pale patient proud quick quiet rapid rare rough round secret sharp short silent slender slow small soft \
solid southern steady steep stern sudden tall tidy tiny upper vast warm wide wild wooden young
noun: anchor answer archive arch attic avenue balcony barn basket beacon bell bench border branch bridge brook builder \
canal canyon carpenter cellar chapter choir cliff clock cloud coast colony committee compass copper corner council \
courier courtyard crew crowd current dawn desert diary district ditch dock driver editor engine engineer evening fable \
farmer field fire fisher flood footpath forest fountain gardener gate glacier guard guest harbour hill historian \
hunter inn island journey judge kitchen ladder lake lantern ledger letter lighthouse machine map market meadow \
mechanic message mill miner mirror morning mountain neighbour notebook ocean office orchard painter pasture pilot \
planet plaza poet pond porter postman printer question quarry railway rain reader record ridge river road roof sailor \
schedule scout shadow shelter shore signal singer sketch smith snow spring square stable station stone storm story \
stranger stream street student summer teacher tower traveller tunnel valley village visitor wagon watchman weaver well \
wind window winter witness workshop writer
verb: accepts adjusts admires answers approaches asks avoids borrows brings carries chases checks circles collects \
compares copies counts covers crosses delays describes draws enters examines expects faces finds follows greets guards \
guides hears helps holds invites joins keeps leaves lifts marks measures meets mends moves notices observes opens \
passes praises protects questions reaches recalls receives remembers repairs reports returns seeks shows signs \
sketches studies surprises surrounds tests touches turns visits watches welcomes
preposition: above after against along around before behind below beside beyond near past under within
"""
WORDS = {kind: words.split() for kind, words in (line.split(":") for line in VOCABULARY.strip().splitlines())}


class Faults(NamedTuple):
    """The share of keys, 0 to 1, that meet each fault.

    A key meets at most one fault of transport (up to `hangs`) and one of content, so the rates of either sum to at
    most 1. Faults of transport but `hangs` are over after one or two requests of the key; the others stay.
    """

    too_many: float = 0  # 429
    broken: float = 0  # 500
    dropped: float = 0  # the connection closes amid the answer
    slow: float = 0  # SLOW_SECONDS pass before the answer
    hangs: float = 0  # no answer before the server stops
    cut_off: float = 0  # finish reason `length`, mid-word
    refused: float = 0  # REFUSAL; finish reason `stop` or, for half of the keys, `content_filter`
    malformed: float = 0  # JSON that is cut, or followed by rubbish; no fault without a schema
    unclosed: float = 0  # a tag that is never closed opens the text, or its longest JSON string
    repeats: float = 0  # one text for all these keys, but for their schemas


class Request(NamedTuple):
    """A request that has come in."""

    key: str
    outcome: str
    """A fault's name other than `slow`, or `answered`."""
    body: Body
    slow: bool
    """Whether it was kept waiting."""


def request_key(body: Body) -> str:
    """The sha256 of what is asked, as canonical JSON."""
    asked = [body.get(name) for name in KEYED_BY]
    return sha256(json.dumps(asked, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def prompt_text(body: Body) -> str:
    """The text of all messages, a line each."""
    contents = [message.get("content") or "" for message in body["messages"]]
    return "\n".join(c if isinstance(c, str) else " ".join(part.get("text", "") for part in c) for c in contents)


def sentence(rng: Random, subject: str | None = None) -> str:
    """Six, ten or fourteen words, if `subject` is not given."""

    def some(*kinds: str) -> str:
        return " ".join(rng.choice(WORDS[kind]) for kind in kinds)

    subject = subject or some("determiner", "adjective", "noun")
    tails = [some("preposition", "determiner", "adjective", "noun") for _ in range(rng.randrange(3))]
    whole = " ".join([subject, some("verb", "determiner", "noun"), *tails])
    return f"{whole[0].upper()}{whole[1:]}."


def prose(rng: Random, name: str | None = None) -> str:
    """Three to six paragraphs, about 40 words each, that open with `name` if given."""
    return "\n\n".join(
        " ".join([sentence(rng, name), *(sentence(rng) for _ in range(rng.randint(2, 4)))])
        for _ in range(rng.randint(3, 6))
    )


def _schema(body: Body) -> Body | None:
    """The JSON schema that the answer must fit, if one was given."""
    schema: Body | None = ((body.get("response_format") or {}).get("json_schema") or {}).get("schema")
    return schema


def _cut(text: str, rng: Random) -> str:
    """The text up to the middle of a word in its second half."""
    middles = [(m.start() + m.end()) // 2 for m in re.finditer(r"\w{4,}", text)] or [len(text) // 2]
    return text[: rng.choice(middles[len(middles) // 2 :])]


class _Author(NamedTuple):
    """Writes one answer."""

    body: Body
    rng: Random
    answers: Mapping[str, Any]

    def text(self) -> str:
        schema = _schema(self.body)
        if schema is None:
            return prose(self.rng, self.answers.get("__name__"))
        return json.dumps(self.value(schema), ensure_ascii=False)

    def value(self, schema: Body, name: str = "") -> Any:
        """A value that fits `schema`, the one given for the property `name` before all."""
        if name in self.answers:
            answer = self.answers[name]
            return answer(self.body, self.rng) if callable(answer) else answer
        if schema.get("enum"):
            return self.rng.choice(schema["enum"])
        if schema.get("anyOf"):
            return self.value(schema["anyOf"][0], name)
        kind = schema.get("type")
        return self._typed(kind[0] if isinstance(kind, list) else kind, schema, name)

    def _typed(self, kind: str | None, schema: Body, name: str) -> Any:
        low, high = schema.get("minimum", 1), schema.get("maximum", 10)
        match kind:
            case "object":
                return {key: self.value(inner, key) for key, inner in (schema.get("properties") or {}).items()}
            case "array":
                asked = re.search(r"\bexactly (\d+)", prompt_text(self.body))
                return [self.value(schema.get("items") or {}) for _ in range(int(asked[1]) if asked else 3)]
            case "integer":
                return self.rng.randint(low, high)
            case "number":
                return round(self.rng.uniform(low, high), 2)
            case "boolean":
                return True
            case "null":
                return None
            case _:
                return prose(self.rng, self.answers.get("__name__")) if name in LONG else sentence(self.rng)


class FaultServer(ThreadingHTTPServer):
    """Serves in a thread of its own from `with` to the end of the block, which ends every connection.

    Args:
        faults: how often what goes wrong.
        seed: another one gives other keys the faults, and all keys other answers.
        answers: the value of a JSON property by name, or a function of body and generator that returns it;
            `__name__` is a name that prose mentions.
        always_broken: whether a body is answered 500 however often it comes.
        refuses: whether a prompt, the text of all its messages, is refused however often it comes.

    Attributes:
        requests: all that came, in order of arrival.
        finished: how often each key was answered 200, counted just before the answer is sent.

    Raises:
        ValueError: the rates of transport, or of content, sum to more than 1.
    """

    # a burst of clients must not be turned away, nor a thread outlive the server
    request_queue_size = 256
    daemon_threads = False

    def __init__(
        self,
        faults: Faults = Faults(),  # noqa: B008  # immutable
        seed: int = 0,
        answers: Mapping[str, Any] | None = None,
        always_broken: Callable[[Body], bool] = lambda body: False,
        refuses: Callable[[str], bool] = lambda prompt: False,
    ) -> None:
        for kinds in (TRANSPORT, CONTENT):
            if sum(getattr(faults, kind) for kind in kinds) > 1 + 1e-9:
                raise ValueError(f"the rates of {', '.join(kinds)} must sum to at most 1")
        super().__init__(("127.0.0.1", 0), _Handler)
        self.faults, self.seed, self.answers = faults, seed, answers or {}
        self.always_broken, self.refuses = always_broken, refuses
        self.url = f"http://127.0.0.1:{self.server_port}/v1"
        self.requests: list[Request] = []
        self.finished: Counter[str] = Counter()
        self.stopped = Event()
        self._asked: Counter[str] = Counter()
        self._lock = Lock()
        self._connections: list[socket.socket] = []
        self._thread = Thread(target=self.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self.shutdown()
        for connection in self._connections:
            with suppress(OSError):  # closed already
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()
        self._thread.join()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._connections.append(connection)
        return connection, address

    def admit(self, body: Body) -> Request:
        """Note a request and what it is to meet."""
        key = request_key(body)
        rng = self._rng(key, "transport")
        fault, times = self._draw(TRANSPORT, rng), rng.randint(1, 2)
        outcome = self._content(key, body)
        with self._lock:
            due = self._asked[key] < times
            self._asked[key] += 1
            if self.always_broken(body):
                outcome = "broken"
            elif fault == "hangs" or (due and fault not in ("answered", "slow")):
                outcome = fault
            request = Request(key, outcome, body, slow=due and fault == "slow")
            self.requests.append(request)
        return request

    def completion(self, request: Request) -> Body:
        """The body of the answer to a request, as the API has it."""
        text, reason = self._answer(request)
        read, written = len(prompt_text(request.body).split()), len(text.split())
        message = {"role": "assistant", "content": text}
        return {
            "id": f"chatcmpl-{request.key[:24]}",
            "object": "chat.completion",
            "created": 0,
            "model": request.body.get("model"),
            "choices": [{"index": 0, "message": message, "finish_reason": reason, "logprobs": None}],
            "usage": {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written},
        }

    def finish(self, request: Request) -> None:
        """Count a request as answered."""
        with self._lock:
            self.finished[request.key] += 1

    def _rng(self, *parts: str) -> Random:
        return Random("/".join((str(self.seed), *parts)))  # noqa: S311

    def _draw(self, kinds: tuple[str, ...], rng: Random) -> str:
        rates = [getattr(self.faults, kind) for kind in kinds]
        return rng.choices((*kinds, "answered"), [*rates, max(0, 1 - sum(rates))])[0]

    def _content(self, key: str, body: Body) -> str:
        if self.refuses(prompt_text(body)):
            return "refused"
        fault = self._draw(CONTENT, self._rng(key, "content"))
        return "answered" if fault == "malformed" and _schema(body) is None else fault

    def _answer(self, request: Request) -> tuple[str, str]:
        """Text and finish reason."""
        rng = self._rng("repeats" if request.outcome == "repeats" else request.key, "text")
        text = _Author(request.body, rng, self.answers).text()
        match request.outcome:
            case "cut_off":
                return _cut(text, rng), "length"
            case "refused":
                return REFUSAL, rng.choice(["stop", "content_filter"])
            case "malformed":
                return rng.choice([text[: len(text) * 2 // 3], f"{text}\n}} and that is all."]), "stop"
            case "unclosed":
                strings = re.findall(r'"((?:[^"\\]|\\.)+)"', text) if _schema(request.body) else [text]
                longest = max(strings, key=len, default=text)
                return text.replace(longest, f"<{rng.choice(['think', 'document'])}>{longest}", 1), "stop"
        return text, "stop"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are sent apart
    server: FaultServer

    def handle(self) -> None:
        with suppress(ConnectionError, json.JSONDecodeError):  # a client that was killed, amid its request too
            super().handle()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        model = {"id": "any", "object": "model", "created": 0, "owned_by": "fault"}
        self._reply(200, {"object": "list", "data": [model]})

    def do_POST(self) -> None:
        request = self.server.admit(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        if request.slow:
            self.server.stopped.wait(SLOW_SECONDS)
        match request.outcome:
            case "too_many" | "broken" as fault:
                self._reply(429 if fault == "too_many" else 500, {"error": {"message": fault, "type": fault}})
            case "hangs":
                self.server.stopped.wait()
                self.close_connection = True
            case "dropped":
                self._reply(200, self.server.completion(request), share=0.5)
                self.close_connection = True
            case _:
                completion = self.server.completion(request)
                self.server.finish(request)
                self._reply(200, completion)

    def _reply(self, status: int, body: Body, share: float = 1) -> None:
        """Send JSON, or the first `share` of it."""
        payload = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        if status != 200:
            self.send_header("retry-after-ms", "1")
        self.end_headers()
        self.wfile.write(payload[: int(len(payload) * share)])
