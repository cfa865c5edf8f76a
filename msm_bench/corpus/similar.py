"""Which texts are nearly the same: MinHash signatures in a locality-sensitive index, from `datasketch`."""

from datasketch import MinHash, MinHashLSH

_PERMUTATIONS = 128


class Seen:
    """Texts that were seen, and whether a new one is nearly one of them.

    Two texts are, if the estimated Jaccard index of their sets of character n-grams is at least `threshold`. The
    estimate has a standard error of up to 0.04 (Broder 1997, with 128 permutations).
    """

    def __init__(self, threshold: float, n: int) -> None:
        self._index = MinHashLSH(threshold=threshold, num_perm=_PERMUTATIONS)
        self._threshold = threshold
        self._n = n
        self._signatures: dict[str, MinHash] = {}
        self._order: dict[str, int] = {}

    def add(self, id: str, text: str) -> str | None:
        """The id of the earliest text that `text` is nearly the same as; if there is none, it is added under `id`."""
        signature = self._sign(text)
        near = [other for other in self._index.query(signature) if self._is_near(signature, other)]
        if near:
            return min(near, key=self._order.__getitem__)
        self._index.insert(id, signature)
        self._order[id] = len(self._order)
        self._signatures[id] = signature
        return None

    def _is_near(self, signature: MinHash, other: str) -> bool:
        return float(signature.jaccard(self._signatures[other])) >= self._threshold

    def _sign(self, text: str) -> MinHash:
        plain = " ".join(text.casefold().split())
        grams = {plain[i : i + self._n].encode() for i in range(max(1, len(plain) - self._n + 1))}
        signature = MinHash(num_perm=_PERMUTATIONS)
        signature.update_batch(grams)
        return signature
