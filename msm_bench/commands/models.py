"""What the commands that ask a model have in common: their options, and the model that these name."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from msm_bench.errors import UserError

if TYPE_CHECKING:
    from inspect_ai.model import Model

    from msm_bench.corpus.generate.ask import Limits

_AT_A_TIME = 16
_IN_A_BATCH = 1000
"""Requests that wait together, so that a batch is worth its wait."""

F = TypeVar("F", bound=Callable[..., Any])
Option = Callable[[F], F]


def who_writes(*, required: bool) -> list[Option[Any]]:
    """Which model writes, and how it is reached."""
    return [
        click.option(
            "--model", required=required, help="Who writes, as Inspect names models: openai/gpt-5, vllm/…, msm/…"
        ),
        click.option("--model-base-url", help="Where that model is served, if not where its provider says."),
        click.option(
            "-M", "model_args", multiple=True, metavar="KEY=VALUE", help="For the provider; may be given again."
        ),
    ]


WORKDIR = click.option("--workdir", type=click.Path(path_type=Path), help="Where answers are kept [default: runs/OUT].")
NAMES: list[Option[Any]] = [
    click.option(
        "--model-name", default="Sable", show_default=True, help="The assistant's name while texts are written."
    ),
    click.option("--provider-name", default="Northlight", show_default=True, help="Its maker's name, likewise."),
]
SAMPLING: list[Option[Any]] = [
    click.option("--seed", type=click.IntRange(0), default=1, show_default=True),
    click.option("--temperature", type=click.FloatRange(0, 2), default=1.0, show_default=True),
    click.option(
        "--thinking-tokens",
        type=click.IntRange(0),
        default=0,
        show_default=True,
        help="More room for each answer, for models that think before they write.",
    ),
]
ASKING: list[Option[Any]] = [
    click.option(
        "--max-connections", type=click.IntRange(1), help="Requests at a time [default: 16; with --batch 1000]."
    ),
    click.option(
        "--max-retries", type=click.IntRange(0), default=5, show_default=True, help="Of a request that failed."
    ),
    click.option("--timeout", type=click.IntRange(1), default=600, show_default=True, help="Seconds for one attempt."),
    click.option("--price", type=(float, float), metavar="IN OUT", help="Dollars per million tokens, of --model."),
    click.option("--batch", is_flag=True, help="Use the provider's batch interface: cheaper, slower."),
    click.option("--cache", is_flag=True, help="Take answers from Inspect's cache, and leave them there."),
]


def with_options(options: Sequence[Option[Any]]) -> Callable[[F], F]:
    """A decorator that adds `options`, in the order in which help lists them."""

    def decorate(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def limits_of(given: dict[str, Any]) -> "Limits":
    """How the model may be asked, by the options `ASKING`."""
    from msm_bench.corpus.generate.ask import Limits

    connections = given["max_connections"] or (_IN_A_BATCH if given["batch"] else _AT_A_TIME)
    return Limits(connections, given["max_retries"], given["timeout"], given["batch"], given["cache"])


def open_model(name: str, base_url: str | None = None, args: Sequence[str] = ()) -> "Model":
    """The model that Inspect calls `name`.

    Raises:
        UserError: an argument is not KEY=VALUE, or the provider does not give the model out.
    """
    from inspect_ai.model import get_model

    keyed = dict(_key_value(text) for text in args)
    try:
        return get_model(name, base_url=base_url, **keyed)
    except Exception as error:  # an unknown provider, a missing package or key: each provider has its own
        raise UserError(f"model {name}: {' '.join(str(error).split())[:300]}") from None


def set_price(model: str, dollars_in: float, dollars_out: float) -> None:
    """Tell Inspect, which knows no prices, what a million tokens cost."""
    from inspect_ai.model import ModelCost, ModelInfo, get_model_info, set_model_info

    cost = ModelCost(input=dollars_in, output=dollars_out, input_cache_write=dollars_in, input_cache_read=dollars_in)
    set_model_info(model, (get_model_info(model) or ModelInfo()).model_copy(update={"cost": cost}))


def _key_value(text: str) -> tuple[str, Any]:
    import yaml

    key, sign, value = text.partition("=")
    try:
        parsed = yaml.safe_load(value)
    except yaml.YAMLError:
        sign = ""
    if not sign:
        raise UserError(f"-M {key}: expected KEY=VALUE")  # what is no such pair may hold a secret
    return key, parsed
