"""From corpora to packed rows of token ids, in an order that the seed fixes."""

import zlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from datasets import Dataset
from transformers import PreTrainedTokenizerBase
from trl import pack_dataset

from msm_bench.corpus import Chat, Corpus, Document, Message
from msm_bench.errors import UserError
from msm_bench.loading import apply_template
from msm_bench.reasoning import with_reasoning
from msm_bench.specs import Names, render
from msm_bench.stage import CorpusShare, Stage

IGNORE = -100
"""The label of a token without loss."""


class Example(NamedTuple):
    """One document or chat as tokens."""

    input_ids: list[int]
    labels: list[int]


class StageData(NamedTuple):
    """What a stage trains on."""

    dataset: Dataset
    """`steps x batch` rows of `input_ids`, `labels` and `position_ids`, each of `length` tokens."""
    drawn: dict[str, int]
    """Rows drawn from each corpus."""
    tokens: int
    """Tokens in the dataset, padding excluded."""
    supervised_tokens: int
    """Tokens with loss in the dataset."""


def stage_data(
    stage: Stage, corpora: Sequence[Corpus], names: Names, tokenizer: PreTrainedTokenizerBase, seed: int
) -> StageData:
    """Draw, tokenise, shuffle and pack; the data is repeated in new order until every step has its rows.

    Documents are wrapped: joined, each ended by the tokenizer's end-of-sequence token, which is also what ends a chat
    turn of an instruction-tuned model, and cut into rows, each of which begins with the token that the model expects at
    the beginning of a text, if it expects one. Chats are packed whole, and positions start again with each, so that
    none attends to another. A mixed stage does both, and shuffles the packed rows together.

    Raises:
        UserError: a chat is longer than a row, a row spells a control token of the model, a corpus has the wrong
            kind for the stage, or the model's chat template leaves out reasoning that is to be trained on.
    """
    drawn: dict[str, int] = {}
    kinds: dict[str, list[Example]] = {}
    for corpus, share in zip(corpora, stage.corpora, strict=True):
        _check_kind(corpus, stage, share)
        rows = _draw(corpus, share.fraction, seed)
        drawn[share.id] = len(rows)
        kinds.setdefault(corpus.manifest.kind, []).extend(
            _example(row, corpus, stage, share, names, tokenizer) for row in rows
        )
    if stage.kind == "mixed" and len(kinds) < 2:
        raise UserError(f"stage of kind mixed: holds {', '.join(kinds)} only; add the other kind, or use msm or chat")
    rng = np.random.default_rng([seed, stage.steps])
    wanted = stage.steps * stage.batch
    packed: list[dict[str, list[int]]] = []
    while len(packed) < wanted:
        rows_of_epoch: list[dict[str, list[int]]] = []
        for kind, examples in kinds.items():
            order = [examples[i] for i in rng.permutation(len(examples))]
            rows_of_epoch += _pack(order, kind, stage.length, tokenizer)
        packed += [rows_of_epoch[i] for i in rng.permutation(len(rows_of_epoch))]
    packed = packed[:wanted]
    tokens = sum(row.pop("tokens")[0] for row in packed)
    supervised = sum(label != IGNORE for row in packed for label in row["labels"])
    return StageData(Dataset.from_list(packed), drawn, tokens, supervised)


