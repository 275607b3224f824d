"""The rows of the ablation: networks of nearly equal size."""

from types import SimpleNamespace

import lgg_rows
import pytest

from unet_course.network import unet


@pytest.mark.parametrize("parameters", [1, 70, 1000, 12_345, 999_999])
def test_nearest_filters_finds_the_nearest(parameters):
    def count(filters):
        return 11 * filters**2 + 40 * filters + 3

    found = lgg_rows.nearest_filters(
        lambda filters: SimpleNamespace(count_params=lambda: count(filters)), parameters
    )
    assert found == min(range(1, 400), key=lambda n: abs(count(n) - parameters))


def test_nearest_filters_wants_a_number_to_come_near_to():
    with pytest.raises(ValueError, match="at least 1"):
        lgg_rows.nearest_filters(unet.unet, 0)
