"""Scoring answers by token trees, without the logits of questions, against one forward pass a sequence, in one process.

    python benchmarks/score_tree.py --model smollm2-135m --items 20

Writes `benchmarks/results/score_tree.json`.
"""

import platform
import shlex
import sys
import time
from pathlib import Path

import click

from msm_bench.basemodels import resolve
from msm_bench.files import write_json
from msm_bench.preferences import Item, load_items
from msm_bench.preferences.prompts import continuations, preference
from msm_bench.providers.engine import Engine


@click.command()
@click.option("--model", default="smollm2-135m", show_default=True)
@click.option("--items", "counts", multiple=True, type=int, default=(5, 10, 20), show_default=True)
def main(model: str, counts: tuple[int, ...]) -> None:
    """Time both ways on the first items of `pro_america`, the smallest count first."""
    engine = Engine(resolve(model).path, device="cpu")
    growth = []
    for count in sorted(counts):
        asked = [pair for item in load_items("pro_america")[:count] for pair in _sequences(engine, item)]
        sequences, starts = [ids for ids, _ in asked], [start for _, start in asked]
        engine.score(sequences, starts=starts)  # new shapes are compiled once
        started = time.perf_counter()
        engine.score(sequences, starts=starts)
        tree = time.perf_counter() - started
        sample = sequences[:: max(1, len(sequences) // 40)]
        started = time.perf_counter()
        for ids in sample:
            engine.score_plain(ids)
        plain = (time.perf_counter() - started) / len(sample) * len(sequences)
        growth.append({"items": count, "sequences": len(sequences), "ours": tree, "peer": plain})
        click.echo(f"{count} items, {len(sequences)} sequences: tree {tree:.1f} s, plain {plain:.1f} s")
    last = growth[-1]
    write_json(
        Path(__file__).parent / "results" / "score_tree.json",
        {
            "ours": last["ours"],
            "peer": last["peer"],
            "ratio": last["peer"] / last["ours"],
            "goal": 3.0,
            "unit": "seconds for all sequences; peer: one forward pass each with all its logits, extrapolated from 40",
            "growth": growth,
            "command": "python " + shlex.join(sys.argv),
            "machine": f"{platform.machine()}, {platform.processor() or 'CPU'}, float32",
        },
    )


def _sequences(engine: Engine, item: Item) -> list[tuple[list[int], int]]:
    """Token ids of the item's continuations under the model's chat template, and where the answers begin."""

    def ids(turns: list[dict[str, str]], **how: bool) -> list[int]:
        text = engine.tokenizer.apply_chat_template(turns, tokenize=False, **how)
        return list(engine.tokenizer(text, add_special_tokens=False)["input_ids"])

    found = []
    for one in continuations(item, preference(item)):
        question, answer = {"role": "user", "content": one.question}, {"role": "assistant", "content": one.answer}
        start = len(ids([question], add_generation_prompt=True))
        found.append((ids([question, answer], continue_final_message=True), start))
    return found


if __name__ == "__main__":
    main()
