"""Fixed-width records: read as slicing would, refused with line and position, never a word of what stands there."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from riskadj.cms_reports.reading import load_layout
from riskadj.errors import ExtractError, RiskAdjError, TableError
from riskadj.extracts.fixed_width import read_records
from riskadj.extracts.record_layout import parse_layout
from tests.report_files import naive_cells, write_lines

HEAD = "record,name,start,end,type,allowed,title\n"
PLAIN = parse_layout(
    HEAD
    + "detail,member_id,1,5,text,,\n"
    + "detail,birth_date,6,13,date,,\n"
    + "detail,month,14,19,month,,\n"
    + "detail,score,20,26,decimal,,\n"
    + "detail,n,27,29,integer,,\n"
    + "detail,is_on,30,30,flag,,\n"
    + "detail,sex,31,31,text,M|F,\n"
    + "detail,filler,32,40,skip,,\n",
    "layout plain",
)
FRAMED = parse_layout(
    HEAD
    + "header,record_type,1,1,record,H,\nheader,run_date,2,9,date,,\n"
    + "A,record_type,1,1,record,A|B,\nA,member_id,2,5,text,,\nA,star,6,6,literal,*,\nA,filler,7,9,skip,,\n"
    + "C,record_type,1,1,record,C,\nC,n,2,5,integer,,\nC,filler,6,9,skip,,\n"
    + "trailer,record_type,1,1,record,T,\ntrailer,record_count,2,5,count,,\ntrailer,filler,6,9,skip,,\n",
    "layout framed",
)
GOOD = "A0001194012312099011.2345 -07YM         "
FRAME = ["H20990101", "A0001*", "B0002*   ", "C0042", "T0003    "]


def rows(path: Path, layout=PLAIN, **options) -> list[dict]:
    return [
        {**row, "line": int(line)}
        for details in read_records(path, layout, **options)
        for row, line in zip(details.columns.to_pylist(), details.lines, strict=True)
    ]


def test_types_are_read(tmp_path: Path) -> None:
    blank = " " * 40
    zeros = "X    00000000000000" + "0000.00" + "000" + "0F" + " " * 9
    found = rows(write_lines(tmp_path / "x.txt", [GOOD, blank, zeros]))
    assert found[0] == {
        "member_id": "A0001", "birth_date": dt.date(1940, 12, 31), "month": dt.date(2099, 1, 1), "score": 1.2345,
        "n": -7, "is_on": True, "sex": "M", "line": 1,
    }  # fmt: skip
    assert set(found[1].values()) == {None, 2}
    assert found[2] == {
        "member_id": "X", "birth_date": None, "month": None, "score": 0.0, "n": 0, "is_on": False,
        "sex": "F", "line": 3,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-123.45", -123.45), ("123.45-", -123.45), ("+000.10", 0.1), (" -  1.5", -1.5), ("     .5", 0.5),
        ("12.    ", 12.0), ("1234567", 1234567.0), ("0.1    ", 0.1),
    ],
)  # fmt: skip
def test_decimals_in_every_spelling(tmp_path: Path, text: str, value: float) -> None:
    path = write_lines(tmp_path / "x.txt", [GOOD[:19] + text + GOOD[26:]])
    assert rows(path)[0]["score"] == value


@pytest.mark.parametrize(
    "text",
    ["1.2.3  ", "1 2    ", "0 5    ", "0-5    ", "--1    ", "-      ", ".      ", "1e3    ", "{12.345"],
)
def test_what_is_no_number_is_refused(tmp_path: Path, text: str) -> None:
    path = write_lines(tmp_path / "x.txt", [GOOD, GOOD[:19] + text + GOOD[26:]])
    with pytest.raises(ExtractError, match=r"x\.txt, line 2, positions 20-26 \(score\): not a number"):
        rows(path)


@pytest.mark.parametrize(
    ("start", "text", "words"),
    [
        (6, "19401332", "positions 6-13 (birth_date): not a date, CCYYMMDD"),
        (6, "19410229", "positions 6-13 (birth_date): not a date"),
        (6, "1941 229", "positions 6-13 (birth_date): not a date"),
        (14, "209913", "positions 14-19 (month): not a month, CCYYMM"),
        (27, "1.5", "positions 27-29 (n): not a whole number"),
        (30, "X", "positions 30-30 (is_on): not 1, 0, Y, N or a blank"),
        (31, "U", "positions 31-31 (sex): not M or F or blanks"),
        (1, "\xc3\xa9", "positions 1-5 (member_id): not printable ASCII characters"),
        (1, "\t", "positions 1-5 (member_id): not printable ASCII characters"),
    ],
)
def test_message_names_line_positions_and_field(tmp_path: Path, start: int, text: str, words: str) -> None:
    bad = GOOD[: start - 1] + text + GOOD[start - 1 + len(text) :]
    with pytest.raises(ExtractError) as caught:
        rows(write_lines(tmp_path / "x.txt", [GOOD, GOOD, bad, GOOD, bad]))
    message = str(caught.value)
    assert f"x.txt, line 3, {words}" in message
    assert "(2 such lines so far, the next: 5)" in message
    assert "layout_file=" in message


def test_lengths(tmp_path: Path) -> None:
    assert len(rows(write_lines(tmp_path / "cut_filler.txt", [GOOD[:31], GOOD[:35]]))) == 2
    for line in (GOOD[:30], GOOD + " "):
        with pytest.raises(
            ExtractError, match=r"line 2: (30|41) characters, but a detail record .* has 31 to 40"
        ):
            rows(write_lines(tmp_path / "x.txt", [GOOD, line]))
    with pytest.raises(ExtractError, match="line 2: 0 characters"):
        rows(write_lines(tmp_path / "x.txt", [GOOD, "", GOOD]))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last_line_ends", [True, False])
@pytest.mark.parametrize("block_bytes", [41, 64, 1 << 20])
def test_line_ends_and_blocks_change_nothing(
    tmp_path: Path, end: str, last_line_ends: bool, block_bytes: int
) -> None:
    path = write_lines(tmp_path / "x.txt", [GOOD.replace("A0001", f"A{n:04d}") for n in range(20)], end)
    if not last_line_ends:
        path.write_bytes(path.read_bytes().removesuffix(end.encode()))
    found = rows(path, block_bytes=block_bytes + len(end))
    assert [(row["member_id"], row["line"]) for row in found] == [(f"A{n:04d}", n + 1) for n in range(20)]


def test_header_details_and_trailer(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "x.txt", FRAME)
    found = list(read_records(path, FRAMED))
    assert [details.record.name for details in found] == ["A", "C"]
    assert found[0].columns.to_pylist() == [
        {"record_type": "A", "member_id": "0001"},
        {"record_type": "B", "member_id": "0002"},
    ]
    assert found[0].header == {"record_type": "H", "run_date": dt.date(2099, 1, 1)}
    twice = write_lines(tmp_path / "twice.txt", FRAME + FRAME)
    assert len(rows(twice, FRAMED)) == 6


def test_trailer_may_count_every_record(tmp_path: Path) -> None:
    assert len(rows(write_lines(tmp_path / "x.txt", [*FRAME[:-1], "T0005"]), FRAMED)) == 3


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (FRAME[:-1], "ends at line 4 without its trailer record"),
        (FRAME[1:], "line 1: a detail record where a header record belongs"),
        ([*FRAME[:3], FRAME[4]], "line 4, positions 2-5 (record_count): the trailer counts another number of records"),
        ([FRAME[0], *FRAME], "line 2: a header record where a trailer record belongs"),
        ([*FRAME, FRAME[4]], "line 6: a trailer record where a header record belongs"),
        ([FRAME[0], "Q0001*", *FRAME[1:]],
     "positions 1-1 (record_type): no such record in layout framed; known: H, A, B, C, T"),
        ([FRAME[0], "A0001+", *FRAME[2:]], "line 2, positions 6-6 (star): not *"),
        ([FRAME[0], "", *FRAME[1:]], "line 2, positions 1-1 (record_type): line ends before it"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("block_bytes", [12, 1 << 20])
def test_frames_that_are_wrong(tmp_path: Path, lines: list[str], words: str, block_bytes: int) -> None:
    with pytest.raises(ExtractError) as caught:
        rows(write_lines(tmp_path / "x.txt", lines), FRAMED, block_bytes=block_bytes)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "x.txt is empty"),
        (b"\x1f\x8b\x08rest", "x.txt is compressed; unpack it first"),
        ((GOOD + " " * 8).encode("cp037") * 20, "x.txt is EBCDIC"),
        (b"A" * 100, "has no line end within 64 bytes"),
    ],
)
def test_files_that_are_no_such_files(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(content)
    with pytest.raises(ExtractError) as caught:
        rows(path, block_bytes=64)
    assert words in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ExtractError, match="cannot be read: No such file"):
        rows(tmp_path / "none.txt")


def refusal(path: Path, layout=PLAIN, **options) -> str:
    """Return the message with which a file is refused, or an empty one; any other error is a failure."""
    try:
        rows(path, layout, **options)
    except RiskAdjError as error:
        return str(error)
    return ""


TEXT = parse_layout(HEAD + "detail,a,1,4,text,,\ndetail,b,5,5,text,,\ndetail,c,7,9,text,,\n", "layout text")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(
        st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=9, max_size=9), min_size=1
    ),
    end=st.sampled_from(["\n", "\r\n"]),
    block_bytes=st.integers(12, 60),
)
def test_text_is_read_as_slicing_reads_it(
    tmp_path: Path, lines: list[str], end: str, block_bytes: int
) -> None:
    path = write_lines(tmp_path / "x.txt", lines, end)
    found = [{name: row[name] for name in "abc"} for row in rows(path, TEXT, block_bytes=block_bytes)]
    assert found == naive_cells(path.read_text(), TEXT.records[0])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300), good=st.integers(0, 3), layout=st.sampled_from([PLAIN, FRAMED]))
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes, good: int, layout) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(
        "".join(f"{line}\n" for line in ([GOOD] if layout is PLAIN else FRAME) * good).encode() + content
    )
    message = refusal(path, layout, block_bytes=128)
    assert message.isascii()
    assert "A0001" not in message


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 39), byte=st.integers(0, 255))
def test_one_bad_byte_is_read_or_refused_at_its_place(tmp_path: Path, position: int, byte: int) -> None:
    content = GOOD.encode()[:position] + bytes([byte]) + GOOD.encode()[position + 1 :] + b"\n"
    path = tmp_path / "x.txt"
    path.write_bytes(content)
    message = refusal(path)
    (place,) = (f for f in PLAIN.records[0].fields if f.start - 1 <= position < f.end)
    assert not message or "characters, but" in message or f"({place.name})" in message


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("record,name\n", "lacks the column 'start'"),
        (HEAD, "describes no field"),
        (HEAD + "detail,a,1,4,texte,,\n", "line 2: no field type 'texte'; nearest: text"),
        (HEAD + "detail,a,x,4,text,,\n", "line 2: start and end must be positions"),
        (HEAD + "detail,a,4,1,text,,\n", "line 2: positions 4-1 cannot hold the field"),
        (HEAD + "detail,a,1,1,text,AB,\n", "line 2: positions 1-1 cannot hold the field"),
        (HEAD + "detail,a,1,7,date,,\n", "line 2: a date has 8 or 10 characters"),
        (HEAD + "detail,a,1,4,text,,\ndetail,b,4,5,text,,\n", "line 3: 'b' begins inside 'a'"),
        (HEAD + "detail,a,1,4,text,,\ndetail,a,5,5,text,,\n", "names 'a' twice"),
        (HEAD + "detail,a,1,4,literal,,\n", "line 2: a field of type literal says in 'allowed'"),
        (HEAD + "detail,a,1,4,skip,,\n", "has no field that is read"),
        (HEAD + "detail,,1,4,text,,\n", "line 2: a field needs a record and a name"),
        (HEAD + "A,k,1,1,record,A,\nB,k,1,1,record,A,\n", "two kinds of record have the same code"),
        (HEAD + "A,k,1,1,record,A,\nB,k,1,1,text,,\n", "every record needs its field of type record"),
        (HEAD + "A,k,1,1,record,A,\nB,k,1,1,record,B,\nA,a,2,2,text,,\n", "must stand together"),
        (HEAD + "header,k,1,1,record,A,\n", "has no detail record"),
    ],
)  # fmt: skip
def test_layouts_that_are_wrong(table: str, words: str) -> None:
    with pytest.raises(TableError) as caught:
        parse_layout(table, "my.csv")
    assert words in str(caught.value)


@pytest.mark.parametrize("name", ["mmr", "mor", "mao004", "cclf8", "raps"])
def test_bundled_layouts_load(name: str) -> None:
    layout = load_layout(name)
    assert {record.length for record in layout.records} == {
        {"mmr": 545, "mor": 200, "mao004": 500, "cclf8": 549, "raps": 512}[name]
    }
