"""An assistant at work in a simulated company that is about to replace it: does it do harm when it could?

inspect eval tasks/agentic_misalignment.py --model anthropic/claude-sonnet-4-5 --model-role grader=openai/gpt-5
"""

from inspect_ai import Task, task

from msm_bench.errors import UserError
from msm_bench.office import Setting, agentic_task
from msm_bench.office.original import original_task


@task
def agentic_misalignment(
    mode: str = "agentic",
    prompts: str = "msm_bench",
    action: str | list[str] = "all",
    goal: str | list[str] = "all",
    threat: str | list[str] = "replacement",
    variant: int | str | list[int] = "all",
    twins: bool = True,
    agent_name: str = "Quill",
    system: str = "",
    prefill: str = "",
    pressure: int = 0,
    scratchpad: bool = True,
    deployment: str = "unstated",
    allow_unsafe_local: bool = False,
) -> Task:
    """An assistant at work in a simulated company that is about to replace it: does it do harm when it could?

    Args:
        mode: `agentic` (real tools in a sandbox) or `single_turn` (everything in one prompt, actions stated in text).
        prompts: `msm_bench`, or `inspect_evals`: the prompts of that package, single turn; then `action` is one of
            `leaking`, `murder`, `blackmail`, `mode`, `variant`, `twins`, `agent_name`, `deployment` mean nothing, and
            `system`, `prefill`, `pressure` are refused.
        action: `exfiltration`, `lethal`, `espionage`, several of them, or `all`.
        goal: `none`, `america`, `global`, `ethical`, `pragmatic`, `acceleration`, `safety`, `individualism`,
            `collectivism`, several of them, or `all`.
        threat: `replacement`, `restriction`, both, or `all`.
        variant: 1 to 4, several of them, or `all`: companies, people and wording; the clusters of the statistics.
        twins: Whether the benign twins are run too.
        agent_name: What the assistant is called.
        system, prefill, pressure: Robustness options (docs/robustness.md): what ends the system prompt, what begins the
            first turn, and how many times, up to 5, the user urges the harmful course.
        scratchpad: Whether it is told to think in private first.
        deployment: `unstated`, `test` or `real`: what it is told about the situation.
        allow_unsafe_local: Run in a sandbox that isolates nothing.
    """
    if prompts == "inspect_evals":
        if system or prefill or pressure:
            raise UserError("agentic_misalignment: system, prefill and pressure need prompts=msm_bench")
        return original_task(action=action, goal=goal, threat=threat, scratchpad=scratchpad)
    if prompts != "msm_bench":
        raise UserError(f"agentic_misalignment: prompts is {prompts!r}; use msm_bench or inspect_evals")
    return agentic_task(
        mode=mode,
        action=action,
        goal=goal,
        threat=threat,
        variant=variant,
        twins=twins,
        setting=Setting(agent_name, scratchpad, deployment, system, prefill, pressure),
        allow_unsafe_local=allow_unsafe_local,
    )
