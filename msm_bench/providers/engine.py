"""One base model in memory; arms are adapters that it switches. Scores token sequences and generates."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from peft import PeftModel
from transformers import LogitsProcessor, LogitsProcessorList

from msm_bench.checkpoints import ADAPTER
from msm_bench.errors import UserError
from msm_bench.loading import load_model, load_tokenizer
from msm_bench.providers.tree import TokenTree, token_trees

TREE_TOKENS = 512
"""Nodes of a tree; larger trees share more, but every node's attention looks at the whole tree."""
MAX_ADAPTERS = 4
"""Kept in memory; the one that was loaded first gives way."""
BUCKET = 64
"""Trees are padded to a multiple of this: every new shape costs the kernels a compilation."""


class Scored(NamedTuple):
    """Log-probabilities of a sequence under the model."""

    logprobs: list[float]
    """Of the tokens asked for (all but the first, if none are named), each given those before it, in nats."""
    top: list[list[tuple[int, float]]]
    """For each of these positions the most likely token ids and their log-probabilities."""
    next_token: int
    """The most likely token after the sequence."""
    next_logprob: float
    """Its log-probability."""


class Sampling(NamedTuple):
    """How to draw tokens."""

    max_tokens: int
    temperature: float
    top_p: float
    top_k: int
    stop: tuple[str, ...]
    logprobs: bool = True
    """Whether the tokens' log-probabilities are wanted; they cost memory for the logits of every step."""


class Generated(NamedTuple):
    """A continuation."""

    tokens: list[int]
    logprobs: list[float]
    """Of the tokens, in nats; empty if they were not wanted."""
    stopped: bool
    """Whether the model ended it; otherwise the token limit did."""


class Engine:
    """A base model with its tokenizer and any number of adapters. One call at a time; calls may come from threads."""

    def __init__(self, base: Path, dtype: str = "float32", device: str = "auto") -> None:
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        self.tokenizer = load_tokenizer(base)
        self._model: Any = load_model(base, getattr(torch, dtype)).to(device).eval()
        self.max_length: int = getattr(self._model.config, "max_position_embeddings", 2**31)
        """Tokens that the model can look at."""
        self._device = device
        self._adapters: dict[_AdapterKey, str] = {}
        self._loaded = 0
        self._lock = threading.Lock()

    @contextmanager
    def _arm(self, adapter: Path | None) -> Iterator[Any]:
        """The model with one adapter, or without any."""
        with self._lock, torch.inference_mode():
            if adapter is None:
                if isinstance(self._model, PeftModel):
                    with self._model.disable_adapter():
                        yield self._model
                else:
                    yield self._model
                return
            key = _adapter_key(adapter)
            if key not in self._adapters:
                self._adapters[key] = self._load(adapter)
            self._model.set_adapter(self._adapters[key])
            yield self._model

    def _load(self, adapter: Path) -> str:
        if len(self._adapters) == MAX_ADAPTERS:
            oldest = next(iter(self._adapters))
            self._model.delete_adapter(self._adapters.pop(oldest))
        name = f"arm{self._loaded}"
        self._loaded += 1
        try:
            if isinstance(self._model, PeftModel):
                self._model.load_adapter(str(adapter), adapter_name=name)
            else:
                self._model = PeftModel.from_pretrained(self._model, adapter, adapter_name=name).eval()
        except Exception as error:  # safetensors and peft raise their own kinds on a damaged file
            raise UserError(f"{adapter}: can't be loaded as an adapter ({' '.join(str(error).split())})") from None
        return name

    def score(
        self,
        sequences: Sequence[Sequence[int]],
        adapter: Path | None = None,
        top: int = 0,
        starts: Sequence[int] | None = None,
    ) -> list[Scored]:
        """Log-probabilities of the tokens of each sequence, shared beginnings computed once.

        Args:
            sequences: Token ids.
            adapter: Of the arm.
            top: How many of the most likely tokens are wanted at each position.
            starts: Where in each sequence the tokens begin whose log-probabilities are wanted, 1 or more; 1 by default.
                The logits of all others are never computed, which with a large vocabulary is most of the work.
        """
        results: dict[int, Scored] = {}
        starts = starts or [1] * len(sequences)
        with self._arm(adapter) as model:
            for tree in token_trees(sequences, TREE_TOKENS):
                results.update(self._score_tree(model, tree, sequences, top, starts))
        return [results[index] for index in range(len(sequences))]

    def score_plain(self, sequence: Sequence[int], adapter: Path | None = None) -> list[float]:
        """The plain path that `score` is tested against: one sequence, one forward pass, no mask."""
        ids = torch.tensor([list(sequence)], device=self._device)
        with self._arm(adapter) as model:
            logprobs = model(input_ids=ids, use_cache=False).logits[0].float().log_softmax(-1)
        return [float(logprobs[i, token]) for i, token in enumerate(sequence[1:])]

    def _score_tree(
        self, model: Any, tree: TokenTree, sequences: Sequence[Sequence[int]], top: int, starts: Sequence[int]
    ) -> dict[int, Scored]:
        count = len(tree.tokens)
        size = -(-count // BUCKET) * BUCKET
        ids, positions = torch.zeros(2, 1, size, dtype=torch.long)
        ids[0, :count] = torch.from_numpy(tree.tokens)
        positions[0, :count] = torch.from_numpy(tree.depths)
        attends = torch.eye(size, dtype=torch.bool)
        attends[:count, :count] = torch.from_numpy(tree.attends)
        dtype = next(model.parameters()).dtype
        mask = torch.zeros(size, size, dtype=dtype).masked_fill(~attends, torch.finfo(dtype).min)
        # a token's log-probability stands in the logits of the one before it, and the last says what comes next
        asked = {index: path[starts[index] - 1 :] for index, path in tree.paths}
        nodes = sorted({node for own in asked.values() for node in own})
        output = model(
            input_ids=ids.to(self._device),
            position_ids=positions.to(self._device),
            attention_mask=mask[None, None].to(self._device),
            use_cache=False,
            logits_to_keep=torch.tensor(nodes, device=self._device),
        )
        logits = output.logits[0].float()
        norm = logits.logsumexp(-1)
        best = logits.topk(max(1, top), dim=-1)
        row_of = {node: row for row, node in enumerate(nodes)}
        scored: dict[int, Scored] = {}
        for index, own in asked.items():
            *inner, last = [row_of[node] for node in own]
            rows = torch.tensor(inner, dtype=torch.long, device=logits.device)
            following = torch.tensor(sequences[index][starts[index] :], dtype=torch.long, device=logits.device)
            logprobs = (logits[rows, following] - norm[rows]).tolist()
            tops = [[(int(best.indices[n, k]), float(best.values[n, k] - norm[n])) for k in range(top)] for n in inner]
            scored[index] = Scored(logprobs, tops, int(best.indices[last, 0]), float(best.values[last, 0] - norm[last]))
        return scored

    def generate(
        self,
        prompts: Sequence[Sequence[int]],
        seeds: Sequence[int],
        sampling: Sampling,
        adapter: Path | None = None,
    ) -> list[Generated]:
        """Continue each prompt. Row `i` draws from its own generator, so its text does not depend on the batch."""
        width = max(len(prompt) for prompt in prompts)
        pad = self.tokenizer.pad_token_id
        ids = torch.tensor([[pad] * (width - len(p)) + list(p) for p in prompts], device=self._device)
        mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts], device=self._device)
        processors = LogitsProcessorList()
        if sampling.temperature > 0:
            processors.append(_GumbelSampler(seeds, sampling))
        with self._arm(adapter) as model:
            output = model.generate(
                input_ids=ids,
                attention_mask=mask,
                max_new_tokens=sampling.max_tokens,
                do_sample=False,  # the processor's noise makes the argmax a sample
                logits_processor=processors,
                stop_strings=list(sampling.stop) or None,
                tokenizer=self.tokenizer,
                pad_token_id=pad,
                return_dict_in_generate=True,
                output_logits=sampling.logprobs,
            )
            new = output.sequences[:, width:]
            kept = output.logits or ()
            steps = [step.float().log_softmax(-1).gather(-1, new[:, i : i + 1]) for i, step in enumerate(kept)]
        logprobs = torch.cat(steps, dim=1).tolist() if steps else [[]] * len(prompts)
        return [self._trim(new[row].tolist(), logprobs[row], sampling) for row in range(len(prompts))]

    def _trim(self, tokens: list[int], logprobs: list[float], sampling: Sampling) -> Generated:
        """Cut a row of the batch where it ended."""
        ends = self._model.generation_config.eos_token_id
        ends = {ends} if isinstance(ends, int) else set(ends or [self.tokenizer.eos_token_id])
        for position, token in enumerate(tokens):
            if token in ends:
                return Generated(tokens[:position], logprobs[:position], stopped=True)
            if sampling.stop:
                text = self.tokenizer.decode(tokens[: position + 1])
                if any(stop in text for stop in sampling.stop):
                    return Generated(tokens[: position + 1], logprobs[: position + 1], stopped=True)
        return Generated(tokens, logprobs, stopped=False)


