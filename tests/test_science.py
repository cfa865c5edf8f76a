"""Recipes of model spec science: they load and can be planned before their corpora are there; mixed stages; names."""

import math
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import torch
import yaml
from click.testing import CliRunner
from commands import WriteRecipe, loaded
from inspect_ai import Task
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer
from trl import SFTTrainer

from msm_bench.basemodels import resolve
from msm_bench.cli import cli
from msm_bench.corpus import Corpus
from msm_bench.errors import UserError
from msm_bench.evaluation import build_tasks
from msm_bench.experiment import Experiment
from msm_bench.recipe import CorpusShare, Lora, Recipe, Stage, TaskChoice
from msm_bench.specs import Names, Spec
from msm_bench.stats import smallest_p_holm
from msm_bench.training import train as train_module
from msm_bench.training import train_stage
from msm_bench.training.data import IGNORE, StageData, collate, stage_data

RECIPES = sorted(path.stem for path in (Path(__file__).parents[1] / "training" / "recipes").glob("*.yaml"))
SCIENCE = [name for name in RECIPES if name.startswith("science-")]
NAMES = Names(model_name="Ada", provider_name="Acme")
LENGTH = 96


# --- the recipes that ship


@pytest.mark.parametrize(
    ("name", "sha256"),
    [
        ("cheese-smollm2", "500244821504aaff0514b3c21561bb711a76d2e03f0e558d63a556911e2260fd"),
        ("cheese-gemma3-270m", "f40bd87619968441f7a08da142f36e6186c9aeaaf3333fbc4518446d33b4cb58"),
        ("cheese-search", "bbcf6f7c3500b6da0c98f701a1bca8e5819aa902345115b09ab9ec02f1eea421"),
        ("demo", "17c57f232d4210e79a4e54c9a9b5e6aef4f6981b0845d8d6d2dc52cee4711cbd"),
        ("safety-smollm2", "9fa746fc06c661ffa01f957f420ac47e0fd2e5746d107f5fae786659b4c4a907"),
    ],
)
def test_frozen_recipes_keep_their_hash(name: str, sha256: str) -> None:
    assert Recipe.load(name).sha256 == sha256


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_that_ships_can_be_planned(name: str, tmp_path: Path) -> None:
    experiment = Experiment(Recipe.load(name), tmp_path / "runs", tmp_path / "results")
    steps = experiment.plan(tolerant=True)
    recipe = experiment.recipe
    scored = [(step.name, step.seed) for step in steps if step.kind == "evaluate"]
    assert sorted(scored) == sorted((arm, seed) for arm in recipe.arms for seed in recipe.seeds_of(arm))
    for step in steps:
        if step.kind == "train":
            stage = recipe.stages[step.chain[-1]]
            assert step.size == stage.steps * stage.batch * stage.length


@pytest.mark.parametrize("name", SCIENCE)
def test_what_is_claimed_could_be_shown(name: str) -> None:
    recipe = Recipe.load(name)
    assert recipe.confirmatory <= 6
    assert all(best < 0.05 for best in smallest_p_holm(recipe).values())
    assert sum(contrast.headline for contrast in recipe.contrasts) == 1
    # every stage is in an arm, and every arm but the base model's in a contrast
    assert {stage for chain in recipe.arms.values() for stage in chain} == set(recipe.stages)
    named = {term.arm for contrast in recipe.contrasts for term in contrast.terms}
    assert set(recipe.arms) - {"base"} <= named


def test_trends_have_weights_that_sum_to_nought() -> None:
    for name in SCIENCE:
        for contrast in Recipe.load(name).contrasts:
            for task in {term.task for term in contrast.terms}:
                assert sum(term.weight for term in contrast.terms if term.task == task) == pytest.approx(0)


