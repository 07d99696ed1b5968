"""Providers of synthetic claims: the same for the same seed, whatever the order of the rows, and no group better."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from riskadj.errors import OptionError
from riskadj.synthetic import with_providers
from tests.house.laws import ROOT

CLAIMS = pq.read_table(ROOT / "data/synthetic/claims.parquet")


def test_every_claim_has_one_provider_and_the_order_of_rows_does_not_matter():
    made = with_providers(CLAIMS, seed=4)
    table = made["claims"]
    assert table.select(CLAIMS.column_names).equals(CLAIMS)
    pairs = table.group_by(["claim_id", "provider_id"]).aggregate([])
    assert pairs.num_rows == len(pc.unique(CLAIMS["claim_id"]))
    order = np.random.default_rng(1).permutation(len(CLAIMS))
    shuffled = with_providers(CLAIMS.take(pa.array(order)), seed=4)["claims"]
    assert shuffled.equals(table.take(pa.array(order)))
    assert not with_providers(CLAIMS, seed=5)["claims"].equals(table)


def test_members_mostly_see_their_own_and_groups_differ_in_size_only():
    made = with_providers(CLAIMS, seed=4, n_groups=6)
    table = made["claims"].filter(pc.equal(made["claims"]["specialty"], "primary_care"))
    assert set(table["service_category"].to_pylist()) == {"professional"}
    assert made["providers"]["group_id"].to_pylist()[::4] == [f"group {number:02}" for number in range(1, 7)]
    visits = table.group_by(["member_id", "provider_id"]).aggregate([([], "count_all")]).to_pandas()
    most = visits.groupby("member_id")["count_all"].max().sum() / visits["count_all"].sum()
    assert 0.75 < most < 0.95
    by_provider = visits.groupby("provider_id")["count_all"].sum()
    assert by_provider["P001"] > 1.8 * by_provider["P024"]


def test_what_is_refused():
    with pytest.raises(OptionError, match="there must be a group"):
        with_providers(CLAIMS, seed=1, n_groups=0)
