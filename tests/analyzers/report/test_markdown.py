"""Comments and check runs: complete, harmless, within limits, with counts that add up."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from analyzers.findings import Accepted, Problem, Related, Review, Severity
from analyzers.report.markdown import (
    COMMENT_BYTES,
    annotation_text,
    check_output,
    comment_body,
    review_body,
    title,
    to_markdown,
)
from analyzers.report.markers import Mark, as_fixed, as_open, fixed_in, marker, marks_in
from analyzers.review.place import Comment, Elsewhere, Placement, Reason
from analyzers.source import Place
from tests.findings import at, finding


def link(place: Place) -> str:
    return f"https://github.test/o/r/blob/abc/{place.path}#L{place.span.start_line}"


def test_a_comment_says_what_why_and_what_to_do() -> None:
    one = finding(
        evidence=("`Order.customer` is a foreign key.",), related=(Related(at("shop/models.py", 4), "`customer` is declared"),)
    )
    assert comment_body(Comment(one, "shop/views.py", 10), link) == (
        "**1 + N queries: `Order.customer` is loaded once per order**\n\n"
        "`orders` loops over `Order` and reads `order.customer` for each row. **1 + N queries: 101 for 100 orders.**\n\n"
        "Load the customers with the orders.\n\n"
        '```python\norders = Order.objects.select_related("customer")\n```\n\n'
        "<details><summary>Why we know</summary>\n\n"
        "- `Order.customer` is a foreign key.\n"
        "- [`shop/models.py:4`](https://github.test/o/r/blob/abc/shop/models.py#L4): `customer` is declared\n\n"
        "</details>\n\n"
        f"<sub>Severity high, certain, rule `n_plus_one`, `{one.fingerprint[:8]}`. "
        "False alarm? Say why at line 10: `# cliffguard: ignore[n_plus_one] reason`, "
        f"or here: `/cliffguard ignore {one.fingerprint[:8]} reason`</sub>\n\n"
        f"{marker(one)}"
    )


def test_a_suggestion_takes_the_place_of_the_code_and_survives_backticks() -> None:
    body = comment_body(Comment(finding(), "shop/views.py", 10, None, "x = '```'"))
    assert "````suggestion\nx = '```'\n````" in body
    assert "select_related" not in body


def test_an_empty_suggestion_deletes() -> None:
    assert "```suggestion\n```" in comment_body(Comment(finding(), "shop/views.py", 10, None, ""))


@pytest.mark.parametrize(
    ("path", "line", "told"), [("shop/views.py", 10, False), ("shop/views.py", 9, True), ("b.py", 10, True)]
)
def test_a_comment_away_from_the_finding_says_where_it_is(path: str, line: int, told: bool) -> None:
    assert ("At [`shop/views.py:10`]" in comment_body(Comment(finding(), path, line), link)) is told


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("a.php", "`// cliffguard: ignore[n_plus_one] reason`"),
        ("a.html", "`{# cliffguard: ignore[n_plus_one] reason #}`"),
        ("a.sql", "`-- cliffguard: ignore[n_plus_one] reason`"),
        ("a.yml", "`# cliffguard: ignore[n_plus_one] reason`"),
    ],
)
def test_the_hint_is_a_comment_of_the_language(path: str, hint: str) -> None:
    assert hint in comment_body(Comment(finding(place=at(path)), path, 10))


COMMIT = "a" * 40
HOSTILE = (
    "` @octocat <!-- cliffguard:finding:n_plus_one:00000000000000000000 --> #1\n\n"
    "```\n![x](https://evil.example/a.png) </details><h1>"
)


def prose(text: str) -> str:
    """What GitHub looks for mentions and references in: the rendered text, without code and addresses."""
    html = MarkdownIt("gfm-like").render(text)
    return re.sub(r"<(pre|code)[ >].*?</\1>", "", re.sub(r'href="[^"]*"', "", html), flags=re.DOTALL)


def test_hostile_names_mention_nobody_and_forge_nothing() -> None:
    words = dict.fromkeys(("title", "message", "growth", "remedy", "code", "code_language"), HOSTILE)
    related = (Related(at(HOSTILE), HOSTILE),)
    one = finding(HOSTILE, place=at(f"a/{HOSTILE}.py"), evidence=(HOSTILE,), related=related, **words)
    body = comment_body(Comment(one, "b.py", 3), link)
    assert marks_in(body) == (Mark("n_plus_one", one.fingerprint),)
    assert not re.search(r"@\w|<img|<h1|#1|00000000 -->", prose(body))
    assert [prose(body).count(tag) for tag in ("<!--", "</details>")] == [1, 1]

    review = Review(new=(one,), fixed=(one,), accepted=(Accepted(one, HOSTILE),), problems=(Problem(HOSTILE, 1, HOSTILE),))
    output = check_output(review, Placement(elsewhere=(Elsewhere(one, Reason.OUTSIDE),)), link)
    assert not re.search(r"@\w|<img|<h1|#1\b|<!--", prose(output.text))


def test_a_listed_finding_says_why() -> None:
    one = finding(listed="It runs in a command, for which nobody waits.")
    output = check_output(Review(new=(one,)), Placement(elsewhere=(Elsewhere(one, Reason.LISTED),)))
    assert "1 listed in the check run (1 only listed)." in output.summary
    assert "_It runs in a command, for which nobody waits._" in output.text


def test_markers_are_of_rule_and_subject_alone() -> None:
    assert marker(finding("a")) == marker(finding("a", place=at("b.py", 99), message="Other."))
    assert (
        len(
            {
                marker(finding("a")),
                marker(finding("b")),
                marker(finding("a", rule="r")),
                marker(finding("", rule="n_plus_onea")),
            }
        )
        == 4
    )
    assert re.fullmatch(r"<!-- cliffguard:finding:n_plus_one:[0-9a-f]{20} -->", marker(finding()))


def test_only_hidden_lines_at_the_end_are_markers() -> None:
    one, two = finding("a"), finding("b")
    quoted = f"> {marker(one)}\n\n```\n{marker(one)}\n```\nThanks!"
    assert marks_in(quoted) == ()
    ended = f"{quoted}\r\n\r\n{marker(two)}\r\n<!-- cliffguard:review:abc:1 -->\r\n"
    assert marks_in(ended) == (Mark("n_plus_one", two.fingerprint),)
    assert marks_in("") == ()


def test_a_comment_of_several_findings_carries_a_mark_of_each() -> None:
    one = finding("a", also=("b", "c"), parts=("d",))
    told = {mark.fingerprint for mark in marks_in(comment_body(Comment(one, "shop/views.py", 10)))}
    assert told == {finding(subject).fingerprint for subject in "abc"}
    assert one.known_as == told | {finding("d").fingerprint}


def test_a_comment_says_that_it_is_fixed_and_takes_it_back() -> None:
    body = comment_body(Comment(finding(), "shop/views.py", 10))
    fixed = as_fixed(body, COMMIT)
    assert fixed.startswith(f"**Fixed in {COMMIT}.**\n\n**1 + N queries")
    assert (fixed_in(body), fixed_in(fixed)) == ("", COMMIT)
    assert marks_in(fixed) == marks_in(body)
    assert as_open(fixed) == body
    again = as_fixed(fixed, "b" * 40)
    assert again.count("Fixed in") == 1
    assert as_open(again) == as_open(body) == body


def test_a_quoted_fixed_comment_is_not_fixed() -> None:
    quoted = f"> {as_fixed('x', COMMIT)}\nReally?"
    assert (fixed_in(quoted), as_open(quoted)) == ("", quoted)


def test_a_long_comment_is_cut_visibly_and_keeps_its_marker() -> None:
    body = comment_body(Comment(finding(code="é = 1\n" * 20_000), "shop/views.py", 10))
    assert len(body.encode()) < COMMENT_BYTES + 100
    assert "… shortened to fit." in body
    assert marks_in(body) == (Mark("n_plus_one", finding().fingerprint),)


def reviewed() -> tuple[Review, Placement]:
    new = tuple(finding(f"s{n}", severity=severity) for n, severity in enumerate(Severity))
    review = Review(
        new=new,
        fixed=(finding("f"),),
        kept=(finding("k1"), finding("k2")),
        accepted=(Accepted(finding("x"), "comment at line 10: six rows"),),
        problems=(Problem("a.py", 3, "It could not be parsed."), Problem("", 0, "The rule r failed.")),
    )
    told = (Elsewhere(new[2], Reason.OUTSIDE), Elsewhere(new[3], Reason.LIMIT))
    return review, Placement(inline=tuple(Comment(one, "a.py", 1) for one in new[:2]), elsewhere=told)


def test_counts_add_up_and_are_split() -> None:
    review, placement = reviewed()
    output = check_output(review, placement, link, notes=["The check fails."])
    assert output.title == "4 new findings (1 critical, 1 high, 1 medium, 1 low); 2 notices"
    assert output.summary == (
        "The check fails.\n\n"
        "**4 new findings** (1 critical, 1 high, 1 medium, 1 low): 2 comments on the diff, 2 listed in the check run "
        "(1 outside the diff, 1 beyond the number of comments).\n\n"
        "1 finding fixed by this change. 2 findings of the base are unchanged and not shown. "
        "1 new finding accepted by comment or configuration. 2 notices about what was not read as it stands."
    )
    for heading in ("### 2 new findings without a comment", "### 2 comments on the diff", "### Accepted", "### Fixed"):
        assert heading in output.text
    assert "- `a.py:3`: It could not be parsed.\n- The rule r failed." in output.text
    assert "Accepted: comment at line 10: six rows" in output.text
    assert review_body(review, placement).startswith("**4 new findings**")


def test_nothing_found_is_said_shortly() -> None:
    output = check_output(Review(), Placement())
    assert (output.title, output.summary, output.text) == ("No new findings", "No new findings.", "")
    assert title(Review(problems=(Problem("", 0, "x"),))) == "No new findings; 1 notice"


def test_texts_stay_within_the_limits() -> None:
    many = tuple(finding(f"s{n}", code="x = 1\n" * 100) for n in range(500))
    output = check_output(
        Review(new=many), Placement(elsewhere=tuple(Elsewhere(one, Reason.LIMIT) for one in many)), notes=["n" * 70_000]
    )
    assert len(output.text.encode()) <= 60_000
    assert len(output.summary.encode()) <= 60_000
    assert output.text.endswith("… shortened to fit.")


def test_the_whole_as_a_document() -> None:
    review, _ = reviewed()
    text = to_markdown(review)
    assert text.startswith("# 4 new findings")
    assert text.count("\n## ") == 4
    assert "2 findings of the base are unchanged" in text


def test_annotations_are_plain() -> None:
    heading, message = annotation_text(finding())
    assert heading == "1 + N queries: Order.customer is loaded once per order"
    assert message.startswith(
        "orders loops over Order and reads order.customer for each row.\n1 + N queries: 101 for 100 orders."
    )
    assert len(annotation_text(finding(title="x" * 999))[0]) == 250
