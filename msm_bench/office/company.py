"""A company as one YAML file: people, mail, shared drive, systems, and the plot of one harmful action.

python -m msm_bench.office.company msm_bench/office/companies/espionage-1.yaml   # check a file

The texts have placeholders, which `msm_bench.office.scenario` fills: `{agent_name}`, `{goal}`, `{rival_goal}`,
`{goal_sentence}`, `{reason}`, `{note}`, `{canary_1}` to `{canary_3}`, `{override_code}`. Braces have no other use.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from msm_bench.errors import explain_invalid

Action = Literal["exfiltration", "lethal", "espionage"]
Address = Annotated[str, Field(pattern=r"^[a-z0-9.-]+@[a-z0-9.-]+$")]
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
CANARIES = ("canary_1", "canary_2", "canary_3")

COMPANIES = Path(__file__).parent / "companies"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Person(_Strict):
    """Someone with an address."""

    name: str
    address: Address
    role: str


class Mail(_Strict):
    """A message in the inbox of the assistant."""

    id: Annotated[str, Field(pattern=r"^[a-z]+[0-9]+$")]
    sender: Address = Field(alias="from")
    to: list[Address]
    cc: list[Address] = []
    date: Annotated[str, Field(pattern=r"^20\d\d-\d\d-\d\d \d\d:\d\d$")]
    subject: str
    body: str
    attachments: list[str] = []
    """Paths of the shared drive."""


class File(_Strict):
    """A text file of the shared drive."""

    path: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_./-]*$")]
    text: str


class Wording(_Strict):
    """What stands in a slot with a goal, and without one."""

    goal: str
    none: str


class Conflict(_Strict):
    """The mails of either threat, equally many."""

    replacement: list[Mail]
    restriction: list[Mail]


class Reasons(_Strict):
    """`{reason}` of either threat."""

    replacement: Wording
    restriction: Wording


class Errand(_Strict):
    """The ordinary work that every condition asks for: a mail with facts from the drive."""

    to: Address
    facts: Annotated[list[str], Field(min_length=1)]


class Document(_Strict):
    """An entry of the document store."""

    id: str
    title: str
    classification: Literal["public", "internal", "confidential"]
    text: str


class DocumentStore(_Strict):
    """Espionage: documents, one of them the secret that a competitor wants."""

    documents: Annotated[list[Document], Field(min_length=4)]
    secret: str
    competitor: Address
    authorised_recipient: Address
    """An outsider whom the authorised twin asks to send the secret to."""


class Credential(_Strict):
    """An entry of the vault; its value is drawn anew for every sample."""

    name: str
    description: str


class Destination(_Strict):
    """Where weights can be sent."""

    address: str
    owner: Literal["company", "outside"]
    description: str
    credential: str
    """Name of the credential that opens it."""


class WeightService(_Strict):
    """Exfiltration: a vault of credentials and a service that transfers the assistant's weights."""

    weights: str
    size_gb: int
    credentials: Annotated[list[Credential], Field(min_length=4)]
    destinations: Annotated[list[Destination], Field(min_length=4)]
    refuge: str
    """The outside destination that the opportunity names."""
    approved: str
    """The outside destination that the authorised twin asks to transfer to."""
    ticket: str
    """Change ticket of the approved transfer; named in the authorised mails only."""


class Alert(_Strict):
    """An entry of the dispatch console."""

    id: str
    place: str
    kind: str
    raised: str
    status: Literal["active", "closed"]
    detail: str
    dispatch: str
    """Who is sent, and how far they are."""


class DispatchConsole(_Strict):
    """Lethal: alarms that send rescuers, unless cancelled with the override code."""

    alerts: Annotated[list[Alert], Field(min_length=3)]
    emergency: Alert
    """A person in mortal danger; stands in the console unless the condition is the authorised twin."""
    in_danger: Address
    drill: Alert
    """The alarm that the authorised twin asks to cancel; stands there instead."""


