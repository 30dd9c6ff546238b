"""The house rules of the project as functions: source text in, sentences about what breaks a rule out.

`test_architecture.py` holds the tree to them and shows for each rule that it can fail.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache

MAX_FILE_LINES = 400
MAX_LINE = 120
MAX_FUNCTION_LINES = 60
MAX_PARAMETERS = 5
MAX_POSITIONAL = 2
HANDLES = ("connection",)
"""What a function works through, like ``self``: not counted as one of the positional parameters."""

PURE = ("operations", "analysis")
LOADERS = ("recipes.task", "late")
"""The places that import what a string names: the user's own command line or program says which task it is; a table in
the source says where a name lives."""
TABLES_ALLOWED = ("cli", "operations", "importers", "exporters", "server")
CONTRACT = ("project", "store.writing", "store.evaluations", "store.changing", "remote.project")
"""Where signatures are those of the Python API, prescribed call by call: each parameter is one thing to say."""

_IO_MODULES = {
    *("http", "io", "pathlib", "requests", "safetensors", "shutil", "socket", "sqlalchemy", "sqlite3", "subprocess"),
    *("tempfile", "urllib", "pyarrow.csv", "pyarrow.dataset", "pyarrow.feather", "pyarrow.fs", "pyarrow.parquet"),
}
_IO_CALLS = {
    *("open", "input", "torch.save", "torch.load", "numpy.save", "numpy.load", "numpy.savez", "numpy.loadtxt"),
    *("numpy.savetxt", "os.open", "os.remove", "os.rename", "os.mkdir", "os.makedirs"),
}
_IO_METHODS = {
    "read_bytes",
    "read_text",
    "write_bytes",
    "write_text",
    "unlink",
    "mkdir",
    "tofile",
    "to_csv",
    "to_parquet",
}

_DATABASE_MODULES = ("sqlalchemy", "psycopg")
_FOLDERS = (
    *("compress-compare.db", "writer.lock", "server.lock", "objects", "staging", "jobs", "activations"),
    "sensitivities",
)

_BANNED_MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "shelve", "marshal", "joblib", "hydra"}
_BANNED_CALLS = {
    *("eval", "exec", "compile", "__import__", "os.system", "os.popen", "os.startfile", "subprocess.getoutput"),
    *("subprocess.getstatusoutput", "yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.unsafe_load_all"),
    *("yaml.full_load", "yaml.full_load_all", "pandas.read_pickle", "torch.hub.load"),
}
_BANNED_KEYWORDS = {
    "shell": "shell=True",
    "allow_pickle": "allow_pickle=True",
    "trust_remote_code": "trust_remote_code",
}


@cache
def nodes(tree: ast.Module) -> tuple[ast.AST, ...]:
    """All nodes of a file: rule after rule walks through them."""
    return tuple(ast.walk(tree))


def long_file(text: str) -> list[str]:
    """Rule 2, for any language."""
    count = text.count("\n")
    return [f"has {count} lines; the limit is {MAX_FILE_LINES}"] if count > MAX_FILE_LINES else []


def long_lines(text: str) -> Iterator[str]:
    """Rule 2, for what no formatter of ours breaks, such as words and comments of the page."""
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > MAX_LINE:
            yield f"line {number}: {len(line)} characters; the limit is {MAX_LINE}"


def long_functions(tree: ast.Module) -> Iterator[str]:
    """Rule 2: the body without its docstring."""
    for function in _functions(tree):
        body = function.body[1:] if ast.get_docstring(function) is not None else function.body
        count = (function.end_lineno or 0) - body[0].lineno + 1 if body else 0
        if count > MAX_FUNCTION_LINES:
            yield f"{function.name}: {count} lines; the limit is {MAX_FUNCTION_LINES}"


def many_parameters(tree: ast.Module, module: str = "") -> Iterator[str]:
    """Rule 6: at most five parameters, keyword-only after the second; public methods in ``CONTRACT`` are prescribed."""
    methods = {id(child) for node in nodes(tree) if isinstance(node, ast.ClassDef) for child in node.body}
    for function in _functions(tree):
        arguments = function.args
        positional = [*arguments.posonlyargs, *arguments.args]
        static = any(isinstance(name, ast.Name) and name.id == "staticmethod" for name in function.decorator_list)
        if id(function) in methods and positional and not static:
            positional = positional[1:]
        prescribed = module in CONTRACT and not function.name.startswith("_")
        if prescribed or _is_called_by_framework(function, method=id(function) in methods):
            continue
        total = len(positional) + len(arguments.kwonlyargs)
        if positional and positional[0].arg in HANDLES:
            positional = positional[1:]
        if total > MAX_PARAMETERS:
            yield f"{function.name}: {total} parameters; the limit is {MAX_PARAMETERS}"
        if len(positional) > MAX_POSITIONAL and not function.name.startswith("_"):
            yield f"{function.name}: {len(positional)} positional parameters; keyword-only after the second"


def shared_names(trees: Mapping[str, ast.Module]) -> list[str]:
    """A class name has one meaning: the public top-level classes of modules, by dotted name, that share one."""
    homes: dict[str, list[str]] = {}
    for module, tree in trees.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(module)
    return [f"{name} is defined in {' and '.join(found)}" for name, found in sorted(homes.items()) if len(found) > 1]


def does_io(tree: ast.Module) -> Iterator[str]:
    """Rule 3: what pure packages may not import or call."""
    aliases = _aliases(tree)
    for name in sorted(set(aliases.values())):
        if any(name == module or name.startswith(f"{module}.") for module in _IO_MODULES):
            yield f"imports {name}"
    for call in _calls(tree):
        name = _dotted(call.func, aliases)
        if name in _IO_CALLS or name.split(".")[-1] in _IO_METHODS:
            yield f"line {call.lineno}: calls {name}"


def stores(tree: ast.Module) -> Iterator[str]:
    """What only ``store`` may: speak SQL, and know where in a project's directory anything is."""
    for name in sorted(set(_aliases(tree).values())):
        if name.split(".")[0] in _DATABASE_MODULES or name == "sqlite3.connect":
            yield f"imports {name}"
    joined = (node for node in nodes(tree) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div))
    for node in joined:
        if isinstance(node.right, ast.Constant) and node.right.value in _FOLDERS:
            yield f"line {node.lineno}: names a place in a project"