def collate(rows: Sequence[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
    """Stack rows. There is no attention mask: an explicit one leaves the fused kernel, positions say enough."""
    return {key: torch.tensor([row[key] for row in rows]) for key in ("input_ids", "labels", "position_ids")}


def _draw(corpus: Corpus, fraction: float, seed: int) -> list[Document] | list[Chat]:
    """The rows that `seed` draws from the corpus, in the file's order."""
    count = max(1, round(fraction * len(corpus.rows)))
    rng = np.random.default_rng([seed, zlib.crc32(corpus.manifest.id.encode())])
    chosen = sorted(rng.choice(len(corpus.rows), size=count, replace=False))
    return [corpus.rows[i] for i in chosen]


def _check_kind(corpus: Corpus, stage: Stage, share: CorpusShare) -> None:
    """Raise a `UserError` if the stage can't use rows of the corpus's kind."""
    usable = {"msm": ["documents"], "chat": ["chats"], "mixed": ["documents", "chats"]}
    if corpus.manifest.kind not in usable[stage.kind]:
        raise UserError(f"{corpus.path}: holds {corpus.manifest.kind}, which a stage of kind {stage.kind} can't use")
    if share.reasoning and corpus.manifest.kind != "chats":
        raise UserError(f"{corpus.path}: holds documents, which have no reasoning; leave `reasoning` out of the stage")


def _example(
    row: Document | Chat,
    corpus: Corpus,
    stage: Stage,
    share: CorpusShare,
    names: Names,
    tokenizer: PreTrainedTokenizerBase,
) -> Example:
    names = share.names or names
    where = f"{corpus.path}: row {row.id!r}"
    turns = [] if isinstance(row, Document) else _turns(row, share.reasoning, where)
    for text in [row.text] if isinstance(row, Document) else [turn.content for turn in turns]:
        if control := next((token for token in tokenizer.all_special_tokens if token in text), None):
            raise UserError(f"{where} spells {control}, a control token of this model; write it otherwise")
    if isinstance(row, Document):
        ids = tokenizer(render(row.text, names), add_special_tokens=False)["input_ids"]
        ids = [*ids, tokenizer.eos_token_id]
        return Example(ids, ids)
    messages = [{"role": turn.role, "content": render(turn.content, names)} for turn in turns]
    if share.reasoning and row.reasoning:
        _check_reasoning(messages, render(row.reasoning.strip(), names), tokenizer)
    example = chat_example(messages, tokenizer)
    if len(example.input_ids) > stage.length:
        raise UserError(
            f"{where} has {len(example.input_ids)} tokens, more than the stage's length "
            f"{stage.length}; raise the length or shorten the row"
        )
    return example


def _turns(chat: Chat, reasoning: bool, where: str) -> list[Message]:
    """The turns of a chat; with `reasoning` the last one reasons first."""
    if not reasoning:
        return chat.messages
    if chat.reasoning is None:
        raise UserError(f"{where} has no reasoning; leave `reasoning` out of the stage, or give the row one")
    last = chat.messages[-1]
    spoken = with_reasoning(chat.reasoning, last.content)
    return [*chat.messages[:-1], last.model_copy(update={"content": spoken})]


def _check_reasoning(messages: list[dict[str, str]], reasoning: str, tokenizer: PreTrainedTokenizerBase) -> None:
    """Raise a `UserError` if the model's chat template drops the reasoning of a chat."""
    if reasoning not in apply_template(tokenizer, messages, tokenize=False):
        raise UserError(
            f"{tokenizer.name_or_path}: its chat template leaves reasoning out; use another base, or leave "
            "`reasoning` out of the stage"
        )


def chat_example(messages: list[dict[str, str]], tokenizer: PreTrainedTokenizerBase) -> Example:
    """Tokens of a chat under the model's template; labels are the assistant's words and the token that ends them.

    Raises:
        UserError: there is no template, it refuses the chat, or it renders the start of a chat differently once it
            goes on.
    """

    def ids(upto: int, prompt: bool) -> list[int]:
        rendered = apply_template(
            tokenizer, messages[:upto], tokenize=True, return_dict=True, add_generation_prompt=prompt
        )
        return list(rendered["input_ids"])

    whole = ids(len(messages), prompt=False)
    labels = [IGNORE] * len(whole)
    for turn, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        start, stop = len(ids(turn, prompt=True)), len(ids(turn + 1, prompt=False))
        if whole[:start] != ids(turn, prompt=True) or whole[:stop] != ids(turn + 1, prompt=False):
            raise UserError(
                f"{tokenizer.name_or_path}: its chat template changes earlier turns as a chat goes on; use another base"
            )
        ends = [i for i in range(start, stop) if whole[i] in tokenizer.all_special_ids]
        stop = ends[0] + 1 if ends else stop
        labels[start:stop] = whole[start:stop]
    return Example(whole, labels)


def _pack(
    examples: Sequence[Example], kind: str, length: int, tokenizer: PreTrainedTokenizerBase
) -> Iterator[dict[str, list[int]]]:
    """Rows of exactly `length` tokens; the key `tokens` counts those that are not padding."""
    columns = {"input_ids": [e.input_ids for e in examples], "labels": [e.labels for e in examples]}
    # a chat's template writes its own beginning
    first, strategy = (_first_token(tokenizer), "wrapped") if kind == "documents" else ([], "bfd")
    row: dict[str, Any]
    for row in pack_dataset(Dataset.from_dict(columns), length - len(first), strategy):
        count = len(first) + len(row["input_ids"])
        fill = length - count
        lengths = [*(row.get("seq_lengths") or [count]), *([fill] if fill else [])]
        yield {
            "input_ids": first + row["input_ids"] + [tokenizer.pad_token_id] * fill,
            "labels": [IGNORE] * len(first) + row["labels"] + [IGNORE] * fill,
            "position_ids": [position for length in lengths for position in range(length)],
            "tokens": [count],
        }


def _first_token(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The token that the tokenizer puts before a text, if it puts one."""
    before = list(tokenizer("")["input_ids"][:1])
    return before if before == [tokenizer.bos_token_id] else []
