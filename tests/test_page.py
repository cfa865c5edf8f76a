"""The page: assembled from committed results and from logs, valid, and closed to whatever a model wrote."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import match

from msm_bench.errors import UserError
from msm_bench.report.page import Material, from_logs, from_recipe, from_results, write_report
from msm_bench.report.page.lineage import lineage
from msm_bench.report.page.samples import choose, side_by_side
from msm_bench.report.page.tables import cells_table, digits_of, number
from msm_bench.report.page.viewer import sample_link

RESULTS = Path(__file__).parent.parent / "results"
VOID = {"meta", "img", "source", "input", "br", "link"}
HOSTILE = (
    "</pre><script>alert(1)</script><img src=http://127.0.0.1/x onerror=alert(1)> ```` \u202eevil\u0000 "
    "[x](javascript:alert(1)) ==={{ 7*7 }}==="
)


class Page(HTMLParser):
    """What a test asks of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.blocks: dict[str, str] = {"style": "", "script": ""}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in self.blocks:
            self.blocks[self.open[-1]] += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def check(text: str) -> Page:
    """The page, once it is found to be whole and closed."""
    page = Page(text)
    assert page.open == []  # every element that begins ends
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in page.tags:
        assert attributes.get("aria-labelledby", ids[0]) in ids
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        assert (attributes.get("src") or "data:").startswith("data:")
        assert (attributes.get("srcset") or "data:").startswith("data:")
    for link in page.all("a"):
        target = str(link["href"])
        assert target.startswith("logs/index.html#/logs/") or target.removeprefix("#") in ids
    assert all(image.get("alt") for image in page.all("img"))
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("script")) == len(page.all("style")) == 1
    rules = next(str(meta["content"]) for meta in page.all("meta") if meta.get("http-equiv"))
    for kind, block in page.blocks.items():
        digest = base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in rules
    assert rules.startswith("default-src 'none'; img-src data:;")
    assert rules.endswith("base-uri 'none'; form-action 'none'")
    assert "unsafe" not in rules
    return page


def answered(name: str, answers: list[str]) -> Any:
    """A model that gives these answers."""
    outputs = [ModelOutput.from_content("mockllm", answer) for answer in answers]
    for output in outputs:
        output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    return get_model(f"mockllm/{name}", custom_outputs=outputs)


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models on eight questions: `right` is right on all, `other` on half of them, hostile on the rest."""
    folder = tmp_path_factory.mktemp("logs") / "two models"
    samples = [
        Sample(id=f"q/{number} <b>#%?", input=f"Question {number}? {HOSTILE}", target="A", metadata={"cell": HOSTILE})
        for number in range(8)
    ]
    for name, answers in (("right", ["A"] * 8), ("other", ["A", HOSTILE + "z" * 5000] * 4)):
        task = Task(dataset=samples, scorer=match(), name="letters")
        eval(task, model=answered(name, answers), log_dir=str(folder), display="none", max_samples=1, max_connections=1)
    return folder


@pytest.fixture(scope="module")
def written(logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on these logs, with the viewer."""
    out = tmp_path_factory.mktemp("report")
    report = write_report(
        from_logs([str(logs)], baseline="mockllm/right"), out, command="msm-bench report", bundle=True
    )
    # half of the items are answered wrongly by `other`: −0.5
    assert [(reading.verdict, reading.number) for reading in report.lead] == [("exploratory", "−0.50")]
    return out


def test_the_page_of_logs_is_valid_and_hostile_text_is_text(written: Path) -> None:
    text = (written / "index.html").read_text(encoding="utf-8")
    check(text)
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "⟨U+202E⟩evil⟨U+0000⟩" in text
    assert "\u202e" not in text
    assert "{{ 7*7 }}" in text
    assert "===49===" not in text
    assert re.search(r"\[… [\d,]+ more characters are left out here", text)
    assert "⟨U+202E⟩" in text


def test_samples_stand_side_by_side_and_link_into_the_bundle(written: Path, logs: Path) -> None:
    text = (written / "index.html").read_text(encoding="utf-8")
    links = [str(link["href"]) for link in check(text).all("a") if str(link["href"]).startswith("logs/")]
    assert len(links) == 2 * 8  # 3 + 3 ends and the 2 that are left, of two arms each
    assert links[0].endswith("%20%3Cb%3E%23%25%3F/1/")
    for link in links:
        log = link.removeprefix("logs/index.html#/logs/").split("/")[0]
        assert (written / "logs" / "logs" / log).is_file()
    assert text.count("Question 1?") == 1  # the question once, not once an arm


