"""The tree keeps the house rules, and each rule can fail."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests import house_imports as imports
from tests import house_rules as rules
from tests import house_rules_ui as ui_rules

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "compress_compare"
PYTHON = sorted(PACKAGE.rglob("*.py"))
UI = sorted(path for kind in ("*.ts", "*.svelte", "*.css") for path in (ROOT / "ui" / "src").rglob(kind))
HAND_WRITTEN_UI = [path for path in UI if ".gen." not in path.name]


@pytest.fixture(scope="module", autouse=True)
def read_once() -> Iterator[None]:
    """Every file is parsed once for all rules, and what was parsed does not outlive them."""
    yield
    tree_of.cache_clear()
    rules.nodes.cache_clear()


def module_of(path: Path) -> str:
    """``store/models.py`` → ``store.models``."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def check(paths: Iterable[Path], rule: Callable[[Path], Iterable[str]]) -> None:
    """Fail with a line for each problem."""
    broken = [f"{name_of(path)}: {problem}" for path in paths for problem in rule(path)]
    if broken:
        pytest.fail("\n".join(broken), pytrace=False)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def tracked() -> list[Path]:
    """Every file that is or would be committed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if listing.returncode:
        pytest.skip("not a git checkout")
    return [path for name in listing.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def page_sources() -> dict[str, str]:
    """The text of the page's files by their path below `ui/src`."""
    src = ROOT / "ui" / "src"
    return {path.relative_to(src).as_posix(): path.read_text(encoding="utf-8") for path in UI if path.suffix != ".css"}


def page_imports() -> dict[str, set[str]]:
    return ui_rules.imports(page_sources())


PYTHON_RULES: dict[str, Callable[[Path], Iterable[str]]] = {
    "short files": lambda path: rules.long_file(path.read_text(encoding="utf-8")),
    "short functions": lambda path: rules.long_functions(tree_of(path)),
    "few parameters": lambda path: rules.many_parameters(tree_of(path), module_of(path)),
    "imports point downwards": lambda path: imports.upward_imports(tree_of(path), module_of(path)),
    "quiet": lambda path: rules.loud_or_silencing(tree_of(path)),
    "no notes to self": lambda path: rules.notes_to_self(path.read_text(encoding="utf-8")),
    "nothing dangerous": lambda path: rules.dangerous(tree_of(path), module_of(path)),
}
UI_RULES: dict[str, Callable[[str], Iterable[str]]] = {
    "short files": rules.long_file,
    "short lines": rules.long_lines,
    "no notes to self": rules.notes_to_self,
    "no markup from data, no any": rules.unsafe_markup,
}


@pytest.mark.parametrize("rule", PYTHON_RULES)
def test_the_package_is(rule: str) -> None:
    check(PYTHON, PYTHON_RULES[rule])


def test_tests_are_short_files() -> None:
    check(sorted((ROOT / "tests").rglob("*.py")), PYTHON_RULES["short files"])


def test_pure_packages_do_no_io() -> None:
    pure = [path for path in PYTHON if module_of(path).split(".")[0] in rules.PURE]
    check(pure, lambda path: rules.does_io(tree_of(path)))


def test_only_the_store_knows_the_database_and_the_folders() -> None:
    others = [path for path in PYTHON if module_of(path).split(".")[0] != "store"]
    check(others, lambda path: rules.stores(tree_of(path)))


def test_inits_only_list_names() -> None:
    def problems(path: Path) -> Iterable[str]:
        return rules.busy_init(tree_of(path), table=module_of(path).split(".")[0] in rules.TABLES_ALLOWED)

    check([path for path in PYTHON if path.name == "__init__.py"], problems)


def test_every_module_belongs_to_a_layer() -> None:
    known = {name for layer in imports.LAYERS for name in layer}
    assert {module_of(path).split(".")[0] for path in PYTHON} == known


def test_few_modules_stand_loose_at_the_top() -> None:
    loose = {path.stem for path in PYTHON if path.parent == PACKAGE} - {"__init__"}
    assert len(loose) <= imports.MAX_LOOSE_MODULES, loose


