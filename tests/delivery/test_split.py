"""Whatever a digest holds: every message is within the chat's limit, and no letter of it is lost."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flows.delivery.split import Message, size, split

CHATS = {"discord": 2_000, "slack": 3_000, "telegram": 4_096}

words = st.text(st.characters(codec="utf-8", exclude_characters="`~|#\r\n"), max_size=60)
emoji = st.sampled_from(["✅", "🚀", "👩‍👩‍👧", "🇩🇪", "é"])
rows = st.integers(1, 60)


@st.composite
def tables(draw: st.DrawFn) -> str:
    head = "| Sector | Hit rate | n |\n|:---|---:|---|\n"
    return head + "".join(f"| Sector {n} | {n}.5 % (40 to 70) | {n * 7} |\n" for n in range(draw(rows)))


@st.composite
def code(draw: st.DrawFn) -> str:
    marks = draw(st.sampled_from(["```", "~~~~", "`````"]))
    info = draw(st.sampled_from(["", "sql", "x" * 90]))
    body = "".join(draw(st.lists(words.map(lambda line: line + "\n"), max_size=40)))
    is_closed = draw(st.booleans())
    return f"{marks}{info}\n{body}{marks if is_closed else ''}\n"


blocks = st.one_of(
    words,
    st.text(max_size=200),
    st.lists(words, max_size=40).map(" ".join),
    words.map(lambda text: f"## {text}\n"),
    emoji.map(lambda one: one * 300),
    st.integers(1, 3_000).map(lambda n: "x" * n),
    st.integers(3, 200).map(lambda n: "`" * n + "\n"),
    tables(),
    code(),
)
markdowns = st.lists(blocks, max_size=14).map("\n\n".join)


@given(
    markdowns,
    st.one_of(st.sampled_from(list(CHATS.values())), st.integers(80, 400)),
    st.sampled_from(["", "SIMULATED"]),
)
@example("", 2_000, "")
@example("🚀" * 1_001, 2_000, "")
@example("`" * 5_000, 2_000, "")
@example("| a |\n|---|\n" + "| b |\n" * 2_000, 80, "SIMULATED")
@example("(1/2)\n" * 2_000, 80, "")
def test_messages_are_within_the_limit_and_their_bodies_joined_are_the_original(
    markdown: str, limit: int, stamp: str
) -> None:
    messages = split(markdown, limit, stamp=stamp)

    assert [size(one.text) for one in messages if size(one.text) > limit] == []
    assert "".join(one.body for one in messages) == markdown
    for number, one in enumerate(messages, 1):
        assert one.body
        added_on_top = one.head
        if len(messages) > 1:
            marker = f"({number}/{len(messages)}){f' {stamp}' if stamp else ''}\n"
            assert added_on_top.startswith(marker)
            added_on_top = added_on_top.removeprefix(marker)
        # Added lines are only repeated heads and the ends of code blocks.
        assert added_on_top.removesuffix("\n") in markdown
        assert re.fullmatch(r"\n?(`{3,}|~{3,})|", one.tail)


def is_code_balanced(text: str) -> bool:
    return len(re.findall(r"(?m)^```", text)) % 2 == 0


@given(st.lists(st.integers(1, 60), min_size=1, max_size=5), st.sampled_from(list(CHATS.values())))
def test_code_is_code_in_every_message(lengths: list[int], limit: int) -> None:
    markdown = "\n".join(
        "What follows is a query.\n\n```sql\n"
        + "select hit_rate from marts.signal_scorecard -- so it goes\n" * n
        + "```\n"
        for n in lengths
    )
    for one in split(markdown, limit):
        assert is_code_balanced(one.text)
        inside = one.text.split("```sql\n")
        assert "select" not in inside[0]
        assert all("select" in piece for piece in inside[1:])


@given(st.integers(1, 400), st.sampled_from(list(CHATS.values())))
def test_every_piece_of_a_table_begins_with_its_head_and_ends_with_a_whole_row(n_rows: int, limit: int) -> None:
    head = "| Sector | Hit rate |\n|---|---:|\n"
    markdown = (
        "Hit rates\n\n" + head + "".join(f"| Sector {n} | {n}.0 % |\n" for n in range(n_rows)) + "\nNot advice.\n"
    )
    for one in split(markdown, limit):
        assert one.text.count(head) == ("| Sector" in one.text)
        assert one.body.endswith("\n")
        assert all(row.startswith("| ") and row.endswith(" |") for row in one.text.splitlines() if "Sector " in row)
        assert not one.text.endswith(head)


def test_a_message_ends_between_blocks_where_it_can() -> None:
    paragraphs = [f"Paragraph {number}. " + "word " * 120 + "\n\n" for number in range(9)]
    messages = split("".join(paragraphs), 2_000)
    assert [one.body for one in messages] == ["".join(paragraphs[n : n + 3]) for n in (0, 3, 6)]
    assert messages[0] == Message("(1/3)\n", "".join(paragraphs[:3]), "")


@pytest.mark.parametrize("text", ["short", "", "x" * 2_000])
def test_what_fits_goes_as_it_is(text: str) -> None:
    assert [one.text for one in split(text, 2_000, stamp="SIMULATED")] == ([text] if text else [])