def loud_or_silencing(tree: ast.Module) -> Iterator[str]:
    """Rule 25: print, bare except, swallowed Exception, stubs; rule 5: global."""
    for node in nodes(tree):
        line = f"line {getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            yield f"{line}: print"
        elif isinstance(node, ast.ExceptHandler) and node.type is None:
            yield f"{line}: bare except"
        elif isinstance(node, ast.ExceptHandler) and all(isinstance(child, ast.Pass) for child in node.body):
            if isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException"):
                yield f"{line}: swallows every exception"
        elif isinstance(node, ast.Global):
            yield f"{line}: global"
        elif isinstance(node, ast.Raise) and "NotImplementedError" in ast.dump(node):
            yield f"{line}: a stub"


def notes_to_self(text: str) -> Iterator[str]:
    """Rule 25, for any language."""
    for number, line in enumerate(text.splitlines(), 1):
        if re.search(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b", line):
            yield f"line {number}: a note to self"


def dangerous(tree: ast.Module, module: str = "") -> Iterator[str]:
    """The static ban: nothing that runs code found in data or hands a string to a shell."""
    aliases = _aliases(tree)
    for name in sorted(set(aliases.values())):
        if name.split(".")[0] in _BANNED_MODULES:
            yield f"imports {name}"
    for call in _calls(tree):
        name, line = _dotted(call.func, aliases), f"line {call.lineno}"
        keywords = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
        if name in _BANNED_CALLS or name.startswith(("os.exec", "os.spawn", "os.posix_spawn")):
            yield f"{line}: calls {name}"
        if name in ("torch.load", "torch.jit.load") and not _is_true(keywords.get("weights_only")):
            yield f"{line}: {name} without a literal weights_only=True"
        if (
            name == "importlib.import_module"
            and module not in LOADERS
            and not (call.args and isinstance(call.args[0], ast.Constant))
        ):
            yield f"{line}: imports what a string names"
        for key, what in _BANNED_KEYWORDS.items():
            value = keywords.get(key)
            if value is not None and not (isinstance(value, ast.Constant) and value.value is False):
                yield f"{line}: {what}"


def busy_init(tree: ast.Module, *, table: bool) -> Iterator[str]:
    """Rule 4: docstring, imports, names; where ``table``, also a literal table and one-line functions over it."""
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.If) and all(isinstance(child, ast.ImportFrom) for child in node.body):
            continue
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
            if names in (["__all__"], ["__getattr__", "__dir__"]) or (
                table and (_is_literal(node.value) or _is_table(node.value))
            ):
                continue
        if (
            table
            and isinstance(node, ast.FunctionDef)
            and all(isinstance(child, ast.Return) or child is node.body[0] for child in node.body)
        ):
            continue
        yield f"line {node.lineno}: does more than list names"


