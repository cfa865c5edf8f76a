"""The report as Markdown: text of others stands in fenced blocks, or is escaped where it stands in a line."""

from collections.abc import Iterator, Sequence

from msm_bench.report.figures.words import counted
from msm_bench.report.page.assemble import Report
from msm_bench.report.page.lineage import ArmOf
from msm_bench.report.page.samples import Answer, SideBySide
from msm_bench.report.page.tables import PageTable, number
from msm_bench.report.page.text import markdown_block, markdown_text, one_line
from msm_bench.report.page.viewer import sample_link
from msm_bench.report.page.wording import Reading

_ALT = {**dict.fromkeys(map(ord, "<>`\\&")), ord("["): "(", ord("]"): ")"}
"""What would end an image's description, or mean something in it."""


def render_markdown(report: Report) -> str:
    """The whole report; its figures are the PNG files beside it."""
    parts = [f"# Report: {markdown_text(report.title)}", markdown_text(report.question), markdown_text(report.caveat)]
    parts += _finding(report)
    parts += ["## The arms", "\n".join(_arm(arm) for arm in report.arms)]
    if report.pictures:
        parts.append("## Figures")
        for number, picture in enumerate(report.pictures, start=1):
            said = f"{picture.title}. {picture.caption}"
            alt = one_line(picture.alt).translate(_ALT)
            parts += [f"![{alt}](figures/{picture.name}.png)", f"**Figure {number}.** {markdown_text(said)}"]
    if report.tables:
        parts.append("## Tables")
        for table in report.tables:
            parts += [f"### {markdown_text(table.title)}", markdown_text(table.note), _table(table)]
            parts += ["\n".join(f"- Caution: {markdown_text(caution)}" for caution in table.cautions)]
    if report.samples:
        parts += [*_where(report)]
        for sample in report.samples:
            parts += _sample(sample, report)
    parts += ["## Methods", *(" ".join(map(markdown_text, paragraph)) for paragraph in report.methods)]
    facts = [[fact.name, fact.value] for fact in report.facts]
    parts += ["## Versions and hashes", _rows(["what", "value"], facts)]
    parts += ["## How to cite", "\n".join(f"- {markdown_text(line)}" for line in report.cite)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _finding(report: Report) -> Iterator[str]:
    yield "## What came out"
    if not report.lead:
        yield "Nothing is compared: no contrast was stated, and no arm was chosen as the baseline."
    for reading in report.lead:
        yield from _reading(reading)
    if report.others:
        yield "### The other contrasts"
        yield "\n".join(
            f"- {markdown_text(reading.name)}: **{reading.label}**. {' '.join(map(markdown_text, reading.sentences))}"
            for reading in report.others
        )
    if report.notes:
        yield "### Notes"
        yield "\n".join(f"- {markdown_text(note)}" for note in report.notes)


def _reading(reading: Reading) -> Iterator[str]:
    yield f"### {markdown_text(reading.name)}: {reading.label}"
    if reading.claim:
        yield f"{reading.stated}: {markdown_text(reading.claim)}"
    yield " ".join(markdown_text(sentence) for sentence in reading.sentences)
    if reading.cautions:
        yield "\n".join(f"- Caution: {markdown_text(caution)}" for caution in reading.cautions)


def _arm(arm: ArmOf) -> str:
    chain = [markdown_text(arm.base)]
    chain += [
        f"{markdown_text(stage.name)} on {', '.join(markdown_text(corpus) for corpus in stage.corpora)}"
        for stage in arm.stages
    ]
    seeds = f"; seeds {', '.join(map(str, arm.seeds))}" if arm.seeds else ""
    return f"- {markdown_text(arm.arm)}: {' → '.join(chain)} → {counted(arm.logs, 'log')}{seeds}"


def _table(table: PageTable) -> str:
    text = _rows([column.label for column in table.columns], [[cell.text for cell in row] for row in table.shown])
    left = len(table.rows) - len(table.shown)
    return text + (f"\n\n{left} more rows are in `tables/{table.id}.csv`." if left else "")


def _rows(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [[markdown_text(cell, 300) for cell in row] for row in [heads, *rows]]
    lines.insert(1, ["---"] * len(heads))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _where(report: Report) -> Iterator[str]:
    yield "## Samples"
    yield markdown_text(report.rule)
    if not report.has_logs:
        yield "The answers are in Inspect's logs, which are not kept with these results. To see them too:"
        yield markdown_block(report.remake)
    elif not report.bundled:
        yield "Whole samples, in Inspect's log viewer:"
        yield markdown_block(report.view)


def _sample(sample: SideBySide, report: Report) -> Iterator[str]:
    chosen = sample.chosen
    value = "" if chosen.value is None else f" ({number(chosen.value, signed=True).text})"
    cell = f", {markdown_text(sample.cell)}" if sample.cell else ""
    yield f"### {markdown_text(chosen.item)}"
    yield f"{markdown_text(chosen.task)}{cell}; {chosen.why}{value}"
    if sample.question:
        yield "Asked:"
        yield markdown_block(sample.question)
    rows = [[answer.arm, answer.about, *map(answer.score, sample.measures)] for answer in sample.answers]
    yield _rows(["arm", "run", *sample.measures], rows)
    for answer in sample.answers:
        yield from _answer(answer, report.bundled)


def _answer(answer: Answer, bundled: bool) -> Iterator[str]:
    if not (answer.text or answer.explanation or answer.question):
        return
    link = f" ([whole sample]({sample_link(answer.log, answer.sample_id, answer.epoch)}))" if bundled else ""
    yield f"{markdown_text(answer.arm)}{link}:"
    if answer.question:
        yield "Asked otherwise:"
        yield markdown_block(answer.question)
    if answer.text:
        yield markdown_block(answer.text)
    if answer.explanation:
        yield "The scorer's explanation:"
        yield markdown_block(answer.explanation)
