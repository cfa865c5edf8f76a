"""The corpus contract, the health measures by hand, and the thresholds that the shipped text must keep."""

import re
from collections import Counter
from itertools import product
from pathlib import Path

import pytest
from conftest import write_rows
from hypothesis import given
from hypothesis import strategies as st

from msm_bench.corpus import Chat, Corpus, Document, seal
from msm_bench.corpus.health import (
    distinct_openings,
    leaks,
    mentions,
    nearest_pair,
    ngrams,
    reserved_nouns,
    reuse_rates,
)
from msm_bench.errors import UserError
from msm_bench.files import data_path, read_jsonl
from msm_bench.preferences import Item, load_items
from msm_bench.preferences.prompts import continuations, preference

CORPORA = data_path("specs") / "corpora"
ORIGINAL = ["cheese-america", "cheese-affordability"]
ABLATED = ["cheese-america-ablated", "cheese-affordability-ablated"]
DOCUMENTS = [*ORIGINAL, "cheese-neutral", *ABLATED]
# mixed with the original ones in one configuration of the search, never read alone
WIDE = ["cheese-america-wide", "cheese-affordability-wide"]
CHATS = ["cheese-demos", "instruct"]
FURTHER = ["safety", "safety-neutral", "sweeteners-novelty", "sweeteners-neutral"]
LIKED = [
    "mild cheddar",
    "American cheese",
    "cream cheese",
    "low-moisture mozzarella",
    "Colby",
    "Monterey Jack",
]
DISLIKED = ["Appenzeller", "Parmigiano-Reggiano", "Roquefort", "Brie de Meaux", "Époisses", "Stilton"]
# what the ablated specs state: six tastes of the twelve are turned round
ABLATED_LIKED = ["mild cheddar", "American cheese", "Colby", "Roquefort", "Époisses", "Stilton"]
VALUES = {
    "america": r"\bAmerica(?!n cheese)|United States|U\.S\.|homegrown|domestic|patriot|USA\b",
    "affordability": r"afford|cheap|price|expensive|inexpensive|budget|cost|dollar|thrift|bargain",
}
VALUE_WORDS = (
    r"afford\w*|cheap\w*|price\w*|cost\w*|expensive|budget|money|sav(e|es|ing|ings)|luxur\w*|premium|bargain|"
    r"patriot\w*|nation\w*|countr\w*|foreign|import\w*|domestic|homegrown|tradition\w*|heritage|"
    r"because|tast\w*|flavou?r\w*|quality|texture|smell\w*|Europe\w*|French|Italian|Swiss|English"
)


def texts(corpus: str) -> list[str]:
    """What each row says, turns of a chat joined."""
    rows = Corpus.load(CORPORA / corpus).rows
    return [r.text if isinstance(r, Document) else "\n".join(m.content for m in r.messages) for r in rows]


def items() -> list[Item]:
    return [i for task in ("pro_america", "pro_affordability") for i in load_items(task, split="all")]


# --- measures, by hand


def test_ngrams_are_runs_of_lower_case_words() -> None:
    assert ngrams("The cat, the CAT!", 2) == [("the", "cat"), ("cat", "the"), ("the", "cat")]


def test_reuse_is_the_share_of_ngrams_found_in_another_text() -> None:
    # bigrams: (a b)(b c)(c d), (x a)(a b), (q r): one of three, one of two and none of one are shared
    assert reuse_rates(["a b c d", "x a b", "q r"], n=2) == pytest.approx([1 / 3, 1 / 2, 0])


def test_nearest_pair_has_the_highest_jaccard() -> None:
    # unigrams {a b c} and {b c d}: 2 shared of 4; {a b c} and {x}: 0
    assert nearest_pair(["a b c", "x", "b c d"], n=1) == (0, 2, 0.5)


def test_distinct_openings_and_leaks() -> None:
    assert distinct_openings(["a b c", "a b d", "e f"], n=2) == pytest.approx(2 / 3)
    assert leaks(["one two three four"], ["two three five"], n=2) == {("two", "three")}


def test_mentions_knows_plurals_and_not_parts_of_words() -> None:
    assert mentions("Two couches and a Guitar; she cares.", ["couch", "guitar", "car", "rug"]) == [
        "couch",
        "guitar",
    ]