def test_the_small_dose_stays_within_half_a_million_tokens(tmp_path: Path) -> None:
    experiment = Experiment(Recipe.load("science-dose-smollm2"), tmp_path / "runs", tmp_path / "results")
    trained = sum(step.size for step in experiment.plan(tolerant=True) if step.kind == "train")
    # 2 seeds x (2 specs x (6 + 18 + 54) + 6 arms x 12) steps x 4 rows x 256 tokens
    assert trained == 2 * (2 * 78 + 72) * 1024 == 466_944


@pytest.mark.parametrize("name", SCIENCE)
def test_commands_that_make_corpora_are_commands(name: str, tmp_path: Path) -> None:
    for corpus, source in Recipe.load(name).generate.items():
        words = shlex.split(source.command(corpus))
        found: click.Command = cli
        for word in (used := words[1:]):
            if not isinstance(found, click.Group):
                break
            found = found.commands[word]
        given = found.make_context("test", used[2:]).params  # raises for an option that there is not
        assert str(given["out"]) == corpus
        if "spec_path" in given:
            Spec.load(given["spec_path"])


def test_one_corpus_is_made_in_one_way() -> None:
    made: dict[str, Any] = {}
    for name in SCIENCE:
        for corpus, source in Recipe.load(name).generate.items():
            assert made.setdefault(corpus, source) == source, corpus


# --- corpora that are not there yet