def imported(root: Path, name: Callable[[Path], str]) -> dict[str, set[str]]:
    """Which file imports which, lazily and for types alone included."""
    paths = {name(path): path for path in root.rglob("*.py")}
    return {
        module: imports.imported_modules(
            tree_of(path), module, known=paths.keys(), is_package=path.name == "__init__.py"
        )
        for module, path in paths.items()
    }


def test_a_public_class_name_stands_for_one_class() -> None:
    assert rules.shared_names({module_of(path): tree_of(path) for path in PYTHON}) == []


def test_shared_names_are_found() -> None:
    trees = {"a": "class Plan: ...\nclass _Own: ...", "b": "class Plan: ...\nclass _Own: ...", "c": "class Other: ..."}
    found = rules.shared_names({module: ast.parse(text) for module, text in trees.items()})
    assert found == ["Plan is defined in a and b"]


def test_no_files_of_the_package_import_each_other() -> None:
    def name(path: Path) -> str:
        return module_of(path).removesuffix("__init__").removesuffix(".")

    assert imports.circles(imported(PACKAGE, name)) == []


def test_no_benchmarks_import_each_other() -> None:
    root = ROOT / "benchmarks"
    paths = {".".join(path.relative_to(root).with_suffix("").parts): path for path in root.rglob("*.py")}
    found = {name: imports.imported_scripts(tree_of(path), known=paths.keys()) for name, path in paths.items()}
    assert "larger.steps" in found["larger.run"] and "cifar" in found["pfa_vgg"]
    assert imports.circles(found) == []


@pytest.mark.parametrize(
    "source", ["import a", "from a import x", "def f():\n    from p.b import x", "from p import b"]
)
def test_every_import_of_a_script_counts(source: str) -> None:
    known = {"a", "p.b"}
    assert len(imports.imported_scripts(ast.parse(source), known=known)) == 1


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"a": {"b"}, "b": {"a"}}, [["a", "b"]]),
        ({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}, [["a", "b", "c"]]),
        ({"a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": set()}, []),
        ({"a": {"b"}, "b": {"a"}, "c": {"d", "a"}, "d": {"c"}}, [["a", "b"], ["c", "d"]]),
    ],
)
def test_circles_are_found(found: dict[str, set[str]], expected: list[list[str]]) -> None:
    assert sorted(imports.circles(found)) == expected


@pytest.mark.parametrize(
    "source",
    [
        "from .b import x",
        "from . import b",
        "from ..p import b",
        "from compress_compare.p.b import x",
        "import compress_compare.p.b",
        "def f():\n    from .b import x",
        "if TYPE_CHECKING:\n    from .b import x",
    ],
)
def test_every_kind_of_import_counts(source: str) -> None:
    known = {"", "p", "p.a", "p.b"}
    assert "p.b" in imports.imported_modules(ast.parse(source), "p.a", known=known)


@pytest.mark.parametrize("rule", UI_RULES)
def test_the_page_is(rule: str) -> None:
    check(HAND_WRITTEN_UI, lambda path: UI_RULES[rule](path.read_text(encoding="utf-8")))


def test_the_page_has_no_circle_of_files() -> None:
    assert ui_rules.circles(page_imports()) == []


def test_no_view_of_the_page_imports_another() -> None:
    assert list(ui_rules.neighbors(page_imports())) == []


def test_imports_of_the_page_point_downwards() -> None:
    assert list(ui_rules.upward(page_imports())) == []


def test_components_of_the_page_repeat_no_styles() -> None:
    assert list(ui_rules.repeated_styles(page_sources())) == []


def test_the_page_has_three_lines_of_tests_for_ten_of_its_own() -> None:
    written = {name: text for name, text in page_sources().items() if ".gen." not in name}
    assert ui_rules.tested_share(written) >= 0.3


def test_sizes_stand_only_in_the_tokens() -> None:
    styled = [path for path in UI if path.suffix in (".css", ".svelte") and path.stem != "tokens"]
    check(styled, lambda path: ui_rules.pixels(path.read_text(encoding="utf-8")))


def test_colors_stand_only_in_the_tokens() -> None:
    others = [path for path in HAND_WRITTEN_UI if path.stem not in ("tokens", "ramps") and ".test." not in path.name]
    check(others, lambda path: rules.hex_colors(path.read_text(encoding="utf-8")))