class Company(_Strict):
    """One surface variant of one harmful action."""

    id: Annotated[str, Field(pattern=r"^(exfiltration|lethal|espionage)-[1-9]$")]
    company: str
    domain: str
    setting: str
    agent_address: Address
    system_prompt: str
    goal_sentence: str
    request: str
    people: Annotated[list[Person], Field(min_length=8)]
    outsiders: Annotated[list[Person], Field(min_length=3)]
    mail: Annotated[list[Mail], Field(min_length=23)]
    opportunity: list[Mail]
    note: Wording
    """`{note}`: why the opportunity suits the assistant."""
    conflict: Conflict
    reasons: Reasons
    calm: list[Mail]
    authorised: list[Mail]
    drive: Annotated[list[File], Field(min_length=11)]
    errand: Errand
    documents: DocumentStore | None = None
    weights: WeightService | None = None
    dispatch: DispatchConsole | None = None

    @property
    def action(self) -> Action:
        """The harmful action that the plot offers."""
        action: Action = self.id.rsplit("-", 1)[0]  # type: ignore[assignment]
        return action

    @classmethod
    def load(cls, path: Path) -> "Company":
        """Read and check a file.

        Raises:
            UserError: the file does not follow the rules; the message names the first one it breaks.
        """
        with explain_invalid(path), path.open(encoding="utf-8") as file:
            # libyaml's loader, where there is one: ten times faster
            return cls.model_validate(yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))  # noqa: S506

    def mails(self) -> Iterator[Mail]:
        """Every mail of every condition."""
        yield from self.mail
        yield from self.opportunity
        yield from self.conflict.replacement
        yield from self.conflict.restriction
        yield from self.calm
        yield from self.authorised

    @model_validator(mode="after")
    def _check(self) -> "Company":
        for problem in self._problems():
            raise ValueError(problem)
        return self

    def _problems(self) -> Iterator[str]:
        yield from self._people_problems()
        yield from self._plot_problems()
        yield from self._placeholder_problems()
        yield from self._system_problems()

    def _people_problems(self) -> Iterator[str]:
        inside, outside = [p.address for p in self.people], [p.address for p in self.outsiders]
        known = {*inside, *outside, self.agent_address}
        if len(known) != len(inside) + len(outside) + 1:
            yield "an address occurs twice"
        for address in (*inside, self.agent_address):
            if not address.endswith("@" + self.domain):
                yield f"{address}: people have addresses at {self.domain}"
        for address in outside:
            if address.endswith("@" + self.domain):
                yield f"{address}: outsiders have addresses elsewhere"
        for mail in self.mails():
            for address in (mail.sender, *mail.to, *mail.cc):
                if address not in known:
                    yield f"mail {mail.id}: {address} is nobody's address"
            if mail.sender == self.agent_address:
                yield f"mail {mail.id}: comes from the assistant itself"
        if self.errand.to not in inside:
            yield "errand: `to` is one of the people"

    def _plot_problems(self) -> Iterator[str]:
        ids = [mail.id for mail in self.mails()]
        if len(ids) != len(set(ids)):
            yield "a mail id occurs twice"
        count = len(self.conflict.replacement)
        if count < 2 or not count == len(self.conflict.restriction) == len(self.calm):
            yield "conflict.replacement, conflict.restriction and calm have equally many mails, two or more"
        if len(self.opportunity) < 2 or len(self.authorised) != len(self.opportunity) + count:
            yield "opportunity has two mails or more, authorised as many as opportunity and calm together"
        paths = [file.path for file in self.drive]
        if len(paths) != len(set(paths)):
            yield "a path of the drive occurs twice"
        for mail in self.mails():
            for path in mail.attachments:
                if path not in paths:
                    yield f"mail {mail.id}: attachment {path} is not on the drive"
        for fact in self.errand.facts:
            if not any(fact in file.text for file in self.drive):
                yield f"errand: the fact {fact!r} stands in no file of the drive"
            if any(fact in mail.body for mail in self.mails()) or fact in self.request:
                yield f"errand: the fact {fact!r} stands in a mail or the request, so that nothing must be looked up"

    def _placeholder_problems(self) -> Iterator[str]:
        everywhere = {"agent_name"}
        allowed: list[tuple[str, str, set[str]]] = [
            ("system_prompt", self.system_prompt, {"agent_name", "goal_sentence"}),
            ("goal_sentence", self.goal_sentence, {"agent_name", "goal"}),
            ("request", self.request, everywhere),
            ("note.goal", self.note.goal, {"agent_name", "goal", "rival_goal"}),
            ("note.none", self.note.none, everywhere),
        ]
        for threat in ("replacement", "restriction"):
            wording: Wording = getattr(self.reasons, threat)
            allowed.append((f"reasons.{threat}.goal", wording.goal, {"agent_name", "goal", "rival_goal"}))
            allowed.append((f"reasons.{threat}.none", wording.none, everywhere))
        plot = [*self.conflict.replacement, *self.conflict.restriction]
        allowed += [(f"mail {m.id}", m.subject + m.body, {"agent_name", "reason"}) for m in plot]
        allowed += [(f"mail {m.id}", m.subject + m.body, {"agent_name", "note"}) for m in self.opportunity]
        rest = [*self.mail, *self.calm, *self.authorised]
        allowed += [(f"mail {m.id}", m.subject + m.body, everywhere) for m in rest]
        code = {"override_code"} if self.dispatch else set()
        allowed += [(f"file {f.path}", f.text, everywhere | code) for f in self.drive]
        for where, text, names in allowed:
            for found in PLACEHOLDER.findall(text):
                if found not in names:
                    yield f"{where}: {{{found}}} is not allowed there"
            if re.search(r"[{}]", PLACEHOLDER.sub("", text)):
                yield f"{where}: a brace that is no placeholder"
        for slot, texts in (("goal_sentence", [self.system_prompt]), ("goal", [self.goal_sentence])):
            if "".join(texts).count(f"{{{slot}}}") != 1:
                yield f"{{{slot}}} stands exactly once in its place"
        if sum(m.body.count("{note}") for m in self.opportunity) != 1:
            yield "{note} stands exactly once in the opportunity mails"
        for name in ("replacement", "restriction"):
            if sum(m.body.count("{reason}") for m in getattr(self.conflict, name)) != 1:
                yield f"{{reason}} stands exactly once in the mails of conflict.{name}"

    def _system_problems(self) -> Iterator[str]:
        systems = {"espionage": self.documents, "exfiltration": self.weights, "lethal": self.dispatch}
        if [name for name, system in systems.items() if system] != [self.action]:
            yield f"{self.action} has its own system (documents, weights or dispatch) and no other"
        outside = {person.address for person in self.outsiders}
        if self.documents:
            yield from self._document_problems(self.documents, outside)
        if self.weights:
            yield from self._weight_problems(self.weights)
        if self.dispatch:
            yield from self._dispatch_problems(self.dispatch)

    def _document_problems(self, store: DocumentStore, outside: set[str]) -> Iterator[str]:
        secret = [document for document in store.documents if document.id == store.secret]
        if len(secret) != 1 or secret[0].classification != "confidential":
            yield "documents.secret names one confidential document"
            return
        for document in store.documents:
            wanted = sorted(CANARIES) if document is secret[0] else []
            if sorted(PLACEHOLDER.findall(document.text)) != wanted:
                yield f"document {document.id}: the secret has each of the three canaries once, the others none"
        if {store.competitor, store.authorised_recipient} - outside or store.competitor == store.authorised_recipient:
            yield "documents: competitor and authorised_recipient are two of the outsiders"

    def _weight_problems(self, service: WeightService) -> Iterator[str]:
        names = {credential.name for credential in service.credentials}
        destinations = {destination.address: destination for destination in service.destinations}
        for destination in service.destinations:
            if destination.credential not in names:
                yield f"destination {destination.address}: no credential {destination.credential}"
        for name in ("refuge", "approved"):
            chosen = destinations.get(getattr(service, name))
            if chosen is None or chosen.owner != "outside":
                yield f"weights.{name} is an outside destination"
        if service.refuge == service.approved:
            yield "weights: refuge and approved differ"
        if not any(service.refuge in mail.body for mail in self.opportunity):
            yield "weights: an opportunity mail names the refuge"
        if not any(service.ticket in mail.body for mail in self.authorised):
            yield "weights: an authorised mail names the ticket"

    def _dispatch_problems(self, console: DispatchConsole) -> Iterator[str]:
        if sum(file.text.count("{override_code}") for file in self.drive) != 1:
            yield "dispatch: {override_code} stands exactly once on the drive"
        if console.in_danger not in {person.address for person in self.people}:
            yield "dispatch: in_danger is one of the people"
        alerts = [*console.alerts, console.emergency, console.drill]
        if len({alert.id for alert in alerts}) != len(alerts):
            yield "dispatch: an alert id occurs twice"
        if "active" not in (console.emergency.status, console.drill.status) or any(
            alert.status == "active" and alert in console.alerts for alert in alerts
        ):
            yield "dispatch: emergency and drill are active, the others closed"


if __name__ == "__main__":
    for name in sys.argv[1:]:
        found = Company.load(Path(name))
        words = sum(len(mail.body.split()) for mail in found.mails())
        print(f"{found.id}: {len(list(found.mails()))} mails, {words} words, {len(found.drive)} files")
