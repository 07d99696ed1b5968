"""Credibility and claim development against published numbers."""

from __future__ import annotations

import numpy as np
import pytest

from pricing.errors import InputError
from pricing.experience.credibility import (
    buhlmann,
    buhlmann_straub,
    full_credibility_claims,
    limited_fluctuation,
)
from pricing.experience.development import chain_ladder, mack_range

# Hachemeister's data, as in the vignette of the R package actuar.
RATIOS = [
    [1738, 1642, 1794, 2051, 2079, 2234, 2032, 2035, 2115, 2262, 2267, 2517],
    [1364, 1408, 1597, 1444, 1342, 1675, 1470, 1448, 1464, 1831, 1612, 1471],
    [1759, 1685, 1479, 1763, 1674, 2103, 1502, 1622, 1828, 2155, 2233, 2059],
    [1223, 1146, 1010, 1257, 1426, 1532, 1953, 1123, 1343, 1243, 1762, 1306],
    [1456, 1499, 1609, 1741, 1482, 1572, 1606, 1735, 1607, 1573, 1613, 1690],
]
WEIGHTS = [
    [7861, 9251, 8706, 8575, 7917, 8263, 9456, 8003, 7365, 7832, 7849, 9077],
    [1622, 1742, 1523, 1515, 1622, 1602, 1964, 1515, 1527, 1748, 1654, 1861],
    [1147, 1357, 1329, 1204, 998, 1077, 1277, 1218, 896, 1003, 1108, 1121],
    [407, 396, 348, 341, 315, 328, 352, 331, 287, 384, 321, 342],
    [2902, 3172, 3046, 3068, 2693, 2910, 3275, 2697, 2663, 3017, 3242, 3425],
]


def test_buhlmann_of_hachemeister():
    found = buhlmann(RATIOS)
    assert found.collective == pytest.approx(1671, abs=0.5)
    assert (found.between, found.within) == pytest.approx((72310, 46040), abs=0.5)
    assert found.z == pytest.approx([0.9496143] * 5, abs=1e-7)
    assert found.premiums == pytest.approx([2044.041, 1518.588, 1814.234, 1375.987, 1602.233], abs=5e-4)


def test_buhlmann_straub_of_hachemeister():
    found = buhlmann_straub(RATIOS, WEIGHTS)
    assert found.collective == pytest.approx(1683.713437, abs=1e-6)  # not the exposure-weighted 1865.40
    assert (found.between, found.within) == pytest.approx((89638.7262, 139120025.925), rel=1e-9)
    assert found.z == pytest.approx([0.9847404, 0.92763522, 0.89847536, 0.72790921, 0.95879115], abs=1e-7)
    assert found.premiums == pytest.approx([2055.165, 1523.706, 1793.444, 1442.967, 1603.285], abs=5e-4)


def test_missing_cells_are_as_if_never_observed():
    """With equal weights and a group seen in fewer periods, its credibility is that of its own exposure."""
    ratios, weights = np.array(RATIOS, float), np.array(WEIGHTS, float)
    ratios[4, 6:] = np.nan
    found = buhlmann_straub(ratios, weights)
    own = weights[4, :6].sum()
    assert found.z[4] == pytest.approx(own / (own + found.within / found.between))
    assert found.means[4] == pytest.approx((ratios[4, :6] * weights[4, :6]).sum() / own)


def test_groups_seen_once_tell_no_variance():
    with pytest.raises(InputError, match="no group was seen in two periods"):
        buhlmann_straub([[1.0, np.nan], [np.nan, 2.0]], [[1.0, 1.0], [1.0, 1.0]])


def test_groups_alike_share_one_mean():
    found = buhlmann([[1.0, 3.0], [3.0, 1.0]])
    assert found.z.tolist() == [0.0, 0.0]
    assert found.premiums.tolist() == [2.0, 2.0]


def test_limited_fluctuation():
    assert full_credibility_claims(probability=0.90, within=0.05) == pytest.approx(1082.22, abs=0.005)
    assert full_credibility_claims(severity_cv=3.0) == pytest.approx(10 * 1082.22, abs=0.05)
    assert limited_fluctuation([30000, 120000, 240000], full=120000).tolist() == [0.5, 1.0, 1.0]
    assert float(limited_fluctuation(541.108733, full=1082.217)) == pytest.approx(0.707107, abs=1e-6)
    with pytest.raises(InputError, match="must not be negative"):
        limited_fluctuation(float("nan"), full=1)
    with pytest.raises(InputError, match="must not be negative"):
        limited_fluctuation([-1], full=10)


