"""Readers of the text of CMS's SAS programs, on small made-up programs."""

from __future__ import annotations

import pytest

from riskadj.errors import TableError
from riskadj.tables.importers import sas_formats
from riskadj.tables.importers.conditions import AgeRange, MappingRow

EDIT_MACRO = """
 %MACRO XEDIT(AGE=, SEX=, ICD10= );
   %* reset of CCs that is based on beneficiary age or sex;
   IF &SEX="2" AND &ICD10 IN ("D01", "D02")  THEN CC="48";
   ELSE
   IF &AGE < 18 AND &ICD10 IN ("J01",
                               "J02") THEN CC="-1.0";
   ELSE
   IF (&AGE < 6 OR &AGE > 18) AND &ICD10 = "F01"
                                             THEN CC="-1.0";
   ELSE
   IF &AGE < 50 AND &ICD10 IN ("C01") THEN CC="22";
  %* MCE edits if needed;
  %IF &SEDITS = 1 %THEN %DO;
     IF _TAGE NE "-1" AND (&AGE < INPUT(PUT(_TAGE, $AGEL.),8.)) THEN CC='-1.0';
  %END;
"""


def test_edits_replace_every_lookup_of_their_code() -> None:
    edits = sas_formats.read_edits(EDIT_MACRO)
    pairs = [
        ("D01", "HCC46"),
        ("D01", "HCC50"),
        ("J01", "HCC111"),
        ("F01", "HCC59"),
        ("C01", "HCC23"),
        ("Z01", "HCC1"),
    ]
    rows = sas_formats.apply_edits(pairs, edits, {"Z01": AgeRange(15)})
    assert rows == [
        MappingRow("C01", "HCC22", "", AgeRange(0, 49)),
        MappingRow("C01", "HCC23", "", AgeRange(50)),
        MappingRow("D01", "HCC46", "M"),
        MappingRow("D01", "HCC48", "F"),
        MappingRow("D01", "HCC50", "M"),
        MappingRow("F01", "HCC59", "", AgeRange(6, 18)),
        MappingRow("J01", "HCC111", "", AgeRange(18)),
        MappingRow("Z01", "HCC1", mce_age=AgeRange(15)),
    ]
    assert sas_formats.codes_set_without_lookup(edits, pairs) == ["D02"]


@pytest.mark.parametrize(
    "condition", ['&OREC="1" AND &ICD10 = "A1"', '&AGE < 5 AND &AGE > 2 AND &ICD10 = "A1"', "&AGE < 5"]
)
def test_an_edit_not_understood_fails_loudly(condition: str) -> None:
    with pytest.raises(TableError, match="edit condition"):
        sas_formats.read_edits(f'IF {condition} THEN CC="48";')


def test_format_lines() -> None:
    text = "A0103\t115\t\r\nE0831\t18\t\r\nE0831\t122\tD\r\n\r\n"
    assert sas_formats.read_format(text) == [("A0103", "HCC115"), ("E0831", "HCC18"), ("E0831", "HCC122")]
    with pytest.raises(TableError, match="format line 2"):
        sas_formats.read_format("A0103 115\nA0104 x\n")


def test_hierarchies_over_two_lines() -> None:
    text = (
        "%MACRO SET0( CC=, HIER= );\n %SET0(CC=10    , HIER=%STR(\n11, 2 ));\n %SET0(CC=2, HIER=%STR(11 ));"
    )
    assert sas_formats.read_hierarchies(text) == [
        {"hcc": "HCC2", "drops": "HCC11"},
        {"hcc": "HCC10", "drops": "HCC2"},
        {"hcc": "HCC10", "drops": "HCC11"},
    ]
    with pytest.raises(TableError, match="%SET0"):
        sas_formats.read_hierarchies("nothing here")


def test_labels_of_categories_only() -> None:
    text = ' LABEL\n HCC10 ="Rash, Other "\n HCC2 ="Fever "\n CC2 ="Fever (mapped) "\n'
    assert sas_formats.read_labels(text) == [
        {"hcc": "HCC2", "label": "Fever", "payment": "1"},
        {"hcc": "HCC10", "label": "Rash, Other", "payment": "1"},
    ]
    with pytest.raises(TableError, match="no label"):
        sas_formats.read_labels("")


def test_requirements() -> None:
    text = "IF CC3 = 1 AND MAX(CC1, CC2) = 0       \n   THEN CC3 = 0;"
    assert sas_formats.read_requirements(text) == [{"hcc": "HCC3", "needs_any": "HCC1|HCC2"}]


def test_products_keep_the_spelling_of_the_definition() -> None:
    text = """
            %*diagnostic categories;
            FEVER  = MAX(HCC1, HCC2);
            CHF    = HCC3;
            %*community models interactions ;
            Fever_CHF   = Fever*chf;
            ULCER = MAX(HCC4, HCC5); /*10/19/2012*/;
            DISABLED_ULCER = DISABL*(ULCER);
            young_fever =
               (AGEF < 65 & FEVER_chf > 0);
           END; *there are some diagnoses for a person;
    """
    groups, interactions = sas_formats.read_products(text)
    assert [tuple(row.values()) for row in groups] == [
        ("FEVER", "HCC1"),
        ("FEVER", "HCC2"),
        ("CHF", "HCC3"),
        ("ULCER", "HCC4"),
        ("ULCER", "HCC5"),
    ]
    assert [tuple(row.values()) for row in interactions] == [
        ("Fever_CHF", "FEVER"),
        ("Fever_CHF", "CHF"),
        ("DISABLED_ULCER", "DISABL"),
        ("DISABLED_ULCER", "ULCER"),
        ("young_fever", "NonAged"),
        ("young_fever", "Fever_CHF"),
    ]
    with pytest.raises(TableError, match="diagnostic categories"):
        sas_formats.read_products("nothing here")
    with pytest.raises(TableError, match="is not understood"):
        sas_formats.read_products(text.replace("CHF    = HCC3;", "CHF = HCC3 > 0;"))


def test_coefficients() -> None:
    text = '"INS_HCC1","CNA_HCC1","CNA_F65_69"\n0.6,1.000,0.3\n'
    assert sas_formats.read_coefficients(text, ("CNA", "INS")) == [
        {"variable": "HCC1", "segment": "CNA", "factor": "1.000"},
        {"variable": "F65_69", "segment": "CNA", "factor": "0.3"},
        {"variable": "HCC1", "segment": "INS", "factor": "0.6"},
    ]
    with pytest.raises(TableError, match="no known segment"):
        sas_formats.read_coefficients("XYZ_HCC1\n1\n", ("CNA",))
    with pytest.raises(TableError, match="one line of distinct names"):
        sas_formats.read_coefficients("CNA_HCC1,CNA_HCC1\n1,2\n", ("CNA",))
