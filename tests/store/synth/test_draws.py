"""Random numbers: the same for the same purpose, of the right mean, and texts without repeats."""

import numpy as np
import pytest

from tcoc.store.synth import columns
from tcoc.store.synth.draws import Draws, lognormal_table

SIZE = 200_000


def test_a_stream_depends_on_its_purpose_alone() -> None:
    first = Draws(1, "visits", 2016, 0).uniform(5)
    assert (first == Draws(1, "visits", 2016, 0).uniform(5)).all()
    for other in (Draws(2, "visits", 2016, 0), Draws(1, "visits", 2017, 0)):
        assert (first != other.uniform(5)).all()


def test_the_stream_is_fixed() -> None:
    """A change of these numbers changes every synthetic store: say so in the change log."""
    assert Draws(1, "fixed").below(6, 1000).tolist() == [278, 677, 489, 455, 977, 68]


@pytest.mark.parametrize("sigma", [0.05, 0.6, 0.95])
def test_lognormal_has_mean_one(sigma: float) -> None:
    assert lognormal_table(sigma).mean() == pytest.approx(1, abs=0.005)


@pytest.mark.parametrize("mean", [0.03, 0.7, 4.2])
def test_counts_keep_their_mean(mean: float) -> None:
    draws = Draws(1, "counts")
    for found in (draws.poisson(np.full(SIZE, mean)), draws.whole(np.full(SIZE, mean))):
        assert found.min() >= 0
        assert found.mean() == pytest.approx(mean, rel=0.03)


def test_choose_follows_the_weights() -> None:
    found = np.bincount(Draws(1, "choose").choose(SIZE, [1, 0, 3]), minlength=3) / SIZE
    assert found.tolist() == pytest.approx([0.25, 0, 0.75], abs=0.01)


def test_dollars_are_exact() -> None:
    cents = np.array([0, 1, -1, 123456789, -250])
    text = [str(value) for value in columns.dollars(cents).to_pylist()]
    assert text == ["0.00", "0.01", "-0.01", "1234567.89", "-2.50"]


def test_choices() -> None:
    found = columns.choices(["a", "b", "c"], np.array([2, -1, 0, 2]))
    assert found.to_pylist() == ["c", None, "a", "c"]
    assert found.dictionary.to_pylist() == ["a", "c"]
    with pytest.raises(ValueError, match="twice"):
        columns.choices(["a", "a"], np.array([0, 1]))