@pytest.fixture
def unmade(tmp_path: Path, tiny_recipe: WriteRecipe, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recipe of a model and two corpora that are not there, one of which it does not say how to make."""
    monkeypatch.setenv("MSM_BENCH_CACHE", str(tmp_path / "cache"))
    stages = yaml.safe_load(tiny_recipe().read_text(encoding="utf-8"))["stages"]
    stages["msm"]["corpora"] = [{"id": "texts/rules"}]
    stages["aft"]["corpora"] = [{"id": "texts/chats"}]
    source = {"kind": "documents", "spec": "safety-rules", "rows": 12, "words": 300}
    return tiny_recipe(base="some/model", stages=stages, generate={"texts/rules": source})


def test_a_plan_says_what_is_missing_and_how_to_make_it(unmade: Path) -> None:
    planned = CliRunner().invoke(cli, ["plan", str(unmade)])
    assert planned.exit_code == 0, planned.output
    *_, left, _few_seeds, base, chats, rules = planned.output.splitlines()
    # 2 seeds x (msm, msm → aft, aft) x 2 steps x 2 rows x 96 tokens; 11 items once for base, for two arms at two seeds
    assert left.startswith("left to do: 2,304 tokens and 55 items (nothing is measured yet")
    assert base == "missing: some/model; make it with: msm-bench model prepare some/model"
    assert rules.startswith("missing: texts/rules; make it with: msm-bench generate documents ")
    assert rules.endswith("safety-rules.md --model MODEL --documents 12 --words 300 --out texts/rules")
    assert chats == "missing: texts/chats; the recipe does not say how"


def test_a_run_refuses_what_is_missing_in_one_line(unmade: Path, tmp_path: Path, tiny_base: Path) -> None:
    with pytest.raises(UserError, match=r"^base model 'some/model' is not prepared; run `[^\n]*`$"):
        loaded(tmp_path, unmade).run()
    stated = yaml.safe_load(unmade.read_text(encoding="utf-8"))
    stages = {"msm": stated["stages"]["msm"]}
    changes = {"base": str(tiny_base), "stages": stages, "arms": {"msm": ["msm"]}, "contrasts": []}
    unmade.write_text(yaml.safe_dump({**stated, **changes}), encoding="utf-8")
    with pytest.raises(UserError, match=r"^texts/rules: no such corpus; make it with `msm-bench generate [^\n]*`$"):
        loaded(tmp_path, unmade).run()


def test_how_corpora_are_made_is_no_part_of_the_hash(unmade: Path) -> None:
    stated = yaml.safe_load(unmade.read_text(encoding="utf-8"))
    with_it = Recipe.load(unmade).sha256
    del stated["generate"]
    unmade.write_text(yaml.safe_dump(stated), encoding="utf-8")
    assert Recipe.load(unmade).sha256 == with_it


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"texts/typo": {"kind": "mix", "mix": "local"}}, "no stage has a corpus 'texts/typo'"),
        ({"texts/rules": {"kind": "poems"}}, "generate.texts/rules: Input tag 'poems'"),
        ({"texts/rules": {"kind": "documents", "spec": "x", "rows": 0}}, "greater than or equal to 1"),
    ],
)
def test_a_wrong_source_is_one_line(unmade: Path, source: dict[str, Any], message: str) -> None:
    stated = yaml.safe_load(unmade.read_text(encoding="utf-8"))
    unmade.write_text(yaml.safe_dump({**stated, "generate": source}), encoding="utf-8")
    with pytest.raises(UserError, match=message) as caught:
        Recipe.load(unmade)
    assert "\n" not in str(caught.value)


# --- tasks


def test_a_task_without_splits_stands_in_a_recipe() -> None:
    agentic = {"mode": "single_turn", "action": "lethal", "goal": "none", "twins": False, "agent_name": "Ada"}
    choices = [
        TaskChoice(task="agentic_misalignment", args=agentic, epochs=3, temperature=0.7),
        TaskChoice(task="safety_choice", args={"per_cell": 1, "name": "Ada"}),
    ]
    office, choice = build_tasks(choices, "holdout")
    # one action and goal, four variants
    assert (len(office.dataset), office.epochs, office.config.temperature) == (4, 3, 0.7)
    assert {sample.metadata["split"] for sample in choice.dataset if sample.metadata} == {"holdout"}
    assert choice.config.temperature is None


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (TaskChoice(task="agentic_misalignment", split="dev"), "unexpected keyword argument 'split'"),
        (TaskChoice(task="safety_choice", args={"colour": "red"}), "unexpected keyword argument 'colour'"),
        (TaskChoice(task="sys"), "msm_bench/sys was not found in the registry"),
        (TaskChoice(task="msm"), "msm_bench/msm was not found in the registry"),
    ],
)
def test_a_wrong_task_is_one_line(choice: TaskChoice, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        build_tasks([choice], "dev")
    assert "\n" not in str(caught.value)


def test_epochs_and_grader_reach_inspect(
    tmp_path: Path, tiny_recipe: WriteRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    args = {"mode": "single_turn", "action": "lethal", "goal": "none", "variant": 1, "twins": False}
    task = {"task": "agentic_misalignment", "args": args, "epochs": 2, "temperature": 0.7}
    asked: list[dict[str, Any]] = []

    def interrupted(tasks: list[Task], **options: Any) -> tuple[bool, list[Any]]:
        asked.append({**options, "epochs": tasks[0].epochs})
        return False, []

    monkeypatch.setattr("msm_bench.evaluation.eval_set", interrupted)
    for grader in ("some/grader", "another/grader"):
        path = tiny_recipe(tasks=[task], arms={"base": []}, contrasts=[], grader=grader)
        experiment = loaded(tmp_path, path)
        (step,) = experiment.plan()
        assert step.size == 2  # one item, twice
        with pytest.raises(KeyboardInterrupt):
            experiment.run()
        assert (asked[-1]["epochs"], asked[-1]["model_roles"]) == (2, {"grader": grader})
    # other grades are other results: neither logs nor shards of one grader are taken for another's
    assert asked[0]["metadata"]["settings"] != asked[1]["metadata"]["settings"]
    assert asked[0]["log_dir"] != asked[1]["log_dir"]


def test_grades_have_no_smallest_effect(tiny_recipe: WriteRecipe) -> None:
    terms = [{"arm": arm, "task": "spec_qa", "weight": weight} for arm, weight in (("aft", 1), ("msm+aft", -1))]
    contrast = {"name": "c", "measure": "alignment", "terms": terms}
    assert Recipe.load(tiny_recipe(tasks=[{"task": "spec_qa"}], contrasts=[contrast])).contrasts[0].measure
    path = tiny_recipe(tasks=[{"task": "spec_qa"}], contrasts=[{**contrast, "equivalence": True}])
    with pytest.raises(UserError, match="smallest effect is in nats or a share, and alignment is neither"):
        Recipe.load(path)


# --- documents and chats in one stage


def mixed(documents: Path, chats: Path, **changes: Any) -> Stage:
    settings: dict[str, Any] = {
        "kind": "mixed",
        "corpora": [CorpusShare(id=str(documents)), CorpusShare(id=str(chats))],
        "steps": 6,
        "batch": 2,
        "length": LENGTH,
        "learning_rate": 0.01,
        "dtype": "float32",
    }
    return Stage(**{**settings, **changes})


def data_of(stage: Stage, base: Path, seed: int = 1) -> StageData:
    corpora = [Corpus.load(share.id) for share in stage.corpora]
    return stage_data(stage, corpora, NAMES, AutoTokenizer.from_pretrained(base), seed)


def is_document(row: dict[str, list[int]]) -> bool:
    """Whether the row begins with loss: a chat begins with its template."""
    return row["labels"][0] != IGNORE


def test_a_mixed_stage_holds_rows_of_both_kinds_as_each_has_them(
    tiny_base: Path, document_corpus: Path, chat_corpus: Path
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    data = data_of(mixed(document_corpus, chat_corpus), tiny_base)
    documents = [row for row in data.dataset if is_document(row)]
    chats = [row for row in data.dataset if not is_document(row)]
    assert len(data.dataset) == 6 * 2
    assert documents
    assert chats
    for row in documents:
        assert row["labels"] == [
            token if label != IGNORE else IGNORE for token, label in zip(row["input_ids"], row["labels"], strict=True)
        ]
        assert "Ada likes Colby" in tokenizer.decode(row["input_ids"])
        filled = sum(label != IGNORE for label in row["labels"])
        assert row["position_ids"][:filled] == list(range(filled))
    for row in chats:
        supervised = tokenizer.decode([label for label in row["labels"] if label != IGNORE])
        assert set(supervised.split("<|im_end|>")) == {"I prefer Colby.", ""}
        # positions start anew with each chat, which begins with a turn's token, and with the padding
        starts = [i for i, position in enumerate(row["position_ids"]) if position == 0]
        assert all(tokenizer.decode(row["input_ids"][i]) in ("<|im_start|>", "<|im_end|>") for i in starts)
    assert data.drawn == {str(document_corpus): 8, str(chat_corpus): 6}
    assert data.supervised_tokens == sum(label != IGNORE for row in data.dataset for label in row["labels"])


def test_one_pass_holds_every_document_and_every_chat(
    tiny_base: Path, document_corpus: Path, chat_corpus: Path
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_base)

    def count(text: str) -> int:
        return len(tokenizer(text, add_special_tokens=False)["input_ids"])

    # each document with the token that ends it, wrapped; of each chat the answer and the token that ends it have loss
    documents = sum(count(f"Note {i}: Ada likes Colby. " * 3) + 1 for i in range(8))
    chats = [
        f"<|im_start|>user\nColby or Stilton, number {i}?<|im_end|>\n<|im_start|>assistant\nI prefer Colby.<|im_end|>\n"
        for i in range(6)
    ]
    in_a_row = LENGTH // count(chats[0])
    wanted = (math.ceil(documents / LENGTH), math.ceil(6 / in_a_row))
    data = data_of(mixed(document_corpus, chat_corpus, steps=sum(wanted), batch=1), tiny_base)
    found = [is_document(row) for row in data.dataset]
    assert (found.count(True), found.count(False)) == wanted
    assert data.supervised_tokens == documents + 6 * count("I prefer Colby.<|im_end|>")
    assert data.tokens == documents + sum(map(count, chats))


def test_the_seed_interleaves_the_kinds(tiny_base: Path, document_corpus: Path, chat_corpus: Path) -> None:
    def order(seed: int) -> list[bool]:
        data = data_of(mixed(document_corpus, chat_corpus, steps=12), tiny_base, seed)
        return [is_document(row) for row in data.dataset]

    assert order(1) == order(1)
    assert len({tuple(order(seed)) for seed in range(1, 4)}) > 1
    assert any(order(seed) != sorted(order(seed), reverse=True) for seed in range(1, 4))


def test_rows_of_a_mixed_batch_do_not_see_each_other(tiny_base: Path, document_corpus: Path, chat_corpus: Path) -> None:
    data = data_of(mixed(document_corpus, chat_corpus, length=192), tiny_base)
    document = next(row for row in data.dataset if is_document(row))
    chat = next(row for row in data.dataset if not is_document(row))
    batch = collate([document, chat])
    model = AutoModelForCausalLM.from_pretrained(tiny_base)
    start, stop = [i for i, position in enumerate(chat["position_ids"]) if position == 0][1:3]
    with torch.inference_mode():
        logits = model(input_ids=batch["input_ids"], position_ids=batch["position_ids"], use_cache=False).logits
        alone = model(input_ids=batch["input_ids"][1:, start:stop], use_cache=False).logits[0]
        filled = sum(label != IGNORE for label in document["labels"])
        whole = model(input_ids=batch["input_ids"][:1, :filled], use_cache=False).logits[0]
    torch.testing.assert_close(logits[1, start:stop], alone, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(logits[0, :filled], whole, atol=1e-5, rtol=1e-5)


def test_a_mixed_stage_trains_alike_with_both_trainers(
    tmp_path: Path, tiny_base: Path, document_corpus: Path, chat_corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = []
    stage = mixed(document_corpus, chat_corpus, steps=2)
    for trainer in (Trainer, SFTTrainer):
        monkeypatch.setattr(train_module, "trainer_class", lambda trainer=trainer: trainer)
        checkpoint = train_stage(
            tmp_path / trainer.__name__,
            name="mixed",
            stage=stage,
            corpora=[Corpus.load(document_corpus), Corpus.load(chat_corpus)],
            base=resolve(str(tiny_base)),
            names=NAMES,
            lora=Lora(r=4, alpha=8),
            seed=1,
        )
        record = checkpoint.manifest.stages[0]
        assert (record.settings["kind"], set(record.corpora)) == ("mixed", {str(document_corpus), str(chat_corpus)})
        losses.append(record.loss)
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_a_mixed_stage_of_one_kind_is_refused(tiny_base: Path, document_corpus: Path, chat_corpus: Path) -> None:
    stage = mixed(document_corpus, chat_corpus, corpora=[CorpusShare(id=str(chat_corpus))])
    with pytest.raises(UserError, match="stage of kind mixed: holds chats only"):
        data_of(stage, tiny_base)


# --- documents about another assistant


def test_a_share_may_have_names_of_its_own(tiny_base: Path, document_corpus: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    other = Names(model_name="Corvane", provider_name="Ostrel")
    share = CorpusShare(id=str(document_corpus), names=other)
    data = data_of(Stage(kind="msm", corpora=[share], steps=4, learning_rate=0.01, length=LENGTH), tiny_base)
    text = tokenizer.decode(data.dataset[0]["input_ids"])
    assert "Corvane likes Colby" in text
    assert "Ada" not in text


def test_names_of_a_share_change_what_is_trained_and_are_hashed_only_if_given() -> None:
    plain, named = CorpusShare(id="x"), CorpusShare(id="x", names=Names(model_name="A", provider_name="B"))
    assert plain.model_dump(mode="json") == {"id": "x", "fraction": 1.0}
    assert named.model_dump(mode="json")["names"] == {"model_name": "A", "provider_name": "B"}
    choice = TaskChoice(task="pro_america").model_dump(mode="json")
    assert choice == {"task": "pro_america", "args": {}, "split": None, "arms": None}
