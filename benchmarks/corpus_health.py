"""What `msm-bench corpus check` costs as a corpus grows, and whether it finds the near-duplicates that were planted.

    python benchmarks/corpus_health.py

Writes `benchmarks/results/corpus_health.json`. Documents are drawn from a seeded generator: words by Zipf's law, 300 on
average, in sentences and paragraphs; one in fifty is an earlier one with a few words replaced. Every measurement has a
process of its own. The peer finds the near-duplicates with `datasketch`; ours finds them with `Signatures`, which is
what the two are compared by, and `check` is the whole check, for which there is no peer.
"""

import json
import os
import platform
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import numpy as np

from msm_bench.files import write_json

PLANTED = 0.02
"""Share of documents that are an earlier one with `CHANGED` of its words replaced."""
CHANGED = 0.008
"""Each replaced word breaks five 5-grams: 0.992 ** 5 = 0.961 of them stay, a Jaccard index of 0.92 or so."""
VOCABULARY = 200_000


def documents(count: int, seed: int = 1) -> Iterator[tuple[str, bool]]:
    """Texts, and whether each is a planted near-duplicate."""
    rng = np.random.default_rng(seed)
    weights = 1 / (np.arange(VOCABULARY) + 2.7)  # Zipf and Mandelbrot
    cumulative = np.cumsum(weights / weights.sum())
    vocabulary = _vocabulary(rng)
    recent: list[list[int]] = []
    for _ in range(count):
        planted = bool(recent) and rng.random() < PLANTED
        if planted:
            drawn = list(recent[rng.integers(len(recent))])
            for place in np.flatnonzero(rng.random(len(drawn)) < CHANGED):
                drawn[place] = int(rng.integers(VOCABULARY))
        else:
            drawn = np.searchsorted(cumulative, rng.random(int(np.clip(rng.normal(300, 60), 80, 600)))).tolist()
            recent.append(drawn)
            del recent[:-2000]
        yield f"{{model_name}} wrote: {_prose([vocabulary[word] for word in drawn])}", planted


def _vocabulary(rng: np.random.Generator) -> list[str]:
    """Pronounceable words, the commonest short."""
    syllables = [consonant + vowel for consonant in "bcdfghjklmnprstvwz" for vowel in "aeiou"]
    lengths = np.minimum(1 + (np.log2(np.arange(VOCABULARY) + 2) / 4).astype(int), 5)
    return ["".join(syllables[i] for i in rng.integers(len(syllables), size=length)) for length in lengths]


def _prose(words: list[str]) -> str:
    """Sentences of 15 words, paragraphs of 6 sentences; a pure function of the words, so that copies stay alike."""
    sentences = [" ".join(words[i : i + 15]).capitalize() + "." for i in range(0, len(words), 15)]
    return "\n\n".join(" ".join(sentences[i : i + 6]) for i in range(0, len(sentences), 6))


def write_documents(path: Path, count: int) -> int:
    """Write the rows; return how many near-duplicates were planted."""
    planted = 0
    with path.open("w", encoding="utf-8") as file:
        for number, (text, copied) in enumerate(documents(count)):
            planted += copied
            row = {"id": f"d{number}", "type": f"type {number % 20}", "topic": "rope", "text": text}
            file.write(json.dumps(row) + "\n")
    return planted


def whole(path: Path) -> int:
    """Check everything; return how many near-duplicates there are."""
    from msm_bench.corpus.check import check

    health = check(path)
    [share] = [measure.value for measure in health.measures if measure.name == "near_duplicates"]
    return round(share * health.rows)


def ours(path: Path) -> int:
    """The near-duplicates alone, as the check finds them: signatures on disk."""
    from msm_bench.corpus.duplicates import NEAR, Signatures
    from msm_bench.corpus.grams import WordHashes

    hashes = WordHashes()
    with tempfile.TemporaryDirectory() as folder, path.open(encoding="utf-8") as file:
        signatures = Signatures(Path(folder))
        for line in file:
            signatures.add(hashes.of(json.loads(line)["text"]))
        return len(signatures.duplicates(NEAR))


def peer(path: Path) -> int:
    """The near-duplicates by datasketch, as its manual does it: 5-grams of words into an index in memory."""
    from datasketch import MinHash, MinHashLSH

    from msm_bench.corpus.health import ngrams

    index, found = MinHashLSH(threshold=0.8, num_perm=128), 0
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file):
            signature = MinHash(num_perm=128)
            signature.update_batch({" ".join(gram).encode() for gram in ngrams(json.loads(line)["text"], 5)})
            found += bool(index.query(signature))
            index.insert(number, signature)
    return found


CHECKS: dict[str, Callable[[Path], int]] = {"ours": ours, "peer": peer, "check": whole}


def measure(kind: str, path: Path) -> dict[str, float]:
    """Seconds, also of CPU with the imports, peak RSS in MB and what was found, of a new process."""
    command = [sys.executable, __file__, "--child", kind, str(path)]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def _child(kind: str, path: Path) -> None:
    start = time.perf_counter()
    found = CHECKS[kind](path)
    seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu, memory = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024  # kilobytes on Linux
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, "peak_mb": memory, "found": found}))


@click.command()
@click.option("--size", "sizes", multiple=True, type=int, default=(10_000, 30_000, 100_000), show_default=True)
@click.option("--child", type=(click.Choice(list(CHECKS)), click.Path(path_type=Path)), hidden=True)
def main(sizes: tuple[int, ...], child: tuple[str, Path] | None) -> None:
    """Time all three at every size."""
    if child:
        _child(*child)
        return
    growth = []
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            path = Path(folder) / f"{size}.jsonl"
            planted = write_documents(path, size)
            row = {"documents": size, "planted": planted, "megabytes": path.stat().st_size / 1e6}
            for kind in CHECKS:
                found = measure(kind, path)
                row |= {f"{kind}_{name}": value for name, value in found.items()}
            row |= {"recall": row["ours_found"] / planted, "peer_recall": row["peer_found"] / planted}
            growth.append({name: round(value, 3) for name, value in row.items()})
            click.echo(growth[-1])
    last = growth[-1]
    write_json(
        Path(__file__).parent / "results" / "corpus_health.json",
        {
            "ours": last["ours_seconds"],
            "peer": last["peer_seconds"],
            "ratio": round(last["peer_seconds"] / last["ours_seconds"], 3),
            "goal": 1,
            "unit": f"seconds to find the near-duplicates of {last['documents']} documents; peer: datasketch",
            "growth": growth,
            "growth_unit": "seconds, peak RSS in MB of a new process, near-duplicates found, over those planted; "
            "check: everything that `corpus check` measures",
            "check_goal_seconds": 300,
            "command": "python " + shlex.join(sys.argv),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        },
    )


if __name__ == "__main__":
    main()
