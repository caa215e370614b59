"""Reading YAML parameter files: a mistake is one sentence of file, key, found and expected."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from tcoc.errors import InputError, nearest

LARGEST = 1_000_000
"""Bytes of the largest parameter file that is read; ours have less than a tenth of it."""

DEEPEST = 20
"""Levels of the deepest one; ours have five."""


class Strict(BaseModel):
    """A part of a parameter file: a key that it does not know is an error, and it never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def read_yaml(file: Path) -> dict[str, Any]:
    """Read a YAML mapping, or raise InputError in one sentence."""
    if file.exists() and not file.is_file():
        raise InputError(f"{file}: is no file of text that ends, expected a YAML file")
    if not file.is_file():
        names = [p.name for p in file.parent.glob("*.yml")] if file.parent.is_dir() else []
        hint = nearest(file.name, sorted(names)) if names else ""
        raise InputError(f"{file}: there is no such file{hint}")
    try:
        size = file.stat().st_size
        if size > LARGEST:
            raise InputError(f"{file}: found {size:,} bytes, expected at most {LARGEST:,}")
        content = load_text(file.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise InputError(f"{file}: line {line} is not YAML: {error.problem}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: not UTF-8 text at byte {error.start}") from error
    except (yaml.YAMLError, ValueError) as error:
        said = str(error).strip().splitlines()[0]
        raise InputError(f"{file}: not YAML that can be read: {said}") from error
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror})") from error
    if not isinstance(content, dict):
        raise InputError(f"{file}: found {type(content).__name__}, expected keys and values")
    return content


def load_text(text: str) -> Any:
    """Return YAML text as plain data; YAMLError or ValueError for what no parameter file needs.

    Deep nesting would exhaust the parser, and a repeated value that repeats others grows without
    end: neither is in reach of a file that a person writes. The quick parser reads first; what it
    does not read, the plain one says why, in the same words everywhere.
    """
    try:
        return _loaded(text, _Quick)
    except (yaml.YAMLError, ValueError):
        return _loaded(text, _UniqueKeys)


def _loaded(text: str, loader: Any) -> Any:
    open_: list[bool] = []
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.AliasEvent) and any(open_):
            raise _refused(event, f"*{event.anchor} repeats a value inside one that is repeated")
        if isinstance(event, yaml.CollectionStartEvent):
            open_.append(event.anchor is not None)
        elif isinstance(event, yaml.CollectionEndEvent):
            open_.pop()
        if len(open_) > DEEPEST:
            raise _refused(event, f"nested more than {DEEPEST} deep")
    return yaml.load(text, Loader=loader)  # noqa: S506


def _refused(event: Any, problem: str) -> yaml.MarkedYAMLError:
    return yaml.composer.ComposerError(problem=problem, problem_mark=event.start_mark)


class _Unique:
    """For a safe loader: a key that stands twice is an error, not a silent overwrite."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)  # type: ignore[attr-defined]
            if isinstance(key, (list, dict, set)):
                raise yaml.constructor.ConstructorError(
                    problem="a list or mapping cannot be a key", problem_mark=key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f'the key "{key}" stands twice', problem_mark=key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)  # type: ignore[misc,no-any-return]


class _UniqueKeys(_Unique, yaml.SafeLoader):
    """The loader that every installation has."""


class _Quick(_Unique, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The same by the library's C parser, where it has one."""


_Model = TypeVar("_Model", bound=BaseModel)


def parse(model: type[_Model], content: Any, where: str) -> _Model:
    """Read the content of a file, or of one of its keys, as a model, or raise InputError."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{where}: {_sentence(error, model)}") from error


def _sentence(error: ValidationError, model: type[BaseModel]) -> str:
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f'"{key}" is unknown{nearest(str(first["loc"][-1]), model.model_fields)}'
    if first["type"] == "missing":
        return f'"{key}" is missing'
    if first["type"] == "value_error":
        message = str(first["ctx"]["error"])
        return f"{key}: {message}" if key else message
    return (
        f"{key}: found {first['input']!r}, expected {first['msg'].removeprefix('Input should be ')}"
    )
