"""One typed model per policy file, in place of names in quotes and values of any type.

    class QpPolicy(PolicyFile, name="qp"):
        reading: Value[Literal["regulation", "slide"]] = Value()
        threshold_payments: Dated[float] = Dated()

    policy = QpPolicy.of(study.policy)
    policy.reading                     # typed, from `qp.reading`
    policy.threshold_payments(2019)    # typed, from `qp.threshold_payments` as of 2019

An attribute reads through `Policy` when it is asked for, not before: so what a table rests on is
what it really read, and a change of another value of the same file leaves the table as it is.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, Self, TypeVar, get_type_hints, overload

from pydantic import TypeAdapter, ValidationError

from tcoc.errors import InputError
from tcoc.params.policy import Policy, PolicyEntry, read_policy

T = TypeVar("T")

MODELS: dict[str, type["PolicyFile"]] = {}
"""The models by the name of their file."""


class _Field(Generic[T]):
    """A key of a policy file and the type of its value, given by the annotation."""

    def __set_name__(self, owner: type["PolicyFile"], name: str) -> None:
        self.name = name
        self._adapter: TypeAdapter[T] | None = None

    def typed(self, owner: type["PolicyFile"], found: Any) -> T:
        """Return a value as this field's type; raises InputError for one that does not fit."""
        if self._adapter is None:
            hint = get_type_hints(owner, include_extras=True)[self.name]
            self._adapter = TypeAdapter(hint.__args__[0])
        try:
            return self._adapter.validate_python(found)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            if first["type"] == "value_error":
                sentence = str(first["ctx"]["error"])
            else:
                expected = first["msg"].removeprefix("Input should be ")
                sentence = f"found {found!r}, expected {expected}"
            raise InputError(f"{owner.file}.{self.name}: {sentence}") from error


class Value(_Field[T]):
    """An undated value."""

    @overload
    def __get__(self, policy: None, owner: type["PolicyFile"]) -> Self: ...
    @overload
    def __get__(self, policy: "PolicyFile", owner: type["PolicyFile"]) -> T: ...
    def __get__(self, policy: "PolicyFile | None", owner: type["PolicyFile"]) -> Self | T:
        if policy is None:
            return self
        return self.typed(owner, policy.values.get(f"{owner.file}.{self.name}"))


class Dated(_Field[T]):
    """A value by year: an attribute that is called with the year."""

    @overload
    def __get__(self, policy: None, owner: type["PolicyFile"]) -> Self: ...
    @overload
    def __get__(self, policy: "PolicyFile", owner: type["PolicyFile"]) -> Callable[[int], T]: ...
    def __get__(
        self, policy: "PolicyFile | None", owner: type["PolicyFile"]
    ) -> Self | Callable[[int], T]:
        if policy is None:
            return self
        values = policy.values
        return lambda year: self.typed(owner, values.get(f"{owner.file}.{self.name}", year))


class PolicyFile:
    """A policy file as typed attributes, one for each of its keys."""

    file: str = ""

    def __init_subclass__(cls, name: str) -> None:
        cls.file = name
        MODELS[name] = cls

    def __init__(self, policy: Policy) -> None:
        self.values = policy

    @classmethod
    def of(cls, policy: Policy) -> Self:
        """Return a policy's values of this file, typed."""
        return cls(policy)

    @classmethod
    def fields(cls) -> dict[str, _Field[Any]]:
        """Return the fields by name."""
        return {name: found for name, found in vars(cls).items() if isinstance(found, _Field)}

    @classmethod
    def check(cls, name: str, entry: PolicyEntry, replaced: Any = None) -> None:
        """Hold every value of an entry, and a run's replacement, against the field's type.

        Raises InputError for a value that does not fit, and for an entry that has no field.
        """
        if name not in cls.fields():
            raise InputError(f"{cls.file}.yml: {name} is no value of {cls.__name__}")
        given = [v.value for v in (entry.value, *entry.values.values(), *entry.under.values()) if v]
        for value in (*given, *entry.alternatives, *([] if replaced is None else [replaced])):
            by_year = bool(entry.values) and isinstance(value, dict)
            for part in value.values() if by_year else [value]:
                cls.fields()[name].typed(cls, part)


def load_policy(folder: Path | None = None, options: Mapping[str, Any] | None = None) -> Policy:
    """Read all policy files, lay a run's replacements over them, and hold both to their types.

    Raises InputError for a file that is not as tcoc.params.policy describes it, for an unknown
    option, and for a value or an option of the wrong type.
    """
    policy = read_policy(folder, options)
    for name, entry in policy.entries.items():
        file, key = name.split(".", 1)
        # a statement is for readers alone: no rule asks for it
        if file in MODELS and entry.type != "statement":
            MODELS[file].check(key, entry, policy.options.get(name))
    return policy
