"""B39: what is wrong with a recipe is said with a code, the field, the line and the nearest valid name."""

import sys

import pytest

from compress_compare.errors import UserError
from compress_compare.operations import Calibrate, Finetune, MagnitudePrune, Quantize, Train
from compress_compare.recipes import ConfigError, load, loads

WHOLE = """
task: my_module:my_task
options: {seed: 3}
base:
  id: cnn
  train: {epochs: 2}
steps:
  - magnitude prune: {amount: [0.5, 0.9]}
    then:
      - calibrate
      - finetune: {epochs: 1}
        id: 'two: the first'
  - quantize:
      bits: 4
      targets: [Linear, conv1]
"""


def test_a_whole_recipe():
    recipe = loads(WHOLE.replace("[0.5, 0.9]", "0.5"), folders=("here",))
    assert (recipe.task.path, recipe.task.options, recipe.task.folders) == ("my_module:my_task", {"seed": 3}, ("here",))
    assert (recipe.base, recipe.made_by) == ("cnn", Train(epochs=2))
    prune, quantize = recipe.steps
    assert prune.operation == MagnitudePrune(amount=0.5)
    assert [(step.operation, step.id) for step in prune.then] == [
        (Calibrate(), None),
        (Finetune(epochs=1), "two: the first"),
    ]
    assert quantize.operation == Quantize(bits=4, targets=("Linear", "conv1"))
    assert str(quantize.place) == "Line 14, steps[1].quantize"


def test_lists_multiply_out_the_last_one_fastest():
    (text,) = ["steps: [{magnitude_prune: {amount: [0.5, 0.9], scope: [global, local], targets: [[Linear], [a, b]]}}]"]
    made = [step.operation for step in loads(text).steps]
    assert made == [
        MagnitudePrune(amount=amount, scope=scope, targets=targets)
        for amount in (0.5, 0.9)
        for scope in ("global", "local")
        for targets in (("Linear",), ("a", "b"))
    ]


def aliases(levels):
    return "\n".join(["a0: &a0 [x]", *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, levels))])


AMOUNTS = ", ".join(f"0.{i:03}" for i in range(22))
MANY = f"""
steps:
 - magnitude prune: {{amount: &a [{AMOUNTS}]}}
   then:
    - magnitude prune: {{amount: *a}}
      then:
       - magnitude prune: {{amount: *a}}
"""
PROBLEMS = {
    "stap: []": ("config.unknown_key", "Line 1, stap", "'steps'"),
    "steps:\n  - magnitude prun: {amount: 0.5}": ("config.unknown_key", "Line 2, ", "'magnitude prune'"),
    "steps:\n  - quantize:\n      bit: 4": ("config.unknown_key", "Line 3, steps[0].quantize.bit", "'bits'"),
    "steps:\n  - calibrate:\n    than: []": ("config.operation", "Line 2, steps[0]", "'than'"),
    "steps: [{quantize: {bits: '4'}}]": ("config.type", "steps[0].quantize.bits", "a whole number from 2 to 8"),
    "steps: [{quantize: {bits: [4, x]}}]": ("config.type", "steps[0].quantize.bits", "'x'"),
    "steps: [{magnitude prune: {amount: 1.5}}]": ("config.range", "amount", "from 0 to 1"),
    "steps: [{magnitude prune: {scope: all}}]": ("config.choice", "scope", "'global', 'local'"),
    "steps: [{magnitude prune: 3}]": ("config.type", "steps[0].magnitude prune", "a number"),
    "steps: [3]": ("config.type", "steps[0]", "a number"),
    "steps: [{quantize: {bits: []}}]": ("config.empty_list", "bits", ""),
    "steps: [{quantize: , calibrate: }]": ("config.operation", "steps[0]", "'quantize', 'calibrate'"),
    "steps: [{quantize: {bits: [4, 8]}, id: a}]": ("config.id", "steps[0].id", ""),
    "steps: [{quantize: {bits: 4}, id: 7}]": ("config.type", "steps[0].id", "a number"),
    "steps: [{quantize: {bits: 4}, references: {teacher: a}}]": ("config.unknown_key", "references.teacher", "role"),
    'base: "a\\u202eb"': ("config.name", "base", "U+202E"),
    "base: {train: {epochs: [1, 2]}}": ("config.base", "base.train", ""),
    "options: {a: 1}": ("config.options", "options", ""),
    "task: [a]": ("config.type", "task", "a list"),
    "task: a\ntask: b": ("config.duplicate_key", "Line 2", "'task'"),
    "1: a": ("config.key", "Line 1", ""),
    "? [a]\n: b": ("config.key", "Line 1", ""),
    "- a": ("config.type", "Line 1", "a list"),
    "": ("config.empty", "", ""),
    "steps: [a": ("config.syntax", "Line 1", ""),
    "a: \x00": ("config.syntax", "", ""),
    "steps: &a [{calibrate: , then: *a}]": ("config.cycle", "Line 1, steps[0].then", ""),
    "base: !!python/object/apply:os.system [id]": ("config.tag", "Line 1, base", "python/object"),
    "base: !!python/name:os.system": ("config.tag", "base", ""),
    "base: !own x": ("config.tag", "base", ""),
    "base: 2026-11-23": ("config.tag", "base", "timestamp"),
    "base: {<<: {id: a}}": ("config.key", "base", ""),
    "base: &a [*a]": ("config.cycle", "base", ""),
    aliases(9): ("config.too_large", "", "20,000"),
    "base: " + "[" * 30_000: ("config.too_deep", "", ""),
    "base: " + "[" * 100 + "]" * 100: ("config.too_deep", "", ""),
    "base: " + "x" * 70_000: ("config.too_large", "", "64,000"),
    MANY: ("config.too_many", "", "10,000"),
}


@pytest.mark.parametrize("text", PROBLEMS, ids=lambda text: ascii(text)[:60])
def test_b39_what_is_wrong_is_said_with_its_place(text):
    code, where, words = PROBLEMS[text]
    with pytest.raises(ConfigError) as caught:
        loads(text)
    error = caught.value
    assert error.code == code and error.status == 422
    assert where in error.detail
    assert words in f"{error.title} {error.detail} {error.hint}"


def test_files(tmp_path):
    path = tmp_path / "mine.yaml"
    with pytest.raises(UserError, match="no recipe file"):
        load(path)
    path.write_bytes(b"base: \xff")
    with pytest.raises(UserError, match="not UTF-8"):
        load(path)
    path.write_text("task: a:b\nbase: x")
    assert load(path).task.folders[0] == str(tmp_path)


def test_the_example_and_reading_need_no_torch():
    import subprocess

    code = (
        "import sys; from compress_compare.recipes import loads; loads(sys.argv[1]); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, WHOLE], check=True)