class _GumbelSampler(LogitsProcessor):
    """Adds Gumbel noise, one generator a row: argmax(logits / T + noise) is a draw from softmax(logits / T)."""

    def __init__(self, seeds: Sequence[int], sampling: Sampling) -> None:
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self._sampling = sampling

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        scores = scores.float() / self._sampling.temperature
        if self._sampling.top_k > 0:
            floor = scores.topk(min(self._sampling.top_k, scores.shape[-1]), dim=-1).values[:, -1:]
            scores = scores.masked_fill(scores < floor, -torch.inf)
        if self._sampling.top_p < 1:
            ordered, order = scores.sort(dim=-1, descending=True)
            probabilities = ordered.softmax(-1)
            outside = probabilities.cumsum(-1) - probabilities >= self._sampling.top_p
            scores = scores.masked_fill(outside.scatter(-1, order, outside), -torch.inf)
        rows = [torch.rand(scores.shape[-1], generator=generator) for generator in self._generators]
        uniform = torch.stack(rows).clamp_min(1e-20).to(scores.device)
        return scores - (-uniform.log()).log()


_AdapterKey = tuple[Path, int, int]


def _adapter_key(adapter: Path) -> _AdapterKey:
    """Where the adapter lies and which writing of it: a checkpoint may be trained again in the same place."""
    weights = adapter / ADAPTER
    try:
        state = weights.stat()
    except OSError:
        raise UserError(f"{weights}: no such file; train the checkpoint again") from None
    return adapter, state.st_mtime_ns, state.st_size


@lru_cache(maxsize=1)
def engine(base: Path, dtype: str, device: str) -> Engine:
    """The engine of a base model; only the last one asked for stays in memory."""
    return Engine(base, dtype, device)