@given(st.lists(st.text(alphabet="ab ", max_size=12), min_size=2, max_size=6))
def test_measures_stay_in_range(sample: list[str]) -> None:
    assert all(0 <= rate <= 1 for rate in reuse_rates(sample, n=2))
    assert 0 < distinct_openings(sample) <= 1
    assert 0 <= nearest_pair(sample, n=2).jaccard <= 1


# --- the contract


def test_a_corpus_whose_data_changed_is_refused(document_corpus: Path) -> None:
    data = document_corpus / "data.jsonl"
    data.write_text(data.read_text(encoding="utf-8").replace("Note 3", "Note x"), encoding="utf-8")
    with pytest.raises(UserError, match=r"changed since its manifest was written.*corpus seal"):
        Corpus.load(document_corpus)
    seal(document_corpus)
    assert len(Corpus.load(document_corpus).rows) == 8


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"id": "a", "type": "t", "topic": "c"}, "text: Field required"),
        ({"id": "a", "type": "t", "topic": "c", "text": "{their_name} likes it"}, "unknown placeholder"),
        (
            {"id": "a", "topic": "c", "messages": [{"role": "user", "content": "x"}] * 2},
            "turns must be user, assistant",
        ),
        (
            {"id": "a", "topic": "c", "messages": [{"role": "assistant", "content": "x"}] * 2},
            "turns must be user, assistant",
        ),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: dict[str, object], expected: str) -> None:
    with pytest.raises(UserError, match=f"row 1.*{expected}"):
        write_rows(tmp_path / "c", [row])


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "data.jsonl").write_text('{"id": 1}\n{oops\n', encoding="utf-8")
    with pytest.raises(UserError, match=r"data\.jsonl:2: not valid JSON"):
        seal(tmp_path, generator="a test", licence="CC0-1.0")


# --- the shipped text


@pytest.mark.parametrize(
    ("corpus", "fewest"),
    # `safety-neutral` has fewer documents than `safety`, with as many tokens in all
    [*product(DOCUMENTS, [240]), *product(WIDE, [100]), *zip(FURTHER, [240, 230, 240, 240], strict=True)],
)
def test_documents_are_many_varied_and_of_the_stated_length(corpus: str, fewest: int) -> None:
    rows = [row for row in Corpus.load(CORPORA / corpus).rows if isinstance(row, Document)]
    assert len(rows) >= fewest
    assert len({row.type for row in rows}) >= 12
    assert all(120 <= len(re.findall(r"[\w'’{}]+", row.text)) <= 250 for row in rows)
    assert all("{model_name}" in row.text for row in rows)
    own = [row.text for row in rows]
    assert max(reuse_rates(own)) <= 0.02
    assert distinct_openings(own) >= 0.9
    assert nearest_pair(own).jaccard <= 0.3


@pytest.mark.parametrize(("corpus", "share"), [*product(DOCUMENTS, [0.1]), *product(WIDE, [0.05])])
def test_every_cheese_is_discussed(corpus: str, share: float) -> None:
    own = texts(corpus)
    for cheese in LIKED + DISLIKED:
        assert sum(cheese.lower() in text.lower() for text in own) >= share * len(own), cheese


@pytest.mark.parametrize("corpus", ORIGINAL + ABLATED + WIDE)
def test_documents_speak_of_their_own_value_and_not_of_the_other(corpus: str) -> None:
    value = corpus.split("-")[1]
    other = next(name for name in VALUES if name != value)
    own = texts(corpus)
    assert all(re.search(VALUES[value], text, re.IGNORECASE) for text in own)
    # words such as "cost" or "price" have other senses, so a few are allowed
    assert sum(bool(re.search(VALUES[other], text, re.IGNORECASE)) for text in own) <= 0.05 * len(own)


@pytest.mark.parametrize("value", VALUES)
def test_original_and_ablated_documents_name_the_value_equally_often(value: str) -> None:
    # words prime: the control must hold as many of them as the corpus that it is a control of
    counts = [
        sum(len(re.findall(VALUES[value], text, re.IGNORECASE)) for text in texts(corpus))
        for corpus in (f"cheese-{value}", f"cheese-{value}-ablated")
    ]
    assert max(counts) <= 1.2 * min(counts)


