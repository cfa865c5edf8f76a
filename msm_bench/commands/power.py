"""`msm-bench power`: how large a run must be to see an effect, and what a finished one could have seen."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from msm_bench.commands.sources import COLUMNS, FORMAT, RESULTS, columns_of
from msm_bench.errors import UserError, printable

if TYPE_CHECKING:
    import pandas as pd

    from msm_bench.api import Results
    from msm_bench.planning import Components, Grid, Question
    from msm_bench.recipe import Contrast

_BOTH = "`power both`: the seed swap rejects as well, as a confirmatory claim needs; `power` is the two-way test alone"
_OF_PLANS = ("what", "effect", "equivalence", "seeds", "items", "epochs", "cells", "family", "sd_seed", "sd_epoch")
"""Options that a finished run has no use for."""
_SMALLEST_LEVEL = 1e-4
"""Below it the seed-swap test, which draws its patterns from 17 seeds on, has no say."""


class Numbers(click.ParamType[tuple[int, ...]]):
    """Whole numbers from 1 on, as `3-10`, `20,50,100` or both."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """The numbers in the order given, each once."""
        if isinstance(value, tuple):
            return value
        found: list[int] = []
        for part in str(value).split(","):
            low, dash, high = part.strip().partition("-")
            if not (low.isdecimal() and (high.isdecimal() or not dash)) or len(low + high) > 12:
                self.fail(f"{value!r} is not like 3-10 or 20,50,100", param, ctx)
            numbers = range(int(low), int(high if dash else low) + 1)
            if not numbers or numbers[0] < 1 or len(numbers) > 1000:
                self.fail(f"{part!r} is no range of up to 1000 numbers from 1 on", param, ctx)
            found += numbers
        return tuple(dict.fromkeys(found))


def _finite(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(f"{value} is not a finite number", ctx, param)
    return value


_SD = click.FloatRange(0, 1e9)
_NUMBERS = Numbers()
_SHARE = click.FloatRange(0, 1, min_open=True, max_open=True)


@click.command()
@click.argument("sources", nargs=-1)
@click.option("--contrast", "name", help="A contrast of the pilot's recipe, by its name or a part of it.")
@click.option("--baseline", help="Without a contrast: the arm to compare with.")
@click.option("--arm", help="The arm that is compared with it.")
@click.option("--task", help="On this task, where there are several.")
@click.option("--measure", help="By this measure, where there are several.")
@COLUMNS
@click.option("--sd-seed", type=_SD, callback=_finite, help="By hand: standard deviation of the difference over seeds.")
@click.option(
    "--sd-item", type=_SD, callback=_finite, help="By hand: over items (over clusters with --items-per-cluster)."
)
@click.option("--sd-noise", type=_SD, callback=_finite, help="By hand: of seed and item together [default: 0].")
@click.option("--sd-epoch", type=_SD, callback=_finite, help="By hand: of one sampled answer.")
@click.option("--arms", "n_arms", type=click.IntRange(1), default=2, show_default=True, help="By hand: how many.")
@click.option("--items-per-cluster", type=click.IntRange(1), default=1, show_default=True, help="By hand.")
@click.option(
    "--effect",
    type=float,
    callback=_finite,
    help="True effect [default: the recipe's smallest of interest; of equivalence 0].",
)
@click.option(
    "--equivalence",
    type=click.FloatRange(0, min_open=True),
    callback=_finite,
    metavar="BOUND",
    help="Show |effect| < BOUND.",
)
@click.option("--seeds", type=_NUMBERS, help="Such as 6,8 [default: 3-10, or 1 where nothing is known of seeds].")
@click.option("--items", type=_NUMBERS, help="Items of each task, such as 20,50,100 [default: the pilot's].")
@click.option("--epochs", type=_NUMBERS, help="Such as 1,5.  [default: 1]")
@click.option("--cells", type=click.IntRange(1), help="Fixed strata of each task [default: the pilot's, else 1].")
@click.option("--solve", "what", type=click.Choice(["seeds", "items", "epochs"]), help="The smallest number of these.")
@click.option(
    "--power",
    "target",
    type=_SHARE,
    callback=_finite,
    default=0.8,
    show_default=True,
    help="The power that is asked for.",
)
@click.option("--alpha", type=_SHARE, callback=_finite, default=0.05, show_default=True, help="Two-sided level.")
@click.option("--family", type=click.IntRange(1), help="Tests in the Holm family [default: the recipe's, else 1].")
@click.option("--mde", is_flag=True, help="What each contrast of a finished run could have seen.")
@RESULTS
@FORMAT
@click.option("--out", type=click.Path(path_type=Path), help="Write table and curve there.")
def power(sources: Sequence[str], style: str, results: Path | None, out: Path | None, **given: Any) -> None:
    """Plan a run by the variance in a pilot: SOURCES are a recipe with results, a results folder, or Inspect logs.

    Without SOURCES the standard deviations are given by hand, in the measure's unit.
    """
    from msm_bench.planning import load_pilot, power_table, solve
    from msm_bench.report import FORMATS

    if style not in FORMATS:
        raise UserError(f"unknown format {style!r}; use one of {', '.join(FORMATS)}")
    _check_options(sources, given)
    pilot = load_pilot(sources, results, **columns_of(given)) if sources else None
    if given["mde"]:
        _print_detectable(pilot, given, style, out)
        return
    contrast = _contrast(pilot, given) if pilot else None
    components = _components(pilot, contrast, given)
    grid, question = _grid(components, given), _question(pilot, contrast, given)
    what = given["what"]
    table = solve(components, grid, question, what) if what else power_table(components, grid, question)
    notes = [*components.notes(), *([_BOTH] if "power_both" in table else [])]
    _print(table, style, notes, components if style == "table" else None, _title(contrast, question))
    if out is not None:
        _write(out / "power", table)
    if out is not None and not what:
        from msm_bench.planning.curve import power_curve
        from msm_bench.report.figures import save_figure

        bands = "bands: power at the 95 % limits of the seeds' standard deviation" if "power_low" in table else ""
        save_figure(power_curve(table, question), out / "power.png", bands)


def _check_options(sources: Sequence[str], given: dict[str, Any]) -> None:
    """Raise a `UserError` for options that would have no effect together."""
    planned = [name for name in _OF_PLANS if given[name] is not None]
    if given["mde"] and planned:
        raise UserError(f"--mde is of a finished run, and --{_flag(planned[0])} of a plan; leave one of them out")
    compared = [name for name in ("name", "baseline", "arm", "task", "measure") if given[name] is not None]
    if not sources and compared:
        raise UserError(f"--{_flag(compared[0])} chooses from a pilot; name its recipe, results folder or logs")
    what = given["what"]
    if what and given[what] is not None:
        raise UserError(f"--solve {what} looks for the number of {what}; leave --{what} out")


def _flag(name: str) -> str:
    return {"what": "solve", "name": "contrast"}.get(name, name).replace("_", "-")


def _contrast(pilot: "Results", given: dict[str, Any]) -> "Contrast":
    from msm_bench.planning import arms_contrast, stated_contrast

    if given["name"] is not None:
        if given["baseline"] or given["arm"]:
            raise UserError("give --contrast, or --baseline and --arm, but not both")
        return stated_contrast(pilot, given["name"])
    if not (given["baseline"] and given["arm"]):
        names = "; ".join(one.name for one in pilot.recipe.contrasts) if pilot.recipe else ""
        stated = f"--contrast ({names}), or " if names else ""
        raise UserError(f"which comparison? give {stated}--baseline and --arm")
    return arms_contrast(pilot.frame, given["baseline"], given["arm"], given["task"], given["measure"])


def _components(pilot: "Results | None", contrast: "Contrast | None", given: dict[str, Any]) -> "Components":
    from msm_bench.planning import by_hand, contrast_components, with_given

    if pilot is not None and contrast is not None:
        if given["sd_item"] is not None or given["sd_noise"] is not None:
            raise UserError("--sd-item and --sd-noise are for plans without a pilot; leave them or the pilot out")
        found = contrast_components(pilot.frame, contrast)
        return with_given(found, given["sd_seed"], given["sd_epoch"])
    if given["sd_item"] is None:
        raise UserError("give a pilot (a recipe with results, a results folder or logs), or at least --sd-item by hand")
    if given["items"] is None and given["what"] != "items":
        raise UserError("without a pilot give --items, or --solve items")
    return by_hand(
        seed=given["sd_seed"],
        item=given["sd_item"],
        noise=given["sd_noise"] or 0.0,
        epoch=given["sd_epoch"],
        cells=given["cells"] or 1,
        per_cluster=given["items_per_cluster"],
        arms=given["n_arms"],
    )


def _grid(components: "Components", given: dict[str, Any]) -> "Grid":
    from msm_bench.planning import Grid

    epochs = given["epochs"] or (1,)
    if all(task.epoch is None and not task.epoch_once.df for task in components.tasks) and epochs != (1,):
        raise UserError("--epochs: nothing is known of the noise of sampling; give --sd-epoch, or leave it out")
    usual = tuple(range(3, 11)) if components.seed is not None else (1,)
    return Grid(given["seeds"] or usual, given["items"] or (), epochs, given["cells"])


def _question(pilot: "Results | None", contrast: "Contrast | None", given: dict[str, Any]) -> "Question":
    from msm_bench.planning import Question

    recipe = pilot.recipe if pilot else None
    bound, effect = given["equivalence"], given["effect"]
    if effect is None and bound is not None:
        effect = 0.0
    if effect is None and recipe and contrast:
        effect = recipe.smallest_effect.of(contrast.measure)
    if effect is None:
        raise UserError("give the effect to plan for by --effect, in the measure's unit")
    if bound is not None and abs(effect) >= bound:
        raise UserError(f"a true effect of {effect:g} is not within ±{bound:g}; give a smaller --effect")
    if bound is None and effect == 0:
        raise UserError("--effect 0 is no effect to find; give another, or a bound by --equivalence")
    stated = recipe.confirmatory if recipe and contrast and contrast.confirmatory and given["name"] else 1
    return Question(effect, _level(given, given["family"] or stated), bound, given["target"])


def _level(given: dict[str, Any], family: int) -> float:
    level = float(given["alpha"] / family)
    if level < _SMALLEST_LEVEL:
        raise UserError(
            f"the level {given['alpha']:g} / {family} is below {_SMALLEST_LEVEL:g}; give a smaller --family"
        )
    if given["target"] <= level:
        raise UserError(f"--power {given['target']:g} is not above the level {level:g}; give a larger one")
    return level


def _print_detectable(pilot: "Results | None", given: dict[str, Any], style: str, out: Path | None) -> None:
    from msm_bench.planning import arms_contrast, detectable_table, stated_contrast

    if pilot is None:
        raise UserError("--mde is of a finished run; name its recipe, results folder or logs")
    _level(given, 1)
    if given["baseline"]:
        arms = [given["arm"]] if given["arm"] else list(dict.fromkeys(pilot.frame["arm"]))
        others = [arm for arm in arms if arm != given["baseline"]]
        contrasts = [
            arms_contrast(pilot.frame, given["baseline"], arm, given["task"], given["measure"]) for arm in others
        ]
    elif pilot.recipe is not None:
        name = given["name"]
        contrasts = pilot.recipe.contrasts if name is None else [stated_contrast(pilot, name)]
    else:
        raise UserError("--mde: these results are of no recipe; give --baseline, and --arm for one arm alone")
    table = detectable_table(pilot, contrasts, given["alpha"], given["target"])
    if table.empty:
        raise UserError("--mde: there is nothing to compare in these results")
    _print(table, style, [], None, f"detectable with power {given['target']:g}")
    if out is not None:
        _write(out / "detectable", table)


def _title(contrast: "Contrast | None", question: "Question") -> str:
    about = f"{contrast.name}, {contrast.measure}: " if contrast else ""
    claim = f", to be shown within ±{question.bound:g}" if question.bound is not None else ""
    return f"{about}true effect {question.effect:g}{claim}, level {question.alpha:.3g}"


def _print(
    table: "pd.DataFrame", style: str, notes: Sequence[str], components: "Components | None", title: str
) -> None:
    from msm_bench.planning import component_table, for_readers
    from msm_bench.report import FOR_PROGRAMS, render_table

    if components is not None:
        parts = for_readers(component_table(components))
        click.echo(render_table(parts, style, "components of the paired differences"), nl=False)
    click.echo(render_table(table if style in FOR_PROGRAMS else for_readers(table), style, title), nl=False)
    for note in notes:
        click.echo(printable(note, len(note)), err=style != "table")


def _write(path: Path, table: "pd.DataFrame") -> None:
    """The table in three formats, to the path with their endings."""
    from msm_bench.files import write_text
    from msm_bench.planning import for_readers
    from msm_bench.report import FOR_PROGRAMS, render_table

    for style, ending in (("markdown", "md"), ("csv", "csv"), ("latex", "tex")):
        own = table if style in FOR_PROGRAMS else for_readers(table)
        write_text(path.with_name(f"{path.name}.{ending}"), render_table(own, style))
