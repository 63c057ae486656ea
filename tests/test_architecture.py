"""The shape of the code, as far as import-linter cannot tell: sizes, names, SQL, who may import what, error tables."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import coursewright
import coursewright.errors
from coursewright.api.problems import STATUSES
from coursewright.cli.exits import EXIT_CODES
from coursewright.errors import CoursewrightError

PACKAGE = Path(coursewright.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
QUERIES = sorted(PACKAGE.glob("**/sql/*.sql"))
SQL = sorted(PACKAGE.rglob("*.sql"))

MOST_LINES = 500
# Words that say nothing.
EMPTY_WORDS = {
    "manager",
    "service",
    "helper",
    "helpers",
    "util",
    "utils",
    "handler",
    "processor",
    "data",
    "info",
    "chunk",
}
VENDORS = {"anthropic", "boto3", "cohere", "google", "groq", "litellm", "mistralai", "ollama", "openai", "together"}
READ_SETTINGS = {"app.py", "bells.py", "choice.py", "organisation.py", "api", "cli", "evaluation"}


def name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def words(identifier: str) -> set[str]:
    """Return the words of `snake_case` and `CamelCase` names in lower case."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", identifier)}


def imported(tree: ast.Module) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield each module that is imported, wherever in the file, with the names taken from it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, frozenset()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, frozenset(alias.name for alias in node.names)


def only_names(node: ast.stmt) -> bool:
    """Tell whether a statement is a docstring, an import, `__all__` or `__version__`."""
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return all(isinstance(target, ast.Name) and target.id in ("__all__", "__version__") for target in targets)
    docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return docstring or isinstance(node, (ast.Import, ast.ImportFrom))


def strings(package: Path) -> set[object]:
    """Return the constants in a package's own modules."""
    trees = [parsed(path) for path in package.glob("*.py")]
    return {node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)}


def locks_in_condition(statement: str) -> list[str]:
    """Return what opens the parentheses around `skip locked` where that is no CTE and no array of PL/pgSQL.

    In `where id in (select … limit n for update skip locked)` the planner may run the subquery more than once, and more
    rows are locked than the limit says.
    """
    found = []
    text = re.sub(r"--[^\n]*", lambda comment: " " * len(comment[0]), statement)
    for lock in re.finditer(r"skip\s+locked", text, re.IGNORECASE):
        depth = 0
        for place in range(lock.start(), -1, -1):
            depth += (text[place] == ")") - (text[place] == "(")
            if depth < 0:
                opening = text[:place].rstrip().lower()
                if not re.search(r"(\bas(\s+(not\s+)?materialized)?|:=\s*array)$", opening):
                    found.append(text[max(0, place - 40) : place + 1])
                break
    return found


def subclasses(parent: type[CoursewrightError]) -> Iterator[type[CoursewrightError]]:
    yield parent
    for child in parent.__subclasses__():
        yield from subclasses(child)


def test_a_file_has_at_most_500_lines() -> None:
    lengths = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {path: lines for path, lines in lengths.items() if lines > MOST_LINES} == {}  # two rooms: split it


def test_a_file_says_why_it_exists() -> None:
    assert [name(path) for path in MODULES if not ast.get_docstring(parsed(path))] == []


def test_a_package_only_names_what_it_offers() -> None:
    beyond = {
        name(path): [ast.unparse(node) for node in parsed(path).body if not only_names(node)]
        for path in MODULES
        if path.name == "__init__.py"
    }
    assert {path: nodes for path, nodes in beyond.items() if nodes} == {}


def test_a_query_is_run_by_the_package_that_holds_it() -> None:
    idle = [name(path) for path in QUERIES if path.stem not in strings(path.parent.parent)]
    assert idle == []


def test_rows_are_locked_in_a_cte() -> None:
    found = {name(path): locks_in_condition(path.read_text(encoding="utf-8")) for path in SQL}
    assert {path: locks for path, locks in found.items() if locks} == {}


def test_a_lock_in_a_condition_would_be_found() -> None:
    lock = "select id from t limit 1 for update skip locked"
    for opening in ("where id in (", "where id = any (array(", "where id = ("):
        assert locks_in_condition(f"{opening}{lock})") != []
    for opening in ("with due as (", "with due as materialized (", "with due as not materialized (", "a := array("):
        assert locks_in_condition(f"{opening}{lock})") == []
    assert locks_in_condition(f"for row in {lock} loop") == []


def test_only_providers_import_a_vendors_library() -> None:
    importers = {
        name(path) for path in MODULES for module, _ in imported(parsed(path)) if module.split(".")[0] in VENDORS
    }
    assert {path for path in importers if not path.startswith("llm/providers/")} == set()


def test_only_the_outermost_layers_read_all_settings() -> None:
    readers = {
        name(path)
        for path in MODULES
        for module, taken in imported(parsed(path))
        if module == "coursewright.settings" and "Settings" in taken
    }
    assert {path for path in readers if path.split("/")[0] not in READ_SETTINGS} == set()  # take the section needed


def test_names_say_something() -> None:
    identifiers = {
        (name(path), identifier)
        for path in MODULES
        for identifier in (
            path.stem,
            *(node.name for node in ast.walk(parsed(path)) if isinstance(node, ast.ClassDef)),
        )
    }
    assert {each for each in identifiers if words(each[1]) & EMPTY_WORDS} == set()


def test_a_name_that_says_nothing_would_be_found() -> None:
    assert all(words(each) & EMPTY_WORDS for each in ("JobManager", "http_utils", "HTTPHandler", "MetaData"))
    assert not any(words(each) & EMPTY_WORDS for each in ("DatabaseSettings", "services", "information"))


def test_each_error_has_an_exit_code_and_a_status() -> None:
    errors = set(subclasses(CoursewrightError))
    assert {error.code for error in errors} == set(EXIT_CODES)
    assert errors == set(STATUSES)


def test_codes_of_errors_are_unique_and_drawn_in_the_tree() -> None:
    errors = list(subclasses(CoursewrightError))
    assert len({error.code for error in errors}) == len(errors)
    tree = coursewright.errors.__doc__ or ""
    assert [error.__name__ for error in errors if error.__name__ not in tree] == []
