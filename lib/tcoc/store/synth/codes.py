"""Lists of billing codes to draw from."""

from dataclasses import dataclass

import numpy as np

from tcoc.store.synth.config import Config
from tcoc.store.synth.draws import Floats, Integers


@dataclass(frozen=True)
class CodeLists:
    """Lists of weighted codes, one after the other: groups' visits, groups' extras, services'."""

    codes: Integers
    edges: Floats
    low: Floats
    high: Floats

    def pick(self, which: Integers, uniform: Floats) -> Integers:
        """Choose a code from a list for each element."""
        low, high = self.low[which], self.high[which]
        at = np.searchsorted(self.edges, low + uniform * (high - low), side="right")
        result: Integers = self.codes[np.minimum(at, len(self.codes) - 1)]
        return result


def code_lists(config: Config) -> CodeLists:
    """Return all code lists: list g is group g's visits, G + g its extras, then the services'."""
    lists = [g.codes for g in config.groups] + [g.extra for g in config.groups]
    lists += [
        {str(code): weight for code, weight in service.get("codes", {}).items()}
        for service in config.services.values()
    ]
    codes = [config.code_index[code] for entries in lists for code in entries]
    edges = np.cumsum([float(weight) for entries in lists for weight in entries.values()])
    stops = np.cumsum([len(entries) for entries in lists])
    padded = np.concatenate([[0.0], edges])
    return CodeLists(
        np.array(codes), edges, padded[np.concatenate([[0], stops[:-1]])], padded[stops]
    )
