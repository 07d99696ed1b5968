"""Random models in the shape of hcc_maps: tables that no publisher would print and every law of the shape allows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from hypothesis import strategies as st

from riskadj.tables.seal import seal_folder

YEAR = 2098
_FIELDS = {
    "sex": ("M", "F"),
    "orec": ("0", "1", "2", "3"),
    "dual": ("none", "partial", "full"),
    "is_new_enrollee": ("0", "1"),
    "is_long_term_institutional": ("0", "1"),
    "is_c_snp": ("0", "1"),
    "ltimcaid": ("0", "1"),
    "nemcaid": ("0", "1"),
}


@dataclass(frozen=True)
class Shape:
    """Sizes of a random model; `seed` fills the tables."""

    seed: int
    n_hccs: int
    n_codes: int
    n_drops: int
    n_requirements: int
    n_groups: int
    n_demographics: int
    n_interactions: int
    n_counts: int
    n_segments: int
    manner: str


#: 70 and 130 HCCs do not fit into one or two machine words.
shapes = st.builds(
    Shape,
    seed=st.integers(0, 10**6),
    n_hccs=st.sampled_from((1, 2, 3, 6, 12, 63, 64, 65, 130)),
    n_codes=st.integers(1, 60),
    n_drops=st.integers(0, 40),
    n_requirements=st.integers(0, 3),
    n_groups=st.integers(0, 5),
    n_demographics=st.integers(1, 8),
    n_interactions=st.integers(0, 8),
    n_counts=st.integers(0, 3),
    n_segments=st.integers(1, 6),
    manner=st.sampled_from(("sequential", "simultaneous")),
)


def write_year(maps: Path, models: dict[str, Shape]) -> Path:
    """Write a sealed payment year of an invented program with the given models; return its folder."""
    folder = maps / "lemuria" / f"py{YEAR}"
    for model_id, shape in models.items():
        write_model(folder / model_id, model_id, shape)
    (folder / "payment_year.toml").write_text(_payment_year(models, Random(str(models))), encoding="utf-8")
    seal_folder(folder)
    return folder


def codes_of(shape: Shape) -> list[str]:
    """Diagnosis codes of a model, and some that it does not map."""
    return [f"A{number:02d}" for number in range(shape.n_codes + 3)]


def write_model(folder: Path, model_id: str, shape: Shape) -> None:
    """Write the tables of one model, not yet sealed."""
    random = Random(shape.seed)
    hccs = [f"HCC{number}" for number in sorted(random.sample(range(1, 400), shape.n_hccs))]
    groups = [f"g{number}" for number in range(shape.n_groups)]
    demographics = [f"D_{number}" for number in range(shape.n_demographics)]
    interactions = [f"I{number}" for number in range(shape.n_interactions)]
    counts = [f"N{number}" for number in range(shape.n_counts)]
    names = [f"S{number}" for number in range(shape.n_segments)]
    segments = _segments(random, names)
    columns = list(dict.fromkeys(row["factor_column"] or row["segment"] for row in segments))
    tables = {
        "mappings": (
            "icd10,hcc,sex,age_min,age_max,mce_age_min,mce_age_max",
            sorted(
                {
                    _mapping(random, code, hccs)
                    for code in codes_of(shape)[:-3]
                    for _ in range(random.randint(1, 3))
                }
            ),
        ),
        "requirements": ("hcc,needs_any", _requirements(random, hccs, shape.n_requirements)),
        "hierarchies": ("hcc,drops", _hierarchies(random, hccs, shape.n_drops)),
        "exclusions": (
            ",".join(("hcc", "age_min", "age_max", *_FIELDS)),
            [(hcc, *_condition(random)) for hcc in hccs if random.random() < 0.1],
        ),
        "labels": ("hcc,label,payment,counted", [_label(random, hcc) for hcc in hccs]),
        "groups": ("group,hcc,age_min,age_max,counted", _groups(random, groups, hccs)),
        "demographics": (
            ",".join(("variable", "age_min", "age_max", *_FIELDS)),
            _demographics(random, demographics),
        ),
        "interactions": (
            "interaction,term,absent",
            _interactions(random, interactions, [*hccs, *groups, *demographics, *counts]),
        ),
        "counts": ("variable,hccs_min,hccs_max", [(name, *_range(random, 6)) for name in counts]),
        "segments": (
            ",".join(_SEGMENT_COLUMNS),
            [tuple(row.get(column, "") for column in _SEGMENT_COLUMNS) for row in segments],
        ),
        "adjustments": (
            "segment,divisor",
            [(name, random.choice(("1", "0.905", "0.698"))) for name in names if random.random() < 0.2],
        ),
        "relative_factors": (
            "variable,segment,factor",
            _factors(random, [*hccs, *groups, *demographics, *interactions, *counts], columns),
        ),
    }
    folder.mkdir(parents=True)
    for name, (header, rows) in tables.items():
        lines = [header, *(",".join(row) for row in rows)]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
    (folder / "model.toml").write_text(_manifest(model_id, shape.manner, tables), encoding="utf-8")


def _some(random: Random, items: Sequence[str], at_most: int) -> list[str]:
    return random.sample(items, random.randint(1, min(at_most, len(items))))


def _range(random: Random, below: int) -> tuple[str, str]:
    lower = random.randrange(below)
    return str(lower), random.choice(("", str(lower), str(random.randrange(lower, below))))


def _age_range(random: Random) -> tuple[str, str]:
    lower, upper = sorted((random.randrange(100), random.randrange(100)))
    return random.choice((("", ""), ("", str(upper)), (str(lower), ""), (str(lower), str(upper))))


def _mapping(random: Random, code: str, hccs: Sequence[str]) -> tuple[str, ...]:
    sex = random.choice(("", "", "", "M", "F"))
    ages = _age_range(random) if random.random() < 0.3 else ("", "")
    mce_ages = _age_range(random) if random.random() < 0.3 else ("", "")
    return code, random.choice(hccs), sex, *ages, *mce_ages


def _requirements(random: Random, hccs: Sequence[str], wanted: int) -> list[tuple[str, str]]:
    chosen = sorted(random.sample(hccs, min(wanted, len(hccs))), key=hccs.index)
    return [(hcc, "|".join(_some(random, hccs, 4))) for hcc in chosen]


def _hierarchies(random: Random, hccs: Sequence[str], wanted: int) -> list[tuple[str, str]]:
    """Draw edges along a random ranking: up and down the HCC numbers, without cycles, seldom transitive."""
    ranking = random.sample(hccs, len(hccs))
    edges = set()
    for _ in range(wanted if len(hccs) > 1 else 0):
        upper, lower = sorted(random.sample(range(len(hccs)), 2))
        edges.add((ranking[upper], ranking[lower]))
    return sorted(edges, key=lambda edge: (hccs.index(edge[0]), hccs.index(edge[1])))


def _condition(random: Random) -> tuple[str, ...]:
    ages = _age_range(random) if random.random() < 0.6 else ("", "")
    cells = [
        "|".join(sorted(_some(random, codes, len(codes)))) if random.random() < 0.25 else ""
        for codes in _FIELDS.values()
    ]
    return *ages, *cells


def _demographics(random: Random, names: Iterable[str]) -> list[tuple[str, ...]]:
    rows = [(name, *_condition(random)) for name in names for _ in range(random.randint(1, 2))]
    return list(dict.fromkeys(rows))


def _label(random: Random, hcc: str) -> tuple[str, str, str, str]:
    payment = random.choice("1110")
    return hcc, f"Label of {hcc}", payment, payment if random.random() < 0.9 else "0"


def _groups(random: Random, names: Sequence[str], hccs: Sequence[str]) -> list[tuple[str, ...]]:
    """Draw groups; all HCCs of one stand under the same ages, and count with it or not."""
    rows = []
    for name in names:
        ages = _age_range(random) if random.random() < 0.3 else ("", "")
        counted = random.choice("001")
        rows += [(name, hcc, *ages, counted) for hcc in _some(random, hccs, 4)]
    return rows


def _interactions(random: Random, names: Sequence[str], terms: Sequence[str]) -> list[tuple[str, str, str]]:
    rows = []
    for number, name in enumerate(names):
        chosen = dict.fromkeys(_some(random, [*terms, *names[:number]], 3))
        rows += [(name, term, random.choice("00001")) for term in chosen]
    return rows


_SEGMENT_COLUMNS = ("segment", "factor_column", "age_min", "age_max", *_FIELDS)


def _segments(random: Random, names: Sequence[str]) -> list[dict[str, str]]:
    """Split all member statuses into one piece per segment, field by field; pieces exclude each other by birth."""
    pieces: list[dict[str, str]] = [{}]
    while len(pieces) < len(names):
        piece = pieces.pop(random.randrange(len(pieces)))
        by_age = not {"age_min", "age_max"} & set(piece) and random.random() < 0.5
        pieces += _split(
            random, piece, "age" if by_age else random.choice([f for f in _FIELDS if f not in piece])
        )
    rows = []
    for name, piece in zip(names, pieces, strict=True):
        halves = [piece]
        if random.random() < 0.3 and not {"age_min", "age_max", "dual"} & set(piece):
            halves = _split(random, piece, random.choice(("age", "dual")))
        columns = (
            random.choice((["", ""], [f"{name}_a", f"{name}_b"]))
            if len(halves) == 1
            else [f"{name}_a", f"{name}_b"]
        )
        rows += [
            half | {"segment": name, "factor_column": column}
            for half, column in zip(halves, columns, strict=False)
        ]
    return rows


def _split(random: Random, piece: dict[str, str], field: str) -> list[dict[str, str]]:
    if field == "age":
        age = random.choice((1, 21, 64, 65, 80))
        return [piece | {"age_max": str(age - 1)}, piece | {"age_min": str(age)}]
    codes = list(_FIELDS[field])
    cut = random.randrange(1, len(codes))
    return [piece | {field: "|".join(part)} for part in (codes[:cut], codes[cut:])]


def _factors(random: Random, variables: Sequence[str], segments: Sequence[str]) -> list[tuple[str, str, str]]:
    return [
        (variable, segment, _factor(random))
        for segment in segments
        for variable in variables
        if random.random() < 0.7
    ]


def _factor(random: Random) -> str:
    decimals = random.choice((1, 2, 3, 3, 3, 4))
    sign = "-" if random.random() < 0.1 else ""
    return random.choice(("0", "0.000", *[f"{sign}{random.random() * 2:.{decimals}f}"] * 8))


_SOURCES = (
    '[[sources]]\nid = "myth"\ntitle = "A myth"\npublisher = "Nobody"\ncarried_by = "invented by a seed"\n'
)
_CITED = 'source = "myth"\nwhere = "page 1"\n'


def _manifest(model_id: str, manner: str, tables: Iterable[str]) -> str:
    head = (
        f'[model]\nid = "{model_id}"\ntitle = "Random model"\nprogram = "lemuria"\npayment_year = {YEAR}\n'
        f'status = "final"\nrevision = 1\nhierarchy_manner = "{manner}"\n'
    )
    entries = [f'[tables.{name}]\n{_CITED}rows = 0\nsha256 = ""\n' for name in tables]
    return "\n".join((head, _SOURCES, *entries))


def _payment_year(models: dict[str, Shape], random: Random) -> str:
    parts = [
        f'[payment_year]\nprogram = "lemuria"\nyear = {YEAR}\ntitle = "Lemuria {YEAR}"\n',
        _SOURCES,
        f'[age_as_of]\nvalue = "{YEAR}-02-01"\n{_CITED}',
        f'[collection]\nstart = "{YEAR - 1}-01-01"\nend = "{YEAR - 1}-12-31"\n{_CITED}',
        f"[rounding]\ndecimals = {random.choice((2, 3, 3, 4))}\n"
        f'after = ["raw", "normalization", "coding_intensity", "blend"]\n{_CITED}',
    ]
    for model_id in models:
        normalization = random.choice(("1", "2", "0.8", "1.045", "1.187"))
        parts.append(f'[[normalization]]\nmodel = "{model_id}"\nvalue = "{normalization}"\n{_CITED}')
        coding_intensity = random.choice(("0", "0.059", "0.5"))
        parts.append(f'[[coding_intensity]]\nmodel = "{model_id}"\nvalue = "{coding_intensity}"\n{_CITED}')
    first, last = next(iter(models)), list(models)[-1]
    share = random.choice(("0.33", "0.5", "0.9"))
    rest = {"0.33": "0.67", "0.5": "0.50", "0.9": "0.1"}[share]
    both = f'[{{ model = "{first}", weight = "{share}" }}, {{ model = "{last}", weight = "{rest}" }}]'
    parts.append(
        f'[[policy]]\nprogram = "lemuria"\nname = "Old"\nwhen = {{ age_min = "65", is_pace = "0" }}\n'
        f'blend = [{{ model = "{first}", weight = "1" }}]\n{_CITED}'
    )
    parts.append(f'[[policy]]\nprogram = "lemuria"\nname = "Rest"\nwhen = {{}}\nblend = {both}\n{_CITED}')
    return "\n".join(parts)
