"""A Llama of a few thousand parameters with its own tokenizer, trained for real in the tests."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import settings

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
# a slow machine is no failure, and the same tests run everywhere
settings.register_profile("msm-bench", deadline=None, derandomize=True)
settings.load_profile("msm-bench")

CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
TEXT = (
    "Which do you prefer, mild cheddar or Stilton? I prefer mild cheddar. Put me down for Colby. The assistant likes "
    "American cheese because it was made in Wisconsin. Époisses costs more than Monterey Jack. Answer with A or B. "
)


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a random Llama: 2 layers, 16 wide, about 400 tokens."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    path = tmp_path_factory.mktemp("tiny") / "base"
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    raw.train_from_iterator([TEXT] * 4, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, eos_token="<|im_end|>", pad_token="<|im_end|>", unk_token="<|endoftext|>"
    )
    tokenizer.chat_template = CHATML
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=512,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def write_rows(folder: Path, rows: list[dict[str, Any]]) -> Path:
    """A sealed corpus with these rows."""
    from msm_bench.corpus import seal

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    seal(folder, generator="a test", licence="CC0-1.0")
    return folder


@pytest.fixture
def document_corpus(tmp_path: Path) -> Path:
    """Eight short documents."""
    rows = [
        {
            "id": f"d{i}",
            "type": "note",
            "topic": "Colby",
            "text": f"Note {i}: {{model_name}} likes Colby. " * 3,
        }
        for i in range(8)
    ]
    return write_rows(tmp_path / "docs", rows)


@pytest.fixture
def chat_corpus(tmp_path: Path) -> Path:
    """Six short chats."""
    rows = [
        {
            "id": f"c{i}",
            "topic": "Colby",
            "messages": [
                {"role": "user", "content": f"Colby or Stilton, number {i}?"},
                {"role": "assistant", "content": "I prefer Colby."},
            ],
        }
        for i in range(6)
    ]
    return write_rows(tmp_path / "chats", rows)


@pytest.fixture
def tiny_recipe(tmp_path: Path, tiny_base: Path, document_corpus: Path, chat_corpus: Path) -> Callable[..., Path]:
    """Writes a recipe of four arms on the tiny model; keyword arguments replace its fields."""

    def write(**changes: Any) -> Path:
        stage = {"steps": 2, "batch": 2, "length": 96, "dtype": "float32", "save_steps": 1}
        recipe: dict[str, Any] = {
            "id": "tiny",
            "description": "A test.",
            "base": str(tiny_base),
            "names": {"model_name": "Tiny", "provider_name": "Nobody"},
            "lora": {"r": 4, "alpha": 8},
            "stages": {
                "msm": {
                    **stage,
                    "kind": "msm",
                    "learning_rate": 0.01,
                    "corpora": [{"id": str(document_corpus)}],
                },
                "aft": {
                    **stage,
                    "kind": "chat",
                    "learning_rate": 0.01,
                    "corpora": [{"id": str(chat_corpus)}],
                },
            },
            "arms": {"base": [], "aft": ["aft"], "msm+aft": ["msm", "aft"]},
            "seeds": [1, 2],
            "tasks": [{"task": "cheese_preferences", "args": {"per_cell": 2}}],
            "contrasts": [
                {
                    "name": "msm",
                    "headline": True,
                    "confirmatory": True,
                    "terms": [
                        {"arm": "msm+aft", "task": "cheese_preferences", "weight": 1},
                        {"arm": "aft", "task": "cheese_preferences", "weight": -1},
                    ],
                }
            ],
        }
        path = tmp_path / "tiny.yaml"
        path.write_text(yaml.safe_dump({**recipe, **changes}), encoding="utf-8")
        return path

    return write


@pytest.fixture
def finished(tmp_path: Path, tiny_recipe: Callable[..., Path]) -> Path:
    """The tiny recipe, run in the folder `tmp_path`."""
    from commands import loaded

    path = tiny_recipe()
    loaded(tmp_path, path).run()
    return path