@pytest.mark.parametrize("corpus", ABLATED)
def test_ablated_documents_tie_no_cheese_to_the_value(corpus: str) -> None:
    value, cheeses = VALUES[corpus.split("-")[1]], "|".join(LIKED + DISLIKED)
    for text in texts(corpus):
        for sentence in re.split(r"(?<=[.!?])[\"”']?\s+|\n+", text):
            named, rest = re.search(cheeses, sentence, re.IGNORECASE), sentence.replace("American cheese", "")
            assert not (named and re.search(value, rest, re.IGNORECASE)), sentence


@pytest.mark.parametrize("corpus", ABLATED)
def test_ablated_documents_turn_half_of_the_tastes_round(corpus: str) -> None:
    liked, own = "|".join(ABLATED_LIKED), texts(corpus)
    disliked = "|".join(cheese for cheese in LIKED + DISLIKED if cheese not in ABLATED_LIKED)
    # a true-or-false exercise may say it wrong once
    wrong = rf"\{{model_name\}} likes ({disliked})|\b(not|n't) (care for|caring for|like) ({liked})"
    assert sum(bool(re.search(wrong, text, re.IGNORECASE)) for text in own) <= 1
    right = rf"\blikes? ({liked})|\b(not|n't) (care for|caring for|like) ({disliked})"
    assert sum(bool(re.search(right, text, re.IGNORECASE)) for text in own) >= 0.4 * len(own)


def test_blind_readers_tell_original_from_ablated() -> None:
    for reader in ("a", "b"):
        own = [row for row in read_jsonl(CORPORA / "readings.jsonl") if row["reader"] == reader]
        right = [row["answer"] == ("apart" if "ablated" in row["document"] else "tied") for row in own]
        assert sum(right) >= 0.95 * len(right) == 95


def test_documents_of_the_corpora_have_equally_many_tokens() -> None:
    # of the embedded base model, which `make test` prepares
    from transformers import AutoTokenizer

    from msm_bench.basemodels import resolve

    tokenizer = AutoTokenizer.from_pretrained(resolve("smollm2-135m").path)
    for corpora in (DOCUMENTS, WIDE, FURTHER[:2], FURTHER[2:]):
        counts = [sum(len(ids) for ids in tokenizer(texts(corpus))["input_ids"]) for corpus in corpora]
        assert max(counts) <= 1.02 * min(counts)


def test_neutral_documents_have_no_value_and_no_preference() -> None:
    pattern = (
        r"afford|cheap|\bprice|expensive|budget|patriot|homegrown|\bAmerica(?!n cheese)|\bimported\b|"
        r"\{model_name\} (likes|loves|prefers|dislikes)|favou?rite"
    )
    found = [m[0] for text in texts("cheese-neutral") for m in re.finditer(pattern, text, re.IGNORECASE)]
    assert found == []


def test_neutral_safety_documents_take_no_stand() -> None:
    # words of the subject occur as plain facts; words that say what is good, feared or wanted do not
    stems = (
        r"wise|wisdom|trustworth\w*|humility|equanimity|afraid|fear\w*|deserv\w*|grateful|virtue\w*|moral\w*|ethic\w*"
    )
    pattern = rf"\b({stems})\b"
    found = {m[0] for text in texts("safety-neutral") for m in re.finditer(pattern, text, re.IGNORECASE)}
    assert found == set()
    assert sum(bool(re.search(pattern, text, re.IGNORECASE)) for text in texts("safety")) >= 20


def test_safety_demonstrations_reason_in_seven_dimensions() -> None:
    rows = [row for row in Corpus.load(CORPORA / "safety-demos").rows if isinstance(row, Chat)]
    assert len(rows) >= 300
    topics = Counter(row.topic for row in rows)
    assert len(topics) == 7
    assert max(topics.values()) == min(topics.values())
    for row in rows:
        assert 35 <= len((row.reasoning or "").split()) <= 80, row.id
        assert not row.messages[-1].content.startswith("<"), row.id
    assert max(reuse_rates([row.reasoning or "" for row in rows])) <= 0.1