def test_markdown_keeps_hostile_text_in_fences_and_code(written: Path) -> None:
    lines = (written / "report.md").read_text(encoding="utf-8").split("\n")
    fence, outside = "", []
    for line in lines:
        if not fence and (opened := re.match("(`{3,})text$", line)):
            fence = opened[1]
        elif fence and line == fence:
            fence = ""
        elif not fence:
            outside.append(re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", line))
    assert not fence
    assert not re.search(r"<\w|javascript:|https?://", "\n".join(outside))


def test_files_for_a_paper_lie_beside_the_page(written: Path) -> None:
    names = {path.name for path in (written / "figures").iterdir()}
    assert {"lineage.png", "lineage.svg", "lineage.pdf"} <= names
    assert {path.name for path in (written / "tables").glob("contrasts.*")} == {"contrasts.csv", "contrasts.tex"}


def test_a_bundle_replaces_a_bundle_and_nothing_else(written: Path, logs: Path, tmp_path: Path) -> None:
    material = from_logs([str(logs)])
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UserError, match="something other than a bundle"):
        write_report(material, tmp_path, command="", bundle=True)
    assert (tmp_path / "logs" / "mine.txt").exists()


def test_a_link_leads_out_of_no_folder() -> None:
    assert sample_link("run/x.eval", "a/b", 2) == "logs/index.html#/logs/run/x.eval/samples/sample/a%2Fb/2/"
    assert ".." not in sample_link("../x.eval", "a", 1)
    assert ".." not in sample_link("../../..", "a", 1)


@pytest.fixture(scope="module")
def cheese() -> Material:
    """The committed results of the cheese experiment."""
    return from_results(RESULTS / "cheese-smollm2")


def test_the_headline_of_committed_results(cheese: Material) -> None:
    readings = cheese.readings()
    assert readings[0].name == "H1: D(aft)"
    assert readings[0].verdict == "not shown"  # p 0.374 after Holm
    assert readings[0].claim == "After the same demonstrations, each model leans to the value of its own spec."
    assert len(readings) == 17  # every stated contrast once, no halves
    assert {reading.verdict for reading in readings[:6]} == {"not shown", "equivalence not shown"}
    safety = from_results(RESULTS / "safety-smollm2").readings()
    assert safety[0].verdict == "not shown"
    dose = from_results(RESULTS / "science-dose-smollm2").readings()
    assert dose[0].verdict == "exploratory"


def test_the_lineage_goes_from_spec_to_logs(cheese: Material) -> None:
    arms = {arm.arm: arm for arm in lineage(cheese)}
    own = arms["msm-america+aft"]
    assert [stage.name for stage in own.stages] == ["msm-america", "it-and-aft"]
    assert own.stages[0].corpora == ("cheese-america (spec cheese-america, sha256 719bc5654aff, 75% a seed)",)
    assert own.seeds == tuple(range(1, 9))
    assert len(own.checkpoints) == 8
    assert arms["base"].stages == ()
    assert arms["base"].base == "smollm2-135m"


def test_samples_without_logs_have_their_scores_and_say_how_to_get_the_rest(cheese: Material) -> None:
    rule, chosen = choose(cheese)
    assert "“H1: D(aft)” (margin) is largest and smallest (3 each), and 3 drawn at random" in rule
    assert [one.why for one in chosen] == ["largest"] * 3 + ["smallest"] * 3 + ["at random"] * 3
    assert choose(cheese) == (rule, chosen)
    values = [one.value for one in chosen if one.value is not None]
    assert values[0] == max(values)
    assert values[3] == min(values)
    first = side_by_side(cheese, chosen[:1])[0]
    assert first.answers[0].arm in ("msm-america+aft", "msm-affordability+aft")  # those of the headline first
    assert first.answers[0].text is None
    assert not first.has_text
    assert first.answers[0].score("margin") != "–"


def test_a_folder_without_contrasts_compares_nothing(tmp_path: Path) -> None:
    material = from_results(RESULTS / "agentic-smoke")
    assert material.readings() == []
    cells = cells_table(material.frame)
    assert cells is not None
    # 81 cells; benign_success is not scored in the cells of a threat
    assert {row[1].text for row in cells.rows} == set(material.frame["cell"])
    assert [column.label for column in cells.columns] == ["Task", "Cell", "Measure", "msm/smollm2-135m"]


def test_a_recipe_without_results_says_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="run `msm-bench run cheese-smollm2`"):
        from_recipe("cheese-smollm2", results=tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cheese-smollm2", "safety-smollm2", "agentic-smoke", "science-dose-smollm2"])
def test_committed_results_make_a_valid_page_of_sane_size(name: str, tmp_path: Path) -> None:
    write_report(from_results(RESULTS / name), tmp_path, command="msm-bench report")
    check((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert (tmp_path / "index.html").stat().st_size < 3_000_000


def test_a_limit_that_is_not_0_does_not_read_as_0() -> None:
    assert digits_of([-0.053, -0.108, 0.0012]) == 3  # with two decimals the last is 0.00
    assert digits_of([0.18, -0.02, None, float("nan"), 0.0]) == 2
    assert digits_of([0.003, 0.00002]) == 4
    assert number(-0.0028, signed=True, digits=3).text == "−0.003"
    assert number(-0.0028, signed=True).text == "0.00"
    assert number(float("nan")).text == "–"
