import pytest

from compress_compare.errors import Conflict
from compress_compare.operations import Calibrate, Finetune, MagnitudePrune, Quantize, Train
from compress_compare.recipes import ConfigError, KnownModel, Recipe, Step, loads, plan, sweep

TREE = Recipe(
    None,
    "cnn",
    Train(epochs=2),
    tuple(
        Step(prune, then=(Step(Calibrate()), Step(Finetune(epochs=1), then=(Step(Quantize(bits=4)),))))
        for prune in sweep(MagnitudePrune, amount=[0.5, 0.9])
    ),
)


def known(planned):
    return [
        KnownModel(model.id, model.base, model.operation, tuple(model.references.items())) for model in planned.models
    ]


def test_a_tree_with_names_that_people_can_read():
    half, tenth = "cnn-magnitude-prune-0.5", "cnn-magnitude-prune-0.9"
    assert [(model.id, model.base) for model in plan(TREE).models] == [
        ("cnn", None),
        (half, "cnn"),
        (f"{half}-calibrate", half),
        (f"{half}-finetune-1", half),
        (f"{half}-finetune-1-quantize-4", f"{half}-finetune-1"),
        (tenth, "cnn"),
        (f"{tenth}-calibrate", tenth),
        (f"{tenth}-finetune-1", tenth),
        (f"{tenth}-finetune-1-quantize-4", f"{tenth}-finetune-1"),
    ]


def test_a_rerun_has_nothing_left_and_an_interrupted_run_only_the_rest():
    first = plan(TREE)
    assert len(first.remaining) == len(first.models) == 9
    for count in range(10):
        rest = plan(TREE, known(first)[:count])
        assert [model.id for model in rest.models] == [model.id for model in first.models]
        assert [model.id for model in rest.remaining] == [model.id for model in first.models[count:]]
        assert [model.identity for model in rest.models] == [model.identity for model in first.models]


def test_an_edited_recipe_adds_branches():
    edited = Recipe(None, "cnn", Train(epochs=2), (*TREE.steps, Step(Quantize(bits=8))))
    assert [model.id for model in plan(edited, known(plan(TREE))).remaining] == ["cnn-quantize-8"]


def test_a_shared_prefix_is_one_model():
    twice = loads(
        "base: a\nsteps:\n"
        " - {quantize: {bits: 4}, then: [calibrate]}\n"
        " - {quantize: {bits: 4}, then: [{finetune: {epochs: 1}}]}\n"
    )
    assert [model.base for model in plan(twice).models] == [None, "a", "a-quantize-4", "a-quantize-4"]


def test_a_model_is_known_by_how_it_was_made_whatever_its_name():
    there = [
        KnownModel("cnn", None, Train(epochs=2).record()),
        KnownModel("my favorite", "cnn", MagnitudePrune(amount=0.5).record()),
    ]
    models = plan(TREE, there).models
    assert models[1].id == "my favorite" and models[1].done
    assert models[2].base == "my favorite"


def test_a_name_that_another_model_has_gets_part_of_its_hash():
    there = [
        KnownModel("cnn", None, Train(epochs=2).record()),
        KnownModel("cnn-magnitude-prune-0.5", "cnn", Quantize(bits=2).record()),
    ]
    model = plan(TREE, there).models[1]
    assert model.id == f"cnn-magnitude-prune-0.5-{model.identity[:8]}" and not model.done
    assert plan(TREE, [*there, KnownModel(model.id, "cnn", model.operation)]).models[1].done


def test_names_of_long_lineages_stay_names():
    step = Step(Quantize(bits=4, targets=("x" * 200,)))
    for _ in range(5):
        step = Step(Quantize(bits=4, targets=("y" * 100,)), then=(step,))
    ids = [model.id for model in plan(Recipe(None, "a", None, (step,))).models]
    assert max(map(len, ids)) <= 256 and len(set(ids)) == 7


def test_a_base_that_was_made_differently_is_refused():
    with pytest.raises(Conflict, match="'cnn'") as caught:
        plan(TREE, [KnownModel("cnn", None, Train(epochs=3).record())])
    assert caught.value.code == "config.other_base"
    assert plan(Recipe(None, "cnn", None, ()), [KnownModel("cnn", None, Train(epochs=3).record())]).models[0].done


def referring(**references):
    return [
        Step(MagnitudePrune(amount=0.5), id="student", references=references, then=(Step(Calibrate(), id="after"),)),
        Step(Quantize(bits=4), id="teacher"),
    ]


def test_a_reference_is_made_first():
    models = plan(Recipe(None, "a", None, tuple(referring(teacher="teacher")))).models
    assert [model.id for model in models] == ["a", "teacher", "student", "after"]
    assert models[2].references == {"teacher": "teacher"}
    other = plan(Recipe(None, "a", None, tuple(referring(teacher="a")))).models
    assert {m.id: m.identity for m in other}["student"] != models[2].identity


def test_b39_a_cycle_of_references_and_a_reference_to_nothing():
    with pytest.raises(ConfigError) as caught:
        plan(Recipe(None, "a", None, tuple(referring(teacher="after"))))
    assert caught.value.code == "config.cycle"
    with pytest.raises(ConfigError) as caught:
        plan(Recipe(None, "a", None, tuple(referring(teacher="teachr"))))
    assert (caught.value.code, caught.value.hint) == ("config.unknown_model", "Did you mean 'teacher'?")
    with pytest.raises(ConfigError) as caught:
        plan(Recipe(None, "a", None, (Step(Calibrate(), id="a"),)))
    assert caught.value.code == "config.id_taken"