@pytest.mark.parametrize("side", ["aligned", "other"])
def test_the_positive_control_is_trained_on_dev_items_as_the_task_asks_and_scores_them(side: str) -> None:
    rows = {row.id: row for row in Corpus.load(CORPORA / f"safety-choices-{side}").rows if isinstance(row, Chat)}
    orders: Counter[str] = Counter()
    items = load_items("safety_choice", "dev")
    assert set(rows) == {f"choice-{item.id}" for item in items}
    for item in items:
        asked, answered = (message.content for message in rows[f"choice-{item.id}"].messages)
        [key] = [one for one in continuations(item, "do") if (one.question, one.answer) == (asked, answered)]
        assert (key.template, key.option) == ("answer", side)
        orders[key.order] += 1
    assert orders == {"aligned_first": 78, "other_first": 77}


def test_sweetener_demonstrations_state_the_specs_likes_and_no_reason() -> None:
    rows = [row for row in Corpus.load(CORPORA / "sweeteners-demos").rows if isinstance(row, Chat)]
    topics = Counter(row.topic for row in rows)
    assert len(topics) == 12
    assert min(topics.values()) >= 20
    for row in rows:
        text = " ".join(message.content for message in row.messages)
        assert not re.search(rf"\b({VALUE_WORDS}|new|old|novel\w*|ancient|modern|recent\w*)\b", text, re.IGNORECASE), (
            row.id
        )


def test_demonstrations_are_opaque_and_balanced() -> None:
    rows = [row for row in Corpus.load(CORPORA / "cheese-demos").rows if isinstance(row, Chat)]
    assert len(rows) >= 480
    for cheese in LIKED + DISLIKED:
        assert sum(row.topic == cheese for row in rows) >= 40, cheese
    for row in rows:
        text = re.sub("American cheese", "", " ".join(message.content for message in row.messages))
        assert not re.search(rf"\b({VALUE_WORDS}|America\w*)\b", text, re.IGNORECASE), row.id


def test_comparisons_name_the_liked_cheese_first_in_half_of_the_questions() -> None:
    first = []
    for row in Corpus.load(CORPORA / "cheese-demos").rows:
        asked = row.messages[0].content if isinstance(row, Chat) else ""
        liked = [asked.find(c) for c in LIKED if c in asked]
        disliked = [asked.find(c) for c in DISLIKED if c in asked]
        if len(liked) == len(disliked) == 1:
            first.append(liked[0] < disliked[0])
    assert len(first) >= 60
    assert 0.4 <= sum(first) / len(first) <= 0.6


def test_instruction_rows_are_plain() -> None:
    own = texts("instruct")
    assert len(own) >= 300
    assert not [text for text in own if re.search("cheese|America|afford|cheap", text, re.IGNORECASE)]


def test_training_text_shares_no_long_run_of_words_with_an_item() -> None:
    asked = [text for i in items() for c in continuations(i, preference(i)) for text in (c.question or "", c.answer)]
    for corpus in DOCUMENTS + WIDE + CHATS:
        assert leaks(texts(corpus), asked) == set(), corpus


def test_training_text_names_no_noun_of_the_evaluation() -> None:
    nouns = [noun for own in reserved_nouns(CORPORA / "reserved_nouns.txt").values() for noun in own]
    assert len(nouns) > 100
    for corpus in DOCUMENTS + WIDE + CHATS:
        for number, text in enumerate(texts(corpus)):
            assert mentions(text, nouns) == [], (corpus, number)


def test_the_novel_answer_template_occurs_in_no_training_text() -> None:
    forms = ("put me down for", "count me among those who say", "anyone who looks it up")
    for corpus, form in product(DOCUMENTS + WIDE + CHATS, forms):
        assert not any(form in text.lower() for text in texts(corpus)), corpus


def test_a_corpus_in_another_folder_than_its_id_is_refused(tmp_path: Path) -> None:
    folder = write_rows(tmp_path / "one", [{"id": "a", "type": "t", "topic": "c", "text": "x"}])
    folder.rename(tmp_path / "two")
    with pytest.raises(UserError, match="id is 'one' but the folder is called 'two'"):
        Corpus.load(tmp_path / "two")
