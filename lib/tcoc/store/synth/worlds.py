"""Worlds: how cost depends on people, how it drifts, and what hospitals truly do (rule R9).

A world is a file params/synthetic/worlds/NAME.yml. The default's need follows CMS's new-enrollee
factors, so a method that uses them cannot lose there; the other worlds exist so that no method is
planted to win.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from tcoc.errors import InputError, nearest
from tcoc.params import read_yaml
from tcoc.paths import params_dir
from tcoc.store.synth.config import Config, load_config

COSTS = ("new_enrollee", "bucket", "frailty", "none")
"""Cost models: CMS's factors, invented costs by bucket, CMS's factors with a change of frailty that
no file shows, and no relation of cost with anything that a method sees."""

COMPLETE = 800
"""Days after the last year by which every claim has been processed."""

_KEYS = {"description", "based_on", "cost", "drift", "effect"}
_PARTS = ("settings", "services", "facilities")


@dataclass(frozen=True)
class WorldModel:
    """What is planted in a synthetic state, beside its people and clinicians.

    `drift`: growth of everybody's need a year, relative to 2015, that no mix explains. `effect`:
    a multiple of the hospitals' planted levels and growth (0: no hospital does anything).
    `overrides`: other coefficients by part, as JSON text, so that a world can be a key of a cache.
    """

    name: str
    description: str
    cost: str = "new_enrollee"
    drift: float = 0.0
    effect: float = 1.0
    overrides: str = "{}"

    def complete(self) -> "WorldModel":
        """Return the same world with an extract so late that no claim is missing."""
        late = {"settings": {"extract": {"run_out_days": COMPLETE}}}
        overrides = _merged(json.loads(self.overrides), late)
        return replace(self, overrides=json.dumps(overrides, sort_keys=True))

    def summary(self) -> dict[str, str | float]:
        """Return what store.json says about the world."""
        return {
            "name": self.name,
            "cost": self.cost,
            "drift": self.drift,
            "effect": self.effect,
        }


def world_names() -> list[str]:
    """Return the names of the worlds that have a file."""
    return sorted(file.stem for file in (params_dir() / "synthetic" / "worlds").glob("*.yml"))


@cache
def load_world(name: str) -> WorldModel:
    """Read a world by its name; raises InputError for a name or a key that is not known."""
    names = world_names()
    if name not in names:
        known = ", ".join(names)
        raise InputError(f'world: found "{name}", expected one of {known}{nearest(name, names)}')
    file = params_dir() / "synthetic" / "worlds" / f"{name}.yml"
    raw = read_yaml(file)
    allowed = sorted(_KEYS | set(_PARTS))
    if wrong := sorted(set(raw) - set(allowed)):
        raise InputError(
            f'{file.name}: unknown key "{wrong[0]}", expected one of {", ".join(allowed)}'
            f"{nearest(wrong[0], allowed)}"
        )
    base = load_world(raw["based_on"]) if "based_on" in raw else WorldModel(name, "")
    parts = {part: raw[part] for part in _PARTS if part in raw}
    cost = str(raw.get("cost", base.cost))
    if cost not in COSTS:
        raise InputError(f'{file.name}: cost: found "{cost}", expected one of {", ".join(COSTS)}')
    return replace(
        base,
        name=name,
        description=str(raw["description"]),
        cost=cost,
        drift=float(raw.get("drift", base.drift)),
        effect=float(raw.get("effect", base.effect)),
        overrides=json.dumps(_merged(json.loads(base.overrides), parts), sort_keys=True),
    )


def _merged(base: dict[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Lay new values over old ones, level by level."""
    result = dict(base)
    for key, value in new.items():
        old = result.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        result[key] = _merged(old, value) if isinstance(old, dict) and both else value
    return result


@cache
def config_of(model: WorldModel) -> Config:
    """Return the generator's coefficients in a world; raises InputError for an unknown one."""
    config = load_config()
    overrides = json.loads(model.overrides)
    settings, services, facilities = (
        _laid_over(model, part, getattr(config, part), overrides.get(part, {})) for part in _PARTS
    )
    return replace(config, settings=settings, services=services, facilities=facilities)


def _laid_over(
    model: WorldModel, part: str, base: dict[str, Any], new: dict[str, Any]
) -> dict[str, Any]:
    _known(f"world {model.name}: {part}", base, new)
    return _merged(base, new)


def _known(where: str, base: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    for key, value in new.items():
        if key not in base:
            names = [str(name) for name in base]
            raise InputError(f'{where}: unknown "{key}"{nearest(str(key), names)}')
        if isinstance(value, dict) and isinstance(base[key], dict):
            _known(f"{where}.{key}", base[key], value)
