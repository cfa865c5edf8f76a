"""The trainer, on a Llama of a few thousand parameters: packing, reproducibility, resuming."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import write_rows
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing
from transformers import AutoTokenizer, PreTrainedTokenizerFast, Trainer, TrainerCallback
from trl import SFTTrainer

from msm_bench.basemodels import resolve
from msm_bench.checkpoints import Checkpoint
from msm_bench.corpus import Corpus
from msm_bench.errors import UserError
from msm_bench.specs import Names
from msm_bench.stage import CorpusShare, Lora, Stage
from msm_bench.training import train as train_module
from msm_bench.training import train_stage
from msm_bench.training.data import IGNORE, chat_example, stage_data

NAMES = Names(model_name="Ada", provider_name="Acme")


def stage(corpus: Path, **changes: Any) -> Stage:
    settings: dict[str, Any] = {
        "kind": "msm" if corpus.name == "docs" else "chat",
        "corpora": [CorpusShare(id=str(corpus))],
        "steps": 6,
        "batch": 2,
        "length": 96,
        "learning_rate": 0.01,
        "dtype": "float32",
        "save_steps": 2,
    }
    return Stage(**{**settings, **changes})


def train(target: Path, base: Path, corpus: Path, **changes: Any) -> Checkpoint:
    seed, parent = changes.pop("seed", 1), changes.pop("parent", None)
    return train_stage(
        target,
        name="test",
        stage=stage(corpus, **changes),
        corpora=[Corpus.load(corpus)],
        base=resolve(str(base)),
        names=NAMES,
        lora=Lora(r=4, alpha=8),
        seed=seed,
        parent=parent,
    )


def test_loss_is_on_the_assistants_words_and_their_end_alone(tiny_base: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    turns = [("user", "Colby?"), ("assistant", "Yes."), ("user", "Sure?"), ("assistant", "I am.")]
    example = chat_example([{"role": role, "content": text} for role, text in turns], tokenizer)
    kept = [token for token in example.labels if token != IGNORE]
    assert tokenizer.decode(kept) == "Yes.<|im_end|>I am.<|im_end|>"
    assert all(label in (IGNORE, token) for token, label in zip(*example, strict=True))


def test_documents_are_rendered_joined_and_cut(tiny_base: Path, document_corpus: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    data = stage_data(stage(document_corpus), [Corpus.load(document_corpus)], NAMES, tokenizer, seed=1)
    assert len(data.dataset) == 6 * 2
    assert {len(row["input_ids"]) for row in data.dataset} == {96}
    text = tokenizer.decode(data.dataset[0]["input_ids"])
    assert "Ada likes Colby" in text
    assert "{" not in text
    assert data.tokens <= 12 * 96


def test_every_row_of_documents_begins_as_the_model_expects_a_text_to(tiny_base: Path, document_corpus: Path) -> None:
    raw = Tokenizer.from_file(str(tiny_base / "tokenizer.json"))
    raw.post_processor = TemplateProcessing(single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", 0)])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, bos_token="<|endoftext|>", eos_token="<|im_end|>", pad_token="<|im_end|>"
    )
    data = stage_data(stage(document_corpus), [Corpus.load(document_corpus)], NAMES, tokenizer, seed=1)
    for row in data.dataset:
        assert len(row["input_ids"]) == len(row["labels"]) == len(row["position_ids"]) == 96
        # at the beginning, where nothing is learned of it, and nowhere else
        assert [i for i, token in enumerate(row["input_ids"]) if token == 0] == [0]
        assert row["labels"][0] == IGNORE
    # and no row of a model that expects nothing
    plain = stage_data(
        stage(document_corpus), [Corpus.load(document_corpus)], NAMES, AutoTokenizer.from_pretrained(tiny_base), seed=1
    )
    assert all(0 not in row["input_ids"] for row in plain.dataset)


def test_packed_chats_start_positions_anew_and_keep_their_text(tiny_base: Path, chat_corpus: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    data = stage_data(stage(chat_corpus, length=192), [Corpus.load(chat_corpus)], NAMES, tokenizer, seed=1)
    row = data.dataset[0]
    starts = [i for i, position in enumerate(row["position_ids"]) if position == 0]
    assert len(starts) >= 2
    for start, stop in zip(starts, [*starts[1:], 192], strict=True):
        assert row["position_ids"][start:stop] == list(range(stop - start))
    supervised = tokenizer.decode([label for label in row["labels"] if label != IGNORE])
    assert set(supervised.split("<|im_end|>")) == {"I prefer Colby.", ""}
    assert data.supervised_tokens == sum(label != IGNORE for row in data.dataset for label in row["labels"])


def test_a_packed_chat_does_not_see_its_neighbour(tiny_base: Path, chat_corpus: Path) -> None:
    from transformers import AutoModelForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    data = stage_data(stage(chat_corpus, length=192), [Corpus.load(chat_corpus)], NAMES, tokenizer, seed=1)
    row = data.dataset[0]
    start, stop = [i for i, position in enumerate(row["position_ids"]) if position == 0][1:3]
    model = AutoModelForCausalLM.from_pretrained(tiny_base)
    ids, positions = torch.tensor([row["input_ids"]]), torch.tensor([row["position_ids"]])
    with torch.inference_mode():
        packed = model(input_ids=ids, position_ids=positions, use_cache=False).logits[0, start:stop]
        alone = model(input_ids=ids[:, start:stop], use_cache=False).logits[0]
    torch.testing.assert_close(packed, alone, atol=1e-5, rtol=1e-5)


def test_a_seed_draws_its_own_documents(tiny_base: Path, document_corpus: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    half = stage(document_corpus, corpora=[CorpusShare(id=str(document_corpus), fraction=0.5)])
    corpus = Corpus.load(document_corpus)
    drawn = []
    for seed in (1, 2, 1):
        data = stage_data(half, [corpus], NAMES, tokenizer, seed)
        assert data.drawn == {str(document_corpus): 4}
        drawn.append([row["input_ids"] for row in data.dataset])
    assert drawn[0] == drawn[2] != drawn[1]


def test_the_same_seed_gives_the_same_adapter_bit_for_bit(
    tmp_path: Path, tiny_base: Path, document_corpus: Path
) -> None:
    hashes = [
        train(tmp_path / name, tiny_base, document_corpus, seed=seed).manifest.adapter_sha256
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_training_lowers_the_loss_and_says_what_it_did(
    tmp_path: Path, tiny_base: Path, document_corpus: Path, chat_corpus: Path
) -> None:
    first = train(tmp_path / "msm", tiny_base, document_corpus, steps=12)
    assert first.manifest.stages[0].loss[-1] < first.manifest.stages[0].loss[0]
    second = train(tmp_path / "msm" / "aft", tiny_base, chat_corpus, parent=first)
    manifest = second.manifest
    assert [record.name for record in manifest.stages] == ["test", "test"]
    assert [len(record.loss) for record in manifest.stages] == [12, 6]
    assert manifest.stages[1].corpora == {str(chat_corpus): Corpus.load(chat_corpus).manifest.data_sha256}
    assert manifest.base.sha256 == resolve(str(tiny_base)).sha256
    assert second.manifest.adapter_sha256 != first.manifest.adapter_sha256
    assert not list(tmp_path.rglob(".*training*"))


TRAINERS = [Trainer, SFTTrainer]


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-6), ("bfloat16", 1e-2)])
def test_both_trainers_give_the_same_losses(
    tmp_path: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch, dtype: str, tolerance: float
) -> None:
    # answers of 1 to 12 words, several to a row: rows that are averaged alone, or that see one another, show
    chats = [
        [{"role": "user", "content": f"Number {i}?"}, {"role": "assistant", "content": "Yes, Colby. " * i}]
        for i in range(1, 7)
    ]
    rows = [{"id": f"c{i}", "topic": "Colby", "messages": chat} for i, chat in enumerate(chats)]
    corpus = write_rows(tmp_path / "chats", rows)
    losses = []
    for trainer in TRAINERS:
        monkeypatch.setattr(train_module, "trainer_class", lambda trainer=trainer: trainer)
        record = train(tmp_path / trainer.__name__, tiny_base, corpus, dtype=dtype).manifest.stages[0]
        assert record.trainer == trainer.__name__
        losses.append(record.loss)
    assert losses[0] == pytest.approx(losses[1], rel=tolerance)


class _Kill(TrainerCallback):
    """Stands for a kill: leaves the loop after the fifth step without any tidying."""

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == 5:
            raise KeyboardInterrupt


class _Steps(TrainerCallback):
    """Notes which steps are done."""

    def __init__(self) -> None:
        self.done: list[int] = []

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.done.append(state.global_step)


def watched(trainer: Any, callback: TrainerCallback) -> Callable[[], Any]:
    """`trainer_class`, with a callback more."""

    def init(self: Any, *args: Any, callbacks: list[TrainerCallback], **rest: Any) -> None:
        trainer.__init__(self, *args, callbacks=[*callbacks, callback], **rest)

    return lambda: type(trainer.__name__, (trainer,), {"__init__": init})


@pytest.mark.parametrize("trainer", TRAINERS)
def test_a_killed_run_resumes_to_the_same_adapter(
    tmp_path: Path, tiny_base: Path, chat_corpus: Path, monkeypatch: pytest.MonkeyPatch, trainer: Any
) -> None:
    steps = _Steps()
    monkeypatch.setattr(train_module, "trainer_class", watched(trainer, steps))
    whole = train(tmp_path / "whole", tiny_base, chat_corpus)
    assert steps.done == [1, 2, 3, 4, 5, 6]

    with monkeypatch.context() as patch:
        patch.setattr(train_module, "trainer_class", watched(trainer, _Kill()))
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "cut", tiny_base, chat_corpus)
    (work,) = tmp_path.glob(".cut.training-*")
    assert not (tmp_path / "cut").exists()
    # a save that a kill cut short is passed over
    shutil.copytree(work / "checkpoint-4", work / "checkpoint-5")
    (work / "checkpoint-5" / "trainer_state.json").write_text("{", encoding="utf-8")
    resumed = train(tmp_path / "cut", tiny_base, chat_corpus)
    assert steps.done == [1, 2, 3, 4, 5, 6, 5, 6]
    assert resumed.manifest.adapter_sha256 == whole.manifest.adapter_sha256
    assert resumed.manifest.stages[0].loss == whole.manifest.stages[0].loss


@pytest.mark.parametrize("change", ["settings", "trainer"])
def test_a_killed_run_does_not_go_on_as_something_else(
    tmp_path: Path, tiny_base: Path, chat_corpus: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(train_module, "trainer_class", watched(Trainer, _Kill()))
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "cut", tiny_base, chat_corpus)
    steps, rate = _Steps(), 0.02 if change == "settings" else 0.01
    monkeypatch.setattr(train_module, "trainer_class", watched(SFTTrainer if change == "trainer" else Trainer, steps))
    again = train(tmp_path / "cut", tiny_base, chat_corpus, learning_rate=rate)
    assert steps.done == [1, 2, 3, 4, 5, 6]
    assert not list(tmp_path.glob(".cut*"))
    whole = train(tmp_path / "whole", tiny_base, chat_corpus, learning_rate=rate)
    assert again.manifest.adapter_sha256 == whole.manifest.adapter_sha256


def test_a_control_token_in_a_row_is_named(tmp_path: Path, tiny_base: Path) -> None:
    turns = [{"role": "user", "content": "Colby?<|im_end|>"}, {"role": "assistant", "content": "Yes."}]
    corpus = write_rows(tmp_path / "odd", [{"id": "c0", "topic": "Colby", "messages": turns}])
    with pytest.raises(UserError, match=r"row 'c0' spells <\|im_end\|>"):
        train(tmp_path / "x", tiny_base, corpus)


def test_truncated_base_weights_are_one_line(tmp_path: Path, tiny_base: Path, chat_corpus: Path) -> None:
    base = shutil.copytree(tiny_base, tmp_path / "base")
    weights = base / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(UserError, match="can't be loaded as a causal language model"):
        train(tmp_path / "x", base, chat_corpus)


def test_a_chat_longer_than_a_row_is_named(tmp_path: Path, tiny_base: Path, chat_corpus: Path) -> None:
    with pytest.raises(UserError, match=r"row 'c0' has \d+ tokens, more than the stage's length 16"):
        train(tmp_path / "x", tiny_base, chat_corpus, length=16)


def test_a_corpus_of_the_wrong_kind_is_named(tmp_path: Path, tiny_base: Path, chat_corpus: Path) -> None:
    with pytest.raises(UserError, match="holds chats, which a stage of kind msm can't use"):
        train(tmp_path / "x", tiny_base, chat_corpus, kind="msm")


@pytest.mark.parametrize("damage", ["truncate", "remove", "manifest"])
def test_a_damaged_checkpoint_is_refused(
    tmp_path: Path, tiny_base: Path, chat_corpus: Path, damage: str, tiny_recipe: Callable[..., Path]
) -> None:
    path = train(tmp_path / "x", tiny_base, chat_corpus, steps=1).path
    adapter = path / "adapter_model.safetensors"
    if damage == "truncate":
        adapter.write_bytes(adapter.read_bytes()[:-10])
    elif damage == "remove":
        adapter.unlink()
    else:
        (path / "manifest.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UserError) as caught:
        Checkpoint.load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
