"""A base model's tokenizer, weights and chat template: safetensors only, no remote code, errors of one line."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import TemplateError
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer

from msm_bench.errors import UserError


def load_tokenizer(path: Path) -> Any:
    """The tokenizer in folder `path`; where it has no padding token, the end-of-sequence token is used.

    Raises:
        UserError: there is none, or it is damaged.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: its tokenizer can't be loaded ({_line(error)})") from None
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_model(path: Path, dtype: Any) -> Any:
    """The causal language model in folder `path`, with weights of torch's `dtype`.

    Raises:
        UserError: there is none, or its weights are damaged or not safetensors.
    """
    try:
        return AutoModelForCausalLM.from_pretrained(path, dtype=dtype, use_safetensors=True, trust_remote_code=False)
    except (OSError, ValueError, SafetensorError) as error:
        raise UserError(f"{path}: can't be loaded as a causal language model ({_line(error)})") from None


def apply_template(tokenizer: Any, turns: Sequence[dict[str, str]], **options: Any) -> Any:
    """The tokenizer's `apply_chat_template`.

    Raises:
        UserError: the tokenizer has no chat template, or its template refuses the chat.
    """
    if not tokenizer.chat_template:
        raise UserError(f"{tokenizer.name_or_path}: its tokenizer has no chat template; add a chat_template.jinja")
    try:
        return tokenizer.apply_chat_template(list(turns), **options)
    except TemplateError as error:
        raise UserError(f"{tokenizer.name_or_path}: its chat template refuses the chat ({_line(error)})") from None


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