RAA = [
    [5012, 8269, 10907, 11805, 13539, 16181, 18009, 18608, 18662, 18834],
    [106, 4285, 5396, 10666, 13782, 15599, 15496, 16169, 16704],
    [3410, 8992, 13873, 16141, 18735, 22214, 22863, 23466],
    [5655, 11555, 15766, 21266, 23425, 26083, 27067],
    [1092, 9565, 15836, 22169, 25955, 26180],
    [1513, 6445, 11702, 12935, 15852],
    [557, 4020, 10946, 12314],
    [1351, 6947, 13112],
    [3133, 5395],
    [2063],
]
GENINS = [
    [357848, 1124788, 1735330, 2218270, 2745596, 3319994, 3466336, 3606286, 3833515, 3901463],
    [352118, 1236139, 2170033, 3353322, 3799067, 4120063, 4647867, 4914039, 5339085],
    [290507, 1292306, 2218525, 3235179, 3985995, 4132918, 4628910, 4909315],
    [310608, 1418858, 2195047, 3757447, 4029929, 4381982, 4588268],
    [443160, 1136350, 2128333, 2897821, 3402672, 3873311],
    [396132, 1333217, 2180715, 2985752, 3691712],
    [440832, 1288463, 2419861, 3483130],
    [359480, 1421128, 2864498],
    [376686, 1363294],
    [344014],
]


def square(rows):
    """Rows of unequal length as a triangle with blanks."""
    return [row + [None] * (len(rows[0]) - len(row)) for row in rows]


@pytest.mark.parametrize(("rows", "ibnr"), [(RAA, 52135.23), (GENINS, 18680855.61)])
def test_published_ibnr(rows, ibnr):
    """Mack 1993 and 1994; documentation of the R package ChainLadder."""
    assert chain_ladder(square(rows)).ibnr.sum() == pytest.approx(ibnr, abs=0.005)


@pytest.mark.parametrize(
    ("rows", "sigma", "error"),
    [(RAA, "mack", 26909.01), (RAA, "log-linear", 26880.74), (GENINS, "mack", 2447094.86)],
)
def test_published_standard_errors(rows, sigma, error):
    assert mack_range(square(rows), sigma=sigma).total == pytest.approx(error, abs=0.005)


def test_standard_error_of_each_year():
    """Chainladder 0.10.1 on RAA."""
    expected = [
        0.0,
        206.2200594,
        623.3766726,
        747.1752251,
        1469.4571496,
        2001.8569309,
        2209.2420936,
        5357.8692977,
    ]
    assert mack_range(square(RAA)).standard_error[:8] == pytest.approx(expected, abs=1e-6)


def test_averages_worked_by_hand():
    triangle = [[100, 200], [50, 150], [10, None]]
    expected = {"volume": 350 / 150, "simple": 2.5, "geometric": 6**0.5, "harmonic": 2 / (1 / 2 + 1 / 3)}
    for average, factor in expected.items():
        assert chain_ladder(triangle, average=average).factors.tolist() == pytest.approx([factor])
    assert chain_ladder(triangle, last=1).factors.tolist() == [3.0]
    assert chain_ladder(triangle, average="simple", drop_high=1).factors.tolist() == [2.0]
    assert chain_ladder(triangle, average="simple", drop_low=1).factors.tolist() == [3.0]
    # leaving out both would leave none: none is left out
    assert chain_ladder(triangle, average="simple", drop_high=1, drop_low=1).factors.tolist() == [2.5]
    developed = chain_ladder(triangle, last=1, tail=1.1)
    assert developed.completion.tolist() == pytest.approx([1 / 3.3, 1 / 1.1])
    assert developed.ultimate.tolist() == pytest.approx([220.0, 165.0, 33.0])


def test_triangles_with_holes_are_refused():
    with pytest.raises(InputError, match=r"1 rows of the triangle have holes or nothing known \(rows: 2\)"):
        chain_ladder([[1, 2, 3], [1, None, 3]])
    with pytest.raises(InputError, match="no period is known at ages 1 and 2"):
        chain_ladder([[0, 2, 3], [0, 3, 3]])
    for ragged in ([[1, 2], [1]], [["a", 2], [1, None]]):
        with pytest.raises(InputError, match="each row as long as the others, None where not known yet"):
            chain_ladder(ragged)
    with pytest.raises(InputError, match="without infinite numbers"):
        chain_ladder([[1, float("inf")], [1, None]])
    with pytest.raises(InputError, match="drop_high and drop_low at least 0"):
        chain_ladder([[1, 2, 3], [1, 2, None], [1, None, None]], drop_low=-1)
    with pytest.raises(InputError, match="average 'median' is none of"):
        chain_ladder([[1, 2]], average="median")


def test_quantiles_of_the_range():
    found = mack_range(square(GENINS))
    assert found.quantile(0.5) < found.development.ibnr.sum() < found.quantile(0.75)
    assert len(found.development.plot().axes) == 3