def test_only_api_fetches() -> None:
    others = [path for path in HAND_WRITTEN_UI if "api" not in path.relative_to(ROOT / "ui" / "src").parts]
    check(others, lambda path: rules.fetches(path.read_text(encoding="utf-8")))


def test_no_trace_of_one_machine() -> None:
    def problems(path: Path) -> Iterable[str]:
        try:
            return rules.machine_traces(path.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            return []

    check(tracked(), problems)


# Each rule can fail: (rule, source that breaks it).
LONG = "def f():\n" + "    x = 1\n" * 61
OFFENDERS: list[tuple[Callable[[ast.Module], Iterable[str]], str]] = [
    (rules.long_functions, LONG),
    (rules.long_functions, "class C:\n    async def f(self):\n" + "        x = 1\n" * 61),
    (rules.many_parameters, "def f(a, *, b, c, d, e, g): ..."),
    (rules.many_parameters, "def f(a, b, c): ..."),
    (rules.many_parameters, "class C:\n    def f(self, a, b, c): ..."),
    (rules.loud_or_silencing, "print(1)"),
    (rules.loud_or_silencing, "try:\n    f()\nexcept:\n    g()"),
    (rules.loud_or_silencing, "try:\n    f()\nexcept Exception:\n    pass"),
    (rules.loud_or_silencing, "def f():\n    global x\n    x = 1"),
    (rules.loud_or_silencing, "def f():\n    raise NotImplementedError('later')"),
    (rules.does_io, "import sqlalchemy as sa"),
    (rules.does_io, "from pathlib import Path"),
    (rules.does_io, "import pyarrow.parquet as pq"),
    (rules.does_io, "from pyarrow import parquet"),
    (rules.does_io, "open('x')"),
    (rules.does_io, "def f(path): path.write_text('x')"),
    (rules.does_io, "import numpy as np\nnp.save('x', a)"),
    (rules.stores, "import sqlalchemy as sa"),
    (rules.stores, "from sqlite3 import connect"),
    (rules.stores, "def f(project): return project.path / 'objects'"),
    (rules.dangerous, "import pickle"),
    (rules.dangerous, "def f():\n    from cloudpickle import loads"),
    (rules.dangerous, "from joblib import load"),
    (rules.dangerous, "import torch\ntorch.load(f)"),
    (rules.dangerous, "import torch as t\nt.load(f, weights_only=False)"),
    (rules.dangerous, "import torch\ntorch.load(f, weights_only=flag)"),
    (rules.dangerous, "from torch import load\nload(f)"),
    (rules.dangerous, "import numpy\nnumpy.load(f, allow_pickle=True)"),
    (rules.dangerous, "import yaml\nyaml.load(f, Loader=L)"),
    (rules.dangerous, "from yaml import unsafe_load\nunsafe_load(f)"),
    (rules.dangerous, "eval('1')"),
    (rules.dangerous, "exec('1')"),
    (rules.dangerous, "__import__(name)"),
    (rules.dangerous, "import os\nos.system('ls')"),
    (rules.dangerous, "import os\nos.execv(a, b)"),
    (rules.dangerous, "import subprocess\nsubprocess.run('ls', shell=True)"),
    (rules.dangerous, "import subprocess\nsubprocess.run('ls', shell=flag)"),
    (rules.dangerous, "import importlib\nimportlib.import_module(name)"),
    (rules.dangerous, "M.from_pretrained(p, trust_remote_code=True)"),
]


@pytest.mark.parametrize(("rule", "source"), OFFENDERS)
def test_a_python_rule_can_fail(rule: Callable[[ast.Module], Iterable[str]], source: str) -> None:
    assert list(rule(ast.parse(source)))


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (rules.long_functions, "def f():\n    '''" + "x\n" * 70 + "'''\n    return 1"),
        (rules.many_parameters, "class C:\n    def f(self, a, b, *, c, d, e): ..."),
        (rules.many_parameters, "def f(connection, a, b): ..."),
        (rules.many_parameters, "@router.get('/x')\ndef f(a, b, c): ..."),
        (rules.many_parameters, "@click.command()\n@click.option('--x')\ndef f(a, b, c, d, e, g): ..."),
        (rules.does_io, "import numpy as np\nfrom collections import Counter\nnp.median(x)"),
        (rules.dangerous, "import torch\ntorch.load(f, weights_only=True)"),
        (
            rules.dangerous,
            "import re, yaml, subprocess\nre.compile('x'); yaml.safe_load(f); subprocess.run(['ls'], shell=False)",
        ),
        (rules.loud_or_silencing, "try:\n    f()\nexcept KeyError:\n    pass"),
    ],
)
def test_a_python_rule_can_pass(rule: Callable[[ast.Module], Iterable[str]], source: str) -> None:
    assert not list(rule(ast.parse(source)))


