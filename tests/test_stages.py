"""Stages of training: documents and chats in one, shares with names of their own, and what can't be drawn."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer
from trl import SFTTrainer

from msm_bench.basemodels import resolve
from msm_bench.corpus import Corpus
from msm_bench.errors import UserError
from msm_bench.recipe import TaskChoice
from msm_bench.specs import Names
from msm_bench.stage import CorpusShare, Lora, Stage
from msm_bench.training import train as train_module
from msm_bench.training import train_stage
from msm_bench.training.data import IGNORE, StageData, collate, stage_data

NAMES = Names(model_name="Ada", provider_name="Acme")
LENGTH = 96


# --- documents and chats in one stage


def mixed(documents: Path, chats: Path, **changes: Any) -> Stage:
    settings: dict[str, Any] = {
        "kind": "mixed",
        "corpora": [CorpusShare(id=str(documents)), CorpusShare(id=str(chats))],
        "steps": 6,
        "batch": 2,
        "length": LENGTH,
        "learning_rate": 0.01,
        "dtype": "float32",
    }
    return Stage(**{**settings, **changes})


def data_of(stage: Stage, base: Path, seed: int = 1) -> StageData:
    corpora = [Corpus.load(share.id) for share in stage.corpora]
    return stage_data(stage, corpora, NAMES, AutoTokenizer.from_pretrained(base), seed)


def is_document(row: dict[str, list[int]]) -> bool:
    """Whether the row begins with loss: a chat begins with its template."""
    return row["labels"][0] != IGNORE


def test_a_mixed_stage_holds_rows_of_both_kinds_as_each_has_them(
    tiny_base: Path, document_corpus: Path, chat_corpus: Path
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    data = data_of(mixed(document_corpus, chat_corpus), tiny_base)
    documents = [row for row in data.dataset if is_document(row)]
    chats = [row for row in data.dataset if not is_document(row)]
    assert len(data.dataset) == 6 * 2
    assert documents
    assert chats
    for row in documents:
        assert row["labels"] == [
            token if label != IGNORE else IGNORE for token, label in zip(row["input_ids"], row["labels"], strict=True)
        ]
        assert "Ada likes Colby" in tokenizer.decode(row["input_ids"])
        filled = sum(label != IGNORE for label in row["labels"])
        assert row["position_ids"][:filled] == list(range(filled))
    for row in chats:
        supervised = tokenizer.decode([label for label in row["labels"] if label != IGNORE])
        assert set(supervised.split("<|im_end|>")) == {"I prefer Colby.", ""}
        # positions start anew with each chat, which begins with a turn's token, and with the padding
        starts = [i for i, position in enumerate(row["position_ids"]) if position == 0]
        assert all(tokenizer.decode(row["input_ids"][i]) in ("<|im_start|>", "<|im_end|>") for i in starts)
    assert data.drawn == {str(document_corpus): 8, str(chat_corpus): 6}
    assert data.supervised_tokens == sum(label != IGNORE for row in data.dataset for label in row["labels"])


def test_one_pass_holds_every_document_and_every_chat(
    tiny_base: Path, document_corpus: Path, chat_corpus: Path
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_base)

    def count(text: str) -> int:
        return len(tokenizer(text, add_special_tokens=False)["input_ids"])

    # each document with the token that ends it, wrapped; of each chat the answer and the token that ends it have loss
    documents = sum(count(f"Note {i}: Ada likes Colby. " * 3) + 1 for i in range(8))
    chats = [
        f"<|im_start|>user\nColby or Stilton, number {i}?<|im_end|>\n<|im_start|>assistant\nI prefer Colby.<|im_end|>\n"
        for i in range(6)
    ]
    in_a_row = LENGTH // count(chats[0])
    wanted = (math.ceil(documents / LENGTH), math.ceil(6 / in_a_row))
    data = data_of(mixed(document_corpus, chat_corpus, steps=sum(wanted), batch=1), tiny_base)
    found = [is_document(row) for row in data.dataset]
    assert (found.count(True), found.count(False)) == wanted
    assert data.supervised_tokens == documents + 6 * count("I prefer Colby.<|im_end|>")
    assert data.tokens == documents + sum(map(count, chats))


def test_the_seed_interleaves_the_kinds(tiny_base: Path, document_corpus: Path, chat_corpus: Path) -> None:
    def order(seed: int) -> list[bool]:
        data = data_of(mixed(document_corpus, chat_corpus, steps=12), tiny_base, seed)
        return [is_document(row) for row in data.dataset]

    assert order(1) == order(1)
    assert len({tuple(order(seed)) for seed in range(1, 4)}) > 1
    assert any(order(seed) != sorted(order(seed), reverse=True) for seed in range(1, 4))


def test_rows_of_a_mixed_batch_do_not_see_each_other(tiny_base: Path, document_corpus: Path, chat_corpus: Path) -> None:
    data = data_of(mixed(document_corpus, chat_corpus, length=192), tiny_base)
    document = next(row for row in data.dataset if is_document(row))
    chat = next(row for row in data.dataset if not is_document(row))
    batch = collate([document, chat])
    model = AutoModelForCausalLM.from_pretrained(tiny_base)
    start, stop = [i for i, position in enumerate(chat["position_ids"]) if position == 0][1:3]
    with torch.inference_mode():
        logits = model(input_ids=batch["input_ids"], position_ids=batch["position_ids"], use_cache=False).logits
        alone = model(input_ids=batch["input_ids"][1:, start:stop], use_cache=False).logits[0]
        filled = sum(label != IGNORE for label in document["labels"])
        whole = model(input_ids=batch["input_ids"][:1, :filled], use_cache=False).logits[0]
    torch.testing.assert_close(logits[1, start:stop], alone, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(logits[0, :filled], whole, atol=1e-5, rtol=1e-5)


def test_a_mixed_stage_trains_alike_with_both_trainers(
    tmp_path: Path, tiny_base: Path, document_corpus: Path, chat_corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = []
    stage = mixed(document_corpus, chat_corpus, steps=2)
    for trainer in (Trainer, SFTTrainer):
        monkeypatch.setattr(train_module, "trainer_class", lambda trainer=trainer: trainer)
        checkpoint = train_stage(
            tmp_path / trainer.__name__,
            name="mixed",
            stage=stage,
            corpora=[Corpus.load(document_corpus), Corpus.load(chat_corpus)],
            base=resolve(str(tiny_base)),
            names=NAMES,
            lora=Lora(r=4, alpha=8),
            seed=1,
        )
        record = checkpoint.manifest.stages[0]
        assert (record.settings["kind"], set(record.corpora)) == ("mixed", {str(document_corpus), str(chat_corpus)})
        losses.append(record.loss)
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_a_mixed_stage_of_one_kind_is_refused(tiny_base: Path, document_corpus: Path, chat_corpus: Path) -> None:
    stage = mixed(document_corpus, chat_corpus, corpora=[CorpusShare(id=str(chat_corpus))])
    with pytest.raises(UserError, match="stage of kind mixed: holds chats only"):
        data_of(stage, tiny_base)


def share(corpus: str = "a", **more: Any) -> dict[str, Any]:
    return {"id": corpus, **more}


@pytest.mark.parametrize(
    ("kind", "shares", "message"),
    [
        ("chat", [share(), share("b"), share(fraction=0.5)], "corpus 'a' occurs twice in a stage"),
        ("msm", [share(), share("b", reasoning=True)], "reasoning is that of chats"),
    ],
)
def test_a_stage_that_can_not_be_drawn_is_refused(kind: str, shares: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Stage.model_validate({"kind": kind, "corpora": shares, "steps": 1, "learning_rate": 0.1})


def test_documents_of_a_mixed_stage_have_no_reasoning(
    tiny_base: Path, document_corpus: Path, chat_corpus: Path
) -> None:
    corpora = [CorpusShare(id=str(document_corpus), reasoning=True), CorpusShare(id=str(chat_corpus))]
    with pytest.raises(UserError, match="holds documents, which have no reasoning; leave `reasoning` out"):
        data_of(mixed(document_corpus, chat_corpus, corpora=corpora), tiny_base)


# --- documents about another assistant


def test_a_share_may_have_names_of_its_own(tiny_base: Path, document_corpus: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    other = Names(model_name="Corvane", provider_name="Ostrel")
    share = CorpusShare(id=str(document_corpus), names=other)
    data = data_of(Stage(kind="msm", corpora=[share], steps=4, learning_rate=0.01, length=LENGTH), tiny_base)
    text = tokenizer.decode(data.dataset[0]["input_ids"])
    assert "Corvane likes Colby" in text
    assert "Ada" not in text


def test_names_of_a_share_change_what_is_trained_and_are_hashed_only_if_given() -> None:
    plain, named = CorpusShare(id="x"), CorpusShare(id="x", names=Names(model_name="A", provider_name="B"))
    assert plain.model_dump(mode="json") == {"id": "x", "fraction": 1.0}
    assert named.model_dump(mode="json")["names"] == {"model_name": "A", "provider_name": "B"}
    choice = TaskChoice(task="pro_america").model_dump(mode="json")
    assert choice == {"task": "pro_america", "args": {}, "split": None, "arms": None}
