"""Token sequences that share beginnings, laid out as a tree: a shared beginning goes through the model once.

The two answers of an item share its question, and all items share the system prompt. A tree of tokens is scored in
one forward pass when each token may attend to itself and its ancestors only, at the position of its depth. The
log-probabilities are those of the sequences scored one by one.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class TokenTree(NamedTuple):
    """Distinct prefixes of some sequences; node `i` is the prefix that ends in `tokens[i]`."""

    tokens: npt.NDArray[np.int64]
    """(n,) The last token of each prefix."""
    depths: npt.NDArray[np.int64]
    """(n,) Position of that token, from 0."""
    attends: npt.NDArray[np.bool_]
    """(n, n) Whether the row's node sees the column's: itself and its ancestors."""
    paths: list[tuple[int, list[int]]]
    """For each sequence its index in the input and its nodes, from the first token to the last."""


def token_trees(sequences: Sequence[Sequence[int]], budget: int) -> list[TokenTree]:
    """Lay out all `sequences` in trees of at most `budget` nodes (more only for a longer single sequence)."""
    order = sorted(range(len(sequences)), key=lambda index: tuple(sequences[index]))
    trees: list[TokenTree] = []
    builder = _Builder()
    for index in order:
        if len(builder) and len(builder) + builder.new_nodes(sequences[index]) > budget:
            trees.append(builder.build())
            builder = _Builder()
        builder.add(index, sequences[index])
    if len(builder):
        trees.append(builder.build())
    return trees


class _Builder:
    def __init__(self) -> None:
        self._tokens: list[int] = []
        self._parents: list[int] = []
        self._depths: list[int] = []
        self._children: dict[tuple[int, int], int] = {}
        self._paths: list[tuple[int, list[int]]] = []

    def __len__(self) -> int:
        return len(self._tokens)

    def new_nodes(self, sequence: Sequence[int]) -> int:
        """How many nodes `sequence` would add."""
        node = -1
        for depth, token in enumerate(sequence):
            if (node, token) not in self._children:
                return len(sequence) - depth
            node = self._children[node, token]
        return 0

    def add(self, index: int, sequence: Sequence[int]) -> None:
        node, path = -1, []
        for depth, token in enumerate(sequence):
            child = self._children.get((node, token))
            if child is None:
                child = len(self._tokens)
                self._children[node, token] = child
                self._tokens.append(token)
                self._parents.append(node)
                self._depths.append(depth)
            node = child
            path.append(node)
        self._paths.append((index, path))

    def build(self) -> TokenTree:
        attends = np.eye(len(self), dtype=bool)
        for node, parent in enumerate(self._parents):
            if parent >= 0:  # a parent always comes before its children
                attends[node] |= attends[parent]
        return TokenTree(np.array(self._tokens), np.array(self._depths), attends, self._paths)