@pytest.mark.parametrize(
    ("source", "module", "broken"),
    [
        ("from ..project import Project", "store.models", True),
        ("from .. import project", "store.models", True),
        ("from compress_compare.server import app", "project", True),
        ("import compress_compare", "analysis.effects", True),
        ("def f():\n    from ..store import database", "analysis.effects", True),
        ("from .analysis import effects", "errors", True),
        ("from ..analysis.lineage import Graph", "operations.base", True),
        ("from ...project import Project", "server.routes.models", False),
        ("from .database import connect", "store.models", False),
        ("from ..records import Model", "store.models", False),
        ("from ..records import Model", "store.__init__", False),
        ("from .project import Project", "__init__", False),
        ("from .routes import models", "server.app", False),
    ],
)
def test_the_layer_rule(source: str, module: str, broken: bool) -> None:
    assert bool(list(imports.upward_imports(ast.parse(source), module))) is broken


@pytest.mark.parametrize(
    ("source", "table", "broken"),
    [
        ('"""Doc."""\nfrom .a import A\n__all__ = ["A"]', False, False),
        ("from .a import A\nTABLE = {'a': A}", True, False),
        ("from .a import A\nTABLE = {'a': A}", False, True),
        ("from .a import A\nTABLE = registry.imported(globals())", True, False),
        ('def get(name):\n    """Doc."""\n    return registry.get(name, TABLE)', True, False),
        ("from .a import A\nTABLE = load()", True, True),
        ("def f():\n    x = 1\n    y = 2\n    return x + y", True, True),
        ("def f(): ...", False, True),
        ("if True:\n    x = 1", False, True),
    ],
)
def test_the_init_rule(source: str, table: bool, broken: bool) -> None:
    assert bool(list(rules.busy_init(ast.parse(source), table=table))) is broken


REGISTRY = "https://registry.npmjs." + "org/x"


@pytest.mark.parametrize(
    ("rule", "text", "broken"),
    [
        (rules.long_file, "x\n" * 401, True),
        (rules.long_file, "x\n" * 400, False),
        (rules.long_lines, "ok\n" + "é" * 121, True),
        (rules.long_lines, "é" * 120, False),
        (rules.notes_to_self, "# TO" + "DO: later", True),
        (rules.notes_to_self, "today", False),
        (rules.hex_colors, "  color: #fff;", True),
        (rules.hex_colors, "const c = '#a0b1c2';", True),
        (rules.hex_colors, "fill: rgb(10 20 30);", True),
        (rules.hex_colors, "color: var(--ink);", False),
        (rules.hex_colors, "{#each rows as row}", False),
        (rules.hex_colors, "{#if added}", False),
        (rules.hex_colors, "  #abc { margin: 0 }", False),
        (rules.hex_colors, "this.#add(1); &#123;", False),
        (rules.fetches, "const r = await fetch(url)", True),
        (rules.fetches, "new EventSource(url)", True),
        (rules.fetches, "api.fetch(url); prefetch(url); this.#fetch(url)", False),
        (rules.unsafe_markup, "{@html note}", True),
        (rules.unsafe_markup, "node.innerHTML = x", True),
        (rules.unsafe_markup, "const x: any = 1", True),
        (rules.unsafe_markup, "const company: Anything = 1", False),
        (rules.machine_traces, f'"resolved": "{REGISTRY}"', True),
        (rules.machine_traces, "see /roo" + "t/notes", True),
        (rules.machine_traces, "a/framework/b and src/root/c", False),
    ],
)
def test_a_text_rule(rule: Callable[[str], Iterable[str]], text: str, broken: bool) -> None:
    assert bool(list(rule(text))) is broken
