"""What all requests of a generation run share: the spec in front of them, the names, the seed."""

import zlib
from typing import Any

from inspect_ai.model import ResponseSchema

from msm_bench.corpus.generate.ask import Asker, Request
from msm_bench.corpus.generate.journal import Answer
from msm_bench.corpus.generate.plan import Sampling
from msm_bench.corpus.generate.prompt import Prompt, load_prompt
from msm_bench.specs import Names, Spec, blocks, render


class Setting:
    """A spec, an assistant's name, and who is asked; a request depends on these and on where in the run it stands."""

    def __init__(self, spec: Spec, names: Names, asker: Asker, sampling: Sampling) -> None:
        self.spec = spec
        self.names = names
        self.asker = asker
        self._sampling = sampling
        self.passages = [render(text, names) for text in spec.passages()]
        self.used: dict[str, Prompt] = {}
        self.shared = {
            "model_name": names.model_name,
            "provider_name": names.provider_name,
            "manner": self.prompt(f"manner_{spec.meta.form}").text,
        }
        self.system = self.prompt("context").render(**self.shared, spec=render(numbered(spec.body), names))

    def prompt(self, name: str) -> Prompt:
        """The prompt file `name`, which is noted as used."""
        return self.used.setdefault(name, load_prompt(name))

    @property
    def prompts(self) -> dict[str, str]:
        """Hashes of the prompt files used so far, by name and version."""
        return {f"{name}@{prompt.version}": prompt.sha256 for name, prompt in sorted(self.used.items())}

    def request(
        self,
        prompt: str,
        place: str,
        values: dict[str, Any],
        *,
        max_tokens: int,
        schema: ResponseSchema | None = None,
        temperature: float | None = None,
    ) -> Request:
        """The request that `prompt` makes of `values`; `place` says where in the run, and gives it its own seed."""
        return Request(
            stage=prompt,
            system=self.system,
            prompt=self.prompt(prompt).render(**self.shared, **values),
            max_tokens=max_tokens + self._sampling.thinking_tokens,
            temperature=self._sampling.temperature if temperature is None else temperature,
            seed=zlib.crc32(f"{self._sampling.seed}/{prompt}/{place}".encode())
            >> 1,  # 31 bits: some providers take no more
            schema=schema,
        )

    async def ask(self, prompt: str, place: str, values: dict[str, Any], **how: Any) -> Answer:
        """Ask that request."""
        return await self.asker.ask(self.request(prompt, place, values, **how))


def numbered(body: str) -> str:
    """A spec's text with the number of each passage before it, from [1]."""
    parts, number = [], 0
    for block in blocks(body):
        if block.is_heading:
            parts.append(block.text)
        else:
            number += 1
            parts.append(f"[{number}] {block.text}")
    return "\n\n".join(parts)
