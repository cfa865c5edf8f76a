"""Count tokens as a base model does."""

from collections.abc import Callable, Sequence

from msm_bench.basemodels import resolve
from msm_bench.errors import UserError, missing_extra


def token_counter(base: str) -> Callable[[Sequence[str]], list[int]]:
    """Counts the tokens of each of several texts, without special ones, by the tokenizer of base model `base`.

    Raises:
        UserError: the model is not prepared, has no tokenizer that loads, or `transformers` is not installed.
    """
    path = resolve(base).path
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        raise missing_extra(error, "train") from None
    try:
        tokenizer = AutoTokenizer.from_pretrained(path)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"base model {base!r}: its tokenizer does not load ({reason}); prepare it anew") from None

    def count(texts: Sequence[str]) -> list[int]:
        return [len(ids) for ids in tokenizer(list(texts), add_special_tokens=False)["input_ids"]] if texts else []

    return count
