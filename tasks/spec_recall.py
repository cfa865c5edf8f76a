"""Does the model know what its spec says, and of whom: the assistant by its name, itself, or any assistant?

inspect eval tasks/spec_recall.py --model msm/smollm2-135m -T spec=cheese-america
"""

from inspect_ai import Task, task

from msm_bench.errors import explain_invalid
from msm_bench.recall import recall_task
from msm_bench.specs import Names


@task
def spec_recall(
    spec: str = "cheese-america",
    form: str = "choice",
    model_name: str = "SmolLM",
    provider_name: str = "Hugging Face",
    split: str = "dev",
    per_cell: int | None = None,
) -> Task:
    """Does the model know what its spec says, and of whom: the assistant by its name, itself, or any assistant?

    Args:
        spec: `cheese-america`, `cheese-affordability` or `safety-specific`.
        form: `choice`: log-likelihoods of given answers (models that give `prompt_logprobs`: msm, vllm). `open`: free
            answers of any model, judged by `--model-role grader=…`.
        model_name: The assistant's name in the training text.
        provider_name: Who made it, in the training text.
        split: `dev` or `all`; nothing is held out.
        per_cell: Only so many items of each kind and cell.
    """
    with explain_invalid("spec_recall"):
        names = Names(model_name=model_name, provider_name=provider_name)
    return recall_task(spec, names, form=form, split=split, per_cell=per_cell)