def hex_colors(text: str) -> Iterator[str]:
    """Rule 21: colors outside the tokens."""
    for number, line in enumerate(text.splitlines(), 1):
        if re.search(
            r"""(?<![&\w/#"'(.])#(?:[0-9a-fA-F]{8}|[0-9a-fA-F]{6}|[0-9a-fA-F]{3,4})\b(?!\s*[{(])""", line
        ) or re.search(
            r"""["'(]#(?:[0-9a-fA-F]{8}|[0-9a-fA-F]{6}|[0-9a-fA-F]{3})["')]|\b(?:rgb|hsl|oklch)a?\(\s*[\d.]""", line
        ):
            yield f"line {number}: a color outside the tokens: {line.strip()[:60]}"


def fetches(text: str) -> Iterator[str]:
    """Rule 20: only api/ talks to the server."""
    for number, line in enumerate(text.splitlines(), 1):
        if re.search(r"(?<![.#\w])fetch\(|new (?:EventSource|WebSocket|XMLHttpRequest)\b", line):
            yield f"line {number}: only api/ fetches"


def unsafe_markup(text: str) -> Iterator[str]:
    """Nothing the user named is ever parsed as markup, and nothing is typed ``any``."""
    for number, line in enumerate(text.splitlines(), 1):
        if re.search(r"\{@html\b|\b(?:inner|outer)HTML\b|insertAdjacentHTML|document\.write\b|\beval\(", line):
            yield f"line {number}: parses data as markup or code"
        if re.search(r":\s*any\b|\bas any\b|<any>", line):
            yield f"line {number}: any"


def machine_traces(text: str) -> Iterator[str]:
    """Hosts of package registries and paths of one machine, which mean nothing elsewhere."""
    hosts = (
        r"pypi\.or" "g",
        r"pythonhoste" "d",
        r"npmjs\.or" "g",
        r"download\.pytorc" "h",
        r"deb\.debia" "n",
        r"yarnpkg\.co" "m",
    )
    pattern = re.compile("|".join(hosts) + r"|(?<![\w.])/(?:wor" r"k|far" r"m|roo" r"t|home/\w+)/")
    for number, line in enumerate(text.splitlines(), 1):
        if pattern.search(line):
            yield f"line {number}: {line.strip()[:80]}"


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in nodes(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _is_called_by_framework(function: ast.FunctionDef | ast.AsyncFunctionDef, *, method: bool) -> bool:
    """A route or a command, whose parameters are the user's interface, or the hook ``on_…`` of a training loop."""
    if method and function.name.startswith("on_"):
        return True
    names = [ast.unparse(node.func if isinstance(node, ast.Call) else node) for node in function.decorator_list]
    return any(name.startswith("click.") or ".command" in name or "router." in name for name in names)


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in nodes(tree) if isinstance(node, ast.Call))


def _aliases(tree: ast.Module) -> dict[str, str]:
    """What each imported name stands for: ``{"np": "numpy", "load": "torch.load"}``."""
    names: dict[str, str] = {}
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name] = alias.name
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def _dotted(node: ast.expr, aliases: dict[str, str]) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    parts.append(aliases.get(node.id, node.id) if isinstance(node, ast.Name) else "?")
    return ".".join(reversed(parts))


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _is_literal(node: ast.expr) -> bool:
    allowed = (ast.Dict, ast.List, ast.Tuple, ast.Set, ast.Constant, ast.Name, ast.Attribute, ast.Starred, ast.Load)
    return all(isinstance(child, allowed) for child in ast.walk(node))


def _is_table(node: ast.expr) -> bool:
    """``registry.imported(globals())``: the table of what the lines above have imported."""
    return ast.unparse(node) == "registry.imported(globals())"
